//! The rest of JSON: booleans, boxes, maps, and values without a type.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::reader::Segment;
use super::{Invalid, Read, Reader, Write, Written};

/// Reads a value of a type that serde's visitors ask for.
pub(crate) struct Seed<'r, T> {
    reader: &'r Reader,
    value: PhantomData<T>,
}

impl<'r, T> Seed<'r, T> {
    pub(crate) fn new(reader: &'r Reader) -> Self {
        Self { reader, value: PhantomData }
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        T::read(json, self.reader)
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).write(to)
    }
}

impl<T: Read> Read for Box<T> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        T::read(json, reader).map(Self::new)
    }
}

impl<T: Write> Write for Box<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).write(to)
    }
}

impl Read for bool {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        bool::deserialize(json).map_err(|error| reader.expected("a boolean", error))
    }
}

impl Write for bool {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bool(*self)
    }
}

/// Any value. Of properties that an untyped object repeats, the last counts.
impl Read for Value {
    fn read<'de, D: Deserializer<'de>>(json: D, _: &Reader) -> Result<Self, D::Error> {
        Value::deserialize(json)
    }
}

impl Write for Value {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }
}

/// An object of any members.
impl Read for Map<String, Value> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        Map::deserialize(json).map_err(|error| reader.expected_whole("an object", error))
    }
}

impl Write for Map<String, Value> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }
}

/// An object of any names, each given once, and values of one type.
impl<T: Read> Read for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        json.deserialize_map(MapVisitor { reader, value: PhantomData })
            .map_err(|error| reader.expected_whole("an object", error))
    }
}

impl<T: Write> Write for BTreeMap<String, T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.len()))?;
        for (name, value) in self {
            map.serialize_entry(name, &Written(value))?;
        }
        map.end()
    }
}

struct MapVisitor<'r, T> {
    reader: &'r Reader,
    value: PhantomData<T>,
}

impl<'de, T: Read> Visitor<'de> for MapVisitor<'_, T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            match map.next_value_seed(Seed::<T>::new(self.reader)) {
                Ok(_) if members.contains_key(&name) => return Err(twice(self.reader, name)),
                Ok(value) => members.insert(name, value),
                Err(error) => return Err(self.reader.within(Segment::Named(name), error)),
            };
        }
        Ok(members)
    }
}

/// Refuses a property that the data names twice (RFC 8259 section 4: what a receiver makes of that is unpredictable).
#[cold]
pub(crate) fn twice<E: Error>(reader: &Reader, name: String) -> E {
    let error = reader.refuse_whole(Invalid::new(TWICE));
    reader.within(Segment::Named(name), error)
}

pub(crate) const TWICE: &str = "property is given twice";
