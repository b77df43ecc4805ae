//! One document being read.
//!
//! Reading that succeeds costs nothing here. An error records the broken rule, and each level that it passes on its way out adds
//! its segment of the path.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::{self, Write as _};

use serde::de;

use super::error::{DecodeError, Invalid, Violation};
use super::object::Field;

/// How strictly a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// As a producer must write: every rule of the schema holds.
    Strict,
    /// As a consumer must read, for whom a later minor revision of the contract may add to what it knows: unknown properties of
    /// closed objects are ignored, and an unknown word of an enum reads as [`Unrecognized`](super::Unrecognized). Every
    /// other rule holds.
    Tolerant,
}

/// One document being read: how strictly, and the first rule that it breaks.
#[derive(Debug)]
pub struct Reader {
    reading: Reading,
    found: RefCell<Option<Found>>,
}

/// A broken rule, while its path is being built from the inside out.
#[derive(Debug)]
struct Found {
    rule: Cow<'static, str>,
    value: Option<String>,
    path: Vec<Segment>,
    /// How many segments of the path lie beneath the outermost sensitive property.
    sensitive: Option<usize>,
}

/// One step of a path.
#[derive(Debug)]
pub(crate) enum Segment {
    /// A property that the schema names.
    Declared(&'static str),
    /// A property that only the data names.
    Named(String),
    /// An item of an array.
    Item(usize),
}

const SHOWN_VALUE_CHARS: usize = 60;
const SHOWN_NAME_CHARS: usize = 200;

impl Reader {
    pub(crate) fn new(reading: Reading) -> Self {
        Self { reading, found: RefCell::new(None) }
    }

    /// How strictly the document is read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// Refuses a value. The error ends the reading; pass it on.
    #[cold]
    pub fn refuse<E: de::Error>(&self, invalid: Invalid, value: &dyn fmt::Debug) -> E {
        self.record(invalid.into_rule(), Some(format!("{value:?}")))
    }

    /// Refuses what is absent, or an object or array as a whole. The error ends the reading; pass it on.
    #[cold]
    pub fn refuse_whole<E: de::Error>(&self, invalid: Invalid) -> E {
        self.record(invalid.into_rule(), None)
    }

    /// Says that a value was expected to be, say, `a string`, unless a broken rule within it was met before.
    #[cold]
    pub fn expected<E: de::Error>(&self, expected: &str, error: E) -> E {
        if self.found.borrow().is_none() {
            self.record::<E>(format!("is not {expected}").into(), found_instead(&error.to_string()));
        }
        error
    }

    /// Like [`expected`](Self::expected), for objects and arrays, whose parts may be sensitive: shows no value.
    #[cold]
    pub fn expected_whole<E: de::Error>(&self, expected: &str, error: E) -> E {
        if self.found.borrow().is_none() {
            self.record::<E>(format!("is not {expected}").into(), None);
        }
        error
    }

    /// Adds the property in which the error arose to its path.
    #[cold]
    pub(crate) fn within_field<E: de::Error>(&self, field: &Field, error: E) -> E {
        let error = self.within(Segment::Declared(field.name), error);
        if field.sensitive
            && let Some(found) = self.found.borrow_mut().as_mut()
        {
            found.sensitive = Some(found.path.len() - 1);
        }
        error
    }

    /// Adds a step in which the error arose to its path.
    #[cold]
    pub(crate) fn within<E>(&self, segment: Segment, error: E) -> E {
        let mut found = self.found.borrow_mut();
        found.get_or_insert_with(|| Found::new("can't be read".into(), None)).path.push(segment);
        error
    }

    fn record<E: de::Error>(&self, rule: Cow<'static, str>, value: Option<String>) -> E {
        let error = E::custom(&rule);
        self.found.borrow_mut().get_or_insert_with(|| Found::new(rule, value));
        error
    }

    /// What ended the reading. serde_json says whether the text itself was at fault.
    #[cold]
    pub(crate) fn into_error(self, error: &serde_json::Error) -> DecodeError {
        if !error.is_data() {
            return DecodeError::syntax(error);
        }
        let found = self.found.into_inner().unwrap_or_else(|| Found::new("can't be read".into(), None));
        DecodeError::Violation(found.into_violation())
    }
}

impl Found {
    fn new(rule: Cow<'static, str>, value: Option<String>) -> Self {
        Self { rule, value, path: Vec::new(), sensitive: None }
    }

    fn into_violation(self) -> Violation {
        let pointer = self.pointer();
        let value = self.value.map(|value| match self.sensitive {
            Some(_) => "<redacted>".to_owned(),
            None => shortened(&value, SHOWN_VALUE_CHARS),
        });
        Violation { pointer, rule: self.rule.into_owned(), value }
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for (beneath, segment) in self.path.iter().enumerate().rev() {
            let is_sensitive = self.sensitive.is_some_and(|sensitive| beneath < sensitive);
            match segment {
                Segment::Named(_) if is_sensitive => break,
                Segment::Declared(name) => push_escaped(&mut pointer, name),
                Segment::Named(name) => push_escaped(&mut pointer, &shortened(name, SHOWN_NAME_CHARS)),
                Segment::Item(index) => {
                    let _ = write!(pointer, "/{index}");
                }
            }
        }
        pointer
    }
}

/// RFC 6901 section 3: `~` is written as `~0` and `/` as `~1`.
fn push_escaped(pointer: &mut String, name: &str) {
    pointer.push('/');
    for c in name.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// serde says ``invalid type: integer `5`, expected a string``; what was expected are our own words, without a comma.
fn found_instead(message: &str) -> Option<String> {
    let (found, _) = message.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    Some(match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        other => other.replace('`', ""),
    })
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
