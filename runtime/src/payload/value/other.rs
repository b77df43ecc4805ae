//! Values of some of JSON's types.

use std::fmt;
use std::ops::Deref;

use serde::{Deserializer, Serialize, Serializer};

use super::{Json, types};
use crate::payload::reader::found_in;
use crate::payload::{Invalid, Read, Reader, Write, Written};

/// A value of one of the JSON types in a set: `type` of JSON Schema, where no other type fits.
///
/// ```
/// use eventwright::{Json, Other};
/// use eventwright::payload::value::types::{NULL, NUMBER};
///
/// let amount: Other<{ NULL | NUMBER }> = Other::new(5.into())?;
/// assert_eq!(*amount, Json::from(5));
/// let error = Other::<{ NULL | NUMBER }>::new("5".into()).unwrap_err();
/// assert_eq!(error.to_string(), "the value is not null or a number");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Other<const TYPES: u8>(Json);

impl<const TYPES: u8> Other<TYPES> {
    /// Makes a value of any that may be of another type.
    ///
    /// # Errors
    /// Where it is.
    pub fn new(value: Json) -> Result<Self, Invalid> {
        if types::of(&value) & TYPES != 0 {
            return Ok(Self(value));
        }
        Err(Invalid::new(format!("is not {}", Self::expected())))
    }

    /// The value, taken out.
    #[must_use]
    pub fn into_json(self) -> Json {
        self.0
    }

    fn expected() -> String {
        const NAMES: [(u8, &str); 6] = [
            (types::NULL, "null"),
            (types::BOOLEAN, "a boolean"),
            (types::NUMBER, "a number"),
            (types::STRING, "a string"),
            (types::ARRAY, "an array"),
            (types::OBJECT, "an object"),
        ];
        let names: Vec<_> = NAMES.into_iter().filter(|(bit, _)| TYPES & bit != 0).map(|(_, name)| name).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "of any type".to_owned(),
        }
    }
}

impl<const TYPES: u8> TryFrom<Json> for Other<TYPES> {
    type Error = Invalid;

    fn try_from(value: Json) -> Result<Self, Invalid> {
        Self::new(value)
    }
}

impl<const TYPES: u8> From<Other<TYPES>> for Json {
    fn from(other: Other<TYPES>) -> Self {
        other.0
    }
}

impl<const TYPES: u8> Deref for Other<TYPES> {
    type Target = Json;

    fn deref(&self) -> &Json {
        &self.0
    }
}

impl<const TYPES: u8> fmt::Debug for Other<TYPES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const TYPES: u8> Read for Other<TYPES> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        let value = Json::read(json, reader)?;
        if types::of(&value) & TYPES != 0 {
            return Ok(Self(value));
        }
        let text = serde_json::to_string(&Written(&value)).unwrap_or_default();
        Err(reader.unexpected(&Self::expected(), found_in(&text)))
    }
}

impl<const TYPES: u8> Write for Other<TYPES> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

impl<const TYPES: u8> Serialize for Other<TYPES> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}
