//! Reading objects.

use std::convert::identity;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Field, Missing, Object};
use crate::payload::json::{Seed, TWICE, twice};
use crate::payload::reader::{Last, Parts, Segment};
use crate::payload::{Invalid, Json, Omittable, Read, Reader, Reading, Steps, text};

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
        if reader.wants_all() {
            return read_all(map, reader);
        }
        let mut fields = T::Fields::default();
        let mut constants = Constants::<T>::new();
        while let Some(key) = map.next_key_seed(KeySeed::<T>(PhantomData))? {
            match key {
                Key::Declared(index) => {
                    T::read_field(&mut fields, index, Member { map: &mut map, reader })
                        .map_err(|error| reader.within_field(&T::FIELDS[index], error))?;
                }
                Key::Constant(index) => constants
                    .read(index, Member { map: &mut map, reader })
                    .map_err(|error| reader.within(Segment::Declared(T::CONSTANTS[index].0), error))?,
                Key::Unknown(name) => read_unknown::<T, A>(&mut fields, name, Member { map: &mut map, reader })?,
            }
        }
        let object = constants.missing().next().map_or_else(|| T::assemble(fields), Err);
        object.map_err(|missing| reader.refuse_whole(missing.into()))
    }
}

/// Reads an object, and goes on after an error.
#[cold]
fn read_all<'de, T: Object, A: MapAccess<'de>>(mut map: A, reader: &Reader) -> Result<T, A::Error> {
    let mut parts = Parts::of(reader);
    let mut fields = T::Fields::default();
    let mut constants = Constants::<T>::new();
    let mut given = vec![false; T::FIELDS.len()];
    while let Some(key) = map.next_key_seed(KeySeed::<T>(PhantomData)).map_err(|error| parts.cut_short(error))? {
        let text: &RawValue = map.next_value()?;
        match key {
            Key::Declared(index) => {
                // the field is not set where it could not be read
                let is_again = std::mem::replace(&mut given[index], true);
                let step = |error| reader.within_field(&T::FIELDS[index], error);
                parts.read(text, step, |json, reader| match is_again {
                    true => Err(reader.refuse_whole(Invalid::new(TWICE))),
                    false => T::read_field(&mut fields, index, Member { map: &mut Last(json), reader }),
                });
            }
            Key::Constant(index) => {
                let step = |error| reader.within(Segment::Declared(T::CONSTANTS[index].0), error);
                parts.read(text, step, |json, reader| constants.read(index, Member { map: &mut Last(json), reader }));
            }
            Key::Unknown(name) => {
                parts.read(text, identity, |json, reader| {
                    read_unknown::<T, _>(&mut fields, name, Member { map: &mut Last(json), reader })
                });
            }
        }
    }
    let fields_missing = T::FIELDS.iter().zip(given).filter(|(field, given)| field.required && !given);
    for missing in constants.missing().chain(fields_missing.map(|(field, _)| Missing(field.name))) {
        parts.add::<A::Error>(reader.refuse_whole(missing.into()));
    }
    parts.end()?;
    T::assemble(fields).map_err(|missing| reader.refuse_whole(missing.into()))
}

/// How many steps of a path into an object lie beneath the outermost sensitive property.
#[cold]
pub fn beneath_sensitive<T: Object>(steps: Steps<'_>) -> Option<usize> {
    let (property, beneath) = steps.first()?;
    let index = T::position(property.name()?)?;
    match T::FIELDS[index] {
        Field { sensitive: true, .. } => Some(beneath.count()),
        _ => T::beneath_sensitive_in(index, beneath),
    }
}

impl From<Missing> for Invalid {
    fn from(Missing(name): Missing) -> Self {
        Self::new(format!("required property `{name}` is missing"))
    }
}

/// Which of the constants were read.
struct Constants<T> {
    /// One for each, so none at all and no allocation for most objects.
    seen: Vec<bool>,
    object: PhantomData<T>,
}

impl<T: Object> Constants<T> {
    fn new() -> Self {
        Self { seen: vec![false; T::CONSTANTS.len()], object: PhantomData }
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, index: usize, member: Member<'_, A>) -> Result<(), A::Error> {
        let Member { map, reader } = member;
        if std::mem::replace(&mut self.seen[index], true) {
            return Err(reader.refuse_whole(Invalid::new(TWICE)));
        }
        map.next_value_seed(ConstantSeed { reader, constant: T::CONSTANTS[index].1 })
    }

    fn missing(&self) -> impl Iterator<Item = Missing> {
        T::CONSTANTS.iter().zip(&self.seen).filter(|(_, seen)| !**seen).map(|((name, _), _)| Missing(name))
    }
}

struct ConstantSeed<'r> {
    reader: &'r Reader,
    constant: &'static str,
}

impl<'de> DeserializeSeed<'de> for ConstantSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let constant = self.constant;
        text::read(json, self.reader, |text| {
            if text == constant { Ok(()) } else { Err(Invalid::new(format!("is not {constant:?}"))) }
        })
    }
}

enum Key {
    Declared(usize),
    Constant(usize),
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
        if let Some(index) = T::position(name) {
            return Ok(Key::Declared(index));
        }
        let constant = T::CONSTANTS.iter().position(|(constant, _)| *constant == name);
        Ok(constant.map_or_else(|| Key::Unknown(name.to_owned()), Key::Constant))
    }
}

fn read_unknown<'de, T: Object, A: MapAccess<'de>>(
    fields: &mut T::Fields,
    name: String,
    member: Member<'_, A>,
) -> Result<(), A::Error> {
    let Member { map, reader } = member;
    if let Some(rest) = T::rest(fields) {
        return match map.next_value_seed(Seed::<Json>::new(reader)) {
            Ok(_) if rest.contains_key(&name) => Err(twice(reader, name)),
            Ok(value) => {
                rest.insert(name, value);
                Ok(())
            }
            Err(error) => Err(reader.within(Segment::Named(name), error)),
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
