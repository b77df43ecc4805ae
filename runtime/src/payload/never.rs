//! The schema `false`, and `null`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Invalid, Read, Reader, Write};

/// No value: the schema `false`.
///
/// ```
/// use eventwright::{payload::decode, Never, Reading};
///
/// let error = decode::<Never>(b"1", Reading::Strict).unwrap_err();
/// assert_eq!(error.to_string(), "document: is not allowed by the schema");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Never {}

impl Read for Never {
    fn read<'de, D: Deserializer<'de>>(_: D, reader: &Reader) -> Result<Self, D::Error> {
        Err(reader.refuse_whole(Invalid::new("is not allowed by the schema")))
    }
}

impl Write for Never {
    fn write<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl Serialize for Never {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

/// `null`, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Null;

impl Read for Null {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        <()>::deserialize(json).map(|()| Self).map_err(|error| reader.expected("null", error))
    }
}

impl Write for Null {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_unit()
    }
}

impl Serialize for Null {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to)
    }
}
