//! The rest of JSON: booleans, boxes and maps.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::value::RawValue;

use super::list::beneath_sensitive_part;
use super::reader::{Parts, Segment};
use super::{Invalid, Key, Read, Reader, Reading, Steps, Write, Written};

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

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        T::beneath_sensitive(steps)
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

/// An object of names of one type, each given once, and values of one type. Tolerant reading ignores members of other names, which a
/// later revision may have added.
impl<K: Key + Ord, T: Read> Read for BTreeMap<K, T> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        json.deserialize_map(MapVisitor { reader, members: PhantomData })
            .map_err(|error| reader.expected_whole("an object", error))
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        beneath_sensitive_part::<T>(steps)
    }
}

impl<K: Key, T: Write> Write for BTreeMap<K, T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.len()))?;
        for (name, value) in self {
            map.serialize_entry(name.as_name(), &Written(value))?;
        }
        map.end()
    }
}

struct MapVisitor<'r, K, T> {
    reader: &'r Reader,
    members: PhantomData<(K, T)>,
}

impl<'de, K: Key + Ord, T: Read> Visitor<'de> for MapVisitor<'_, K, T> {
    type Value = BTreeMap<K, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let reader = self.reader;
        if reader.wants_all() {
            return read_all(map, reader);
        }
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if let Err(invalid) = K::check_name(&name) {
                if reader.reading() == Reading::Tolerant {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                return Err(no_key(reader, &invalid, name));
            }
            let value = match map.next_value_seed(Seed::<T>::new(reader)) {
                Ok(value) => value,
                Err(error) => return Err(reader.within(Segment::Named(name), error)),
            };
            let key = K::from_name(name).map_err(|invalid| reader.refuse_whole(invalid))?;
            match members.entry(key) {
                Entry::Occupied(entry) => return Err(twice(reader, entry.key().as_name().to_owned())),
                Entry::Vacant(entry) => entry.insert(value),
            };
        }
        Ok(members)
    }
}

/// Reads a map, and goes on after an error.
#[cold]
fn read_all<'de, K: Key + Ord, T: Read, A: MapAccess<'de>>(
    mut map: A,
    reader: &Reader,
) -> Result<BTreeMap<K, T>, A::Error> {
    let mut parts = Parts::of(reader);
    // with none for values that could not be read
    let mut members = BTreeMap::new();
    while let Some(name) = map.next_key::<String>().map_err(|error| parts.cut_short(error))? {
        let text: &RawValue = map.next_value()?;
        if let Err(invalid) = K::check_name(&name) {
            if reader.reading() == Reading::Strict {
                parts.add::<A::Error>(no_key(reader, &invalid, name));
            }
            continue;
        }
        let step = |error| reader.within(Segment::Named(name.clone()), error);
        let value = parts.read(text, step, |json, reader| T::read(json, reader));
        match members.entry(K::from_name(name).map_err(|invalid| reader.refuse_whole(invalid))?) {
            Entry::Occupied(entry) => parts.add::<A::Error>(twice(reader, entry.key().as_name().to_owned())),
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
        }
    }
    parts.end()?;
    Ok(members.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

#[cold]
fn no_key<E: Error>(reader: &Reader, invalid: &Invalid, name: String) -> E {
    let error = reader.refuse_whole(Invalid::new(format!("has a name that {}", invalid.rule())));
    reader.within(Segment::Named(name), error)
}

/// Refuses a property that the data names twice (RFC 8259 section 4: what a receiver makes of that is unpredictable).
#[cold]
pub(crate) fn twice<E: Error>(reader: &Reader, name: String) -> E {
    let error = reader.refuse_whole(Invalid::new(TWICE));
    reader.within(Segment::Named(name), error)
}

pub(crate) const TWICE: &str = "property is given twice";
