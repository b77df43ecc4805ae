//! Values without a type.

mod convert;
mod other;
mod parse;
pub mod types;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use self::other::Other;
pub(crate) use self::parse::parse;
use super::{Invalid, Number, Read, Reader, Write};

/// Any JSON value, exactly: no number loses a digit.
///
/// Two values are equal as JSON Schema compares them (Core section 4.2.2): numbers by their value, objects whatever the order of
/// their members. An object that gives a property twice is refused, and so is a value that is more than 128 levels deep.
///
/// ```
/// use eventwright::{Json, Reading, payload::{decode, encode}};
///
/// let order: Json = decode(br#"{"total": 12.50, "lines": [1e400, "x"]}"#, Reading::Strict)?;
/// assert_eq!(order.get("lines"), Some(&Json::Array(vec!["10e399".parse::<eventwright::Number>()?.into(), "x".into()])));
/// assert_eq!(encode(&order)?, r#"{"lines":[1e400,"x"],"total":12.50}"#);
/// assert_eq!(order, r#"{"lines": [10E399, "\u0078"], "total": 12.5}"#.parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(string) => Some(string),
            _ => None,
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&BTreeMap<String, Json>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of a name, if it is an object that has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }
}

impl Read for Json {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        // as text: of numbers, serde would show us the float next to them
        let raw = Box::<RawValue>::deserialize(json).map_err(|error| reader.expected_whole("a JSON value", error))?;
        parse(&raw).map_err(|broken| reader.refuse_part(broken))
    }
}

impl Write for Json {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(bool) => bool.write(to),
            Self::Number(number) => number.write(to),
            Self::String(string) => string.write(to),
            Self::Array(items) => items.write(to),
            Self::Object(members) => members.write(to),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to)
    }
}

impl FromStr for Json {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let raw = serde_json::from_str(text).map_err(|error| Invalid::new(format!("is not JSON: {error}")))?;
        Ok(parse(raw)?)
    }
}

/// As JSON, but for strings, which are shown as Rust shows them.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(bool) => bool.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::String(string) => fmt::Debug::fmt(string, f),
            Self::Array(items) => items.fmt(f),
            Self::Object(members) => members.fmt(f),
        }
    }
}
