//! Variants that a member tells apart.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};

use super::{Union, raw};
use crate::payload::json::{Seed, TWICE};
use crate::payload::reader::Segment;
use crate::payload::{Invalid, Reader};

/// Reads a value of the variant that a member names.
///
/// # Errors
/// Where it is not an object, lacks the member or gives it twice, the member names no variant, or the variant refuses the value.
pub fn tagged<'de, T: Union, D: Deserializer<'de>>(
    name: &'static str,
    json: D,
    reader: &Reader,
) -> Result<T, D::Error> {
    let raw = raw(json, reader)?;
    let tag = Tag { name, reader };
    let tag = reader.read_text(raw.get(), |json, _| tag.deserialize(json)).map_err(D::Error::custom)?;
    let Some(index) = T::VARIANTS.iter().position(|known| *known == tag) else {
        let known: Vec<_> = T::VARIANTS.iter().map(|known| format!("`{known}`")).collect();
        let invalid = Invalid::new(format!("is not one of {}", known.join(", ")));
        let error = reader.refuse(invalid, &tag);
        return Err(reader.within(Segment::Declared(name), error));
    };
    reader.read_text(raw.get(), |json, reader| T::read_variant(index, json, reader)).map_err(D::Error::custom)
}

/// Finds the member and skips the others.
struct Tag<'r> {
    name: &'static str,
    reader: &'r Reader,
}

impl<'de> DeserializeSeed<'de> for Tag<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<String, D::Error> {
        let reader = self.reader;
        json.deserialize_map(self).map_err(|error| reader.expected_whole("an object", error))
    }
}

impl<'de> Visitor<'de> for Tag<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let Self { name, reader } = self;
        let mut tag = None;
        while let Some(is_tag) = map.next_key_seed(Is(name))? {
            if !is_tag {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(Seed::<String>::new(reader)).and_then(|value| match tag {
                Some(_) => Err(reader.refuse_whole(Invalid::new(TWICE))),
                None => Ok(value),
            });
            tag = Some(value.map_err(|error| reader.within(Segment::Declared(name), error))?);
        }
        tag.ok_or_else(|| reader.refuse_whole(Invalid::new(format!("required property `{name}` is missing"))))
    }
}

/// Whether a member has a name.
struct Is(&'static str);

impl<'de> DeserializeSeed<'de> for Is {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Is {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
