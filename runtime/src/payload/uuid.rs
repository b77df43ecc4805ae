//! UUIDs of any version.

use serde::{Deserializer, Serialize, Serializer};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::encoder::Plain;
use super::{Invalid, Read, Reader, Write, text};

/// Reads the text of a UUID, RFC 4122.
pub(super) fn parse(text: &str) -> Result<Uuid, Invalid> {
    // of the forms that the crate takes, only this one has this length
    let is_hyphenated = text.len() == Hyphenated::LENGTH;
    let uuid = if is_hyphenated { Uuid::try_parse(text).ok() } else { None };
    uuid.ok_or_else(|| Invalid::new("is not a UUID"))
}

/// `format: uuid`, RFC 4122: with hyphens, in either case; it is written in lower case.
impl Read for Uuid {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        text::read(json, reader, parse)
    }
}

impl Write for Uuid {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Plain(self.hyphenated().encode_lower(&mut Uuid::encode_buffer())).serialize(to)
    }
}
