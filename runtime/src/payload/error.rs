//! What can be wrong with a document or a value.

use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;

/// Why a value is not one of its type: the rule that it breaks.
///
/// The value itself is not part of the message, so that it can be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    rule: Cow<'static, str>,
}

impl Invalid {
    /// A broken rule, worded to follow the value: `is not an email address`.
    pub fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        Self { rule: rule.into() }
    }

    /// The rule, worded to follow the value.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    pub(crate) fn into_rule(self) -> Cow<'static, str> {
        self.rule
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value {}", self.rule)
    }
}

impl std::error::Error for Invalid {}

/// A rule of the schema that a document breaks.
///
/// ```
/// # use eventwright::{payload::decode, DecodeError, Int, Reading};
/// let Err(DecodeError::Violation(violation)) = decode::<Vec<Int<1, 4>>>(b"[1, 5]", Reading::Strict) else { panic!() };
/// assert_eq!(violation.pointer, "/1");
/// assert_eq!(violation.rule, "is more than the maximum of 4");
/// assert_eq!(violation.value.as_deref(), Some("5"));
/// assert_eq!(violation.to_string(), "/1: 5 is more than the maximum of 4");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole document. It ends at the property that is marked sensitive
    /// where the rest of the path would show names that come from the data.
    pub pointer: String,
    /// The rule, worded to follow the value, or the pointer where there is no value.
    pub rule: String,
    /// The value, shortened, or `<redacted>` beneath a property that is marked sensitive. None where the rule is about
    /// something absent or about an object or array as a whole.
    pub value: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "document" } else { &self.pointer };
        match &self.value {
            Some(value) => write!(f, "{place}: {value} {}", self.rule),
            None => write!(f, "{place}: {}", self.rule),
        }
    }
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not one JSON document.
    #[error("not JSON: {message} at line {line}, column {column}")]
    Syntax {
        /// What is wrong there.
        message: String,
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
    },
    /// The document breaks a rule of the schema.
    #[error("{0}")]
    Violation(Violation),
    /// The bindings know no such payload: the event type or this version of it is newer than they are.
    #[error("event type `{event_type}` version {version} is not known here; update the bindings and deploy")]
    Unknown {
        /// The event type.
        event_type: String,
        /// The payload's schema version.
        version: u16,
    },
}

impl DecodeError {
    /// The error for a payload that the bindings do not know.
    pub fn unknown(event_type: &str, version: u16) -> Self {
        Self::Unknown { event_type: event_type.to_owned(), version }
    }

    #[cold]
    pub(crate) fn not_utf8(bytes: &[u8], error: Utf8Error) -> Self {
        let valid = &bytes[..error.valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Self::Syntax { message: "invalid UTF-8".to_owned(), line, column }
    }

    pub(crate) fn syntax(error: &serde_json::Error) -> Self {
        Self::Syntax { message: syntax_message(error), line: error.line(), column: error.column() }
    }
}

/// What is wrong with a text, without the place.
pub(crate) fn syntax_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// Why a value could not be written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct EncodeError {
    message: String,
}

impl EncodeError {
    pub(crate) fn new(error: serde_json::Error) -> Self {
        Self { message: error.to_string() }
    }
}
