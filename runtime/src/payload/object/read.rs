//! Reading objects.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{Missing, Object};
use crate::payload::json::{Seed, TWICE, twice};
use crate::payload::reader::Segment;
use crate::payload::{Invalid, Omittable, Read, Reader, Reading};

/// Reads an object.
///
/// # Errors
/// Where the JSON is not an object, lacks a required property, names one twice, has one that a closed object does not know under
/// strict reading, or one can't be read.
pub fn read<'de, T: Object, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<T, D::Error> {
    json.deserialize_map(ObjectVisitor { reader, object: PhantomData })
        .map_err(|error| reader.expected_whole("an object", error))
}

struct ObjectVisitor<'r, T> {
    reader: &'r Reader,
    object: PhantomData<T>,
}

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let reader = self.reader;
        let mut fields = T::Fields::default();
        while let Some(key) = map.next_key_seed(KeySeed::<T>(PhantomData))? {
            match key {
                Key::Declared(index) => {
                    T::read_field(&mut fields, index, Member { map: &mut map, reader })
                        .map_err(|error| reader.within_field(&T::FIELDS[index], error))?;
                }
                Key::Unknown(name) => read_unknown::<T, A>(&mut fields, name, Member { map: &mut map, reader })?,
            }
        }
        T::assemble(fields).map_err(|missing| reader.refuse_whole(missing.into()))
    }
}

impl From<Missing> for Invalid {
    fn from(Missing(name): Missing) -> Self {
        Self::new(format!("required property `{name}` is missing"))
    }
}

enum Key {
    Declared(usize),
    Unknown(String),
}

/// Finds a property by its name.
struct KeySeed<T>(PhantomData<T>);

impl<'de, T: Object> DeserializeSeed<'de> for KeySeed<T> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Key, D::Error> {
        json.deserialize_str(self)
    }
}

impl<T: Object> Visitor<'_> for KeySeed<T> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
        Ok(T::position(name).map_or_else(|| Key::Unknown(name.to_owned()), Key::Declared))
    }
}

fn read_unknown<'de, T: Object, A: MapAccess<'de>>(
    fields: &mut T::Fields,
    name: String,
    member: Member<'_, A>,
) -> Result<(), A::Error> {
    let Member { map, reader } = member;
    if let Some(rest) = T::rest(fields) {
        return match map.next_value::<Value>() {
            Ok(_) if rest.contains_key(&name) => Err(twice(reader, name)),
            Ok(value) => {
                rest.insert(name, value);
                Ok(())
            }
            Err(error) => Err(error),
        };
    }
    match reader.reading() {
        Reading::Tolerant => Member { map, reader }.ignore(),
        Reading::Strict => {
            let error = reader.refuse_whole(Invalid::new("property is not in the schema"));
            Err(reader.within(Segment::Named(name), error))
        }
    }
}

/// A property whose name has been read and whose value has not.
#[derive(Debug)]
pub struct Member<'a, A> {
    map: &'a mut A,
    reader: &'a Reader,
}

impl<'de, A: MapAccess<'de>> Member<'_, A> {
    /// Reads the value of a required property.
    ///
    /// # Errors
    /// Where it breaks its rules, or the property is set already.
    pub fn read<T: Read>(self, field: &mut Option<T>) -> Result<(), A::Error> {
        if field.is_some() {
            return Err(self.reader.refuse_whole(Invalid::new(TWICE)));
        }
        *field = Some(self.map.next_value_seed(Seed::<T>::new(self.reader))?);
        Ok(())
    }

    /// Reads the value of an optional property.
    ///
    /// # Errors
    /// Where it breaks its rules, or the property is set already.
    pub fn read_optional<T: Omittable>(self, field: &mut Option<T>) -> Result<(), A::Error> {
        if field.is_some() {
            return Err(self.reader.refuse_whole(Invalid::new(TWICE)));
        }
        *field = Some(self.map.next_value_seed(PresentSeed { reader: self.reader, value: PhantomData })?);
        Ok(())
    }

    /// Skips the value.
    ///
    /// # Errors
    /// Where it is not JSON.
    pub fn ignore(self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(|_| ())
    }
}

struct PresentSeed<'r, T> {
    reader: &'r Reader,
    value: PhantomData<T>,
}

impl<'de, T: Omittable> DeserializeSeed<'de> for PresentSeed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        T::read_present(json, self.reader)
    }
}
