//! Writing objects.

use std::fmt::{self, Display};

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

use super::{Field, Object};
use crate::JsonObject;
use crate::payload::encoder::Plain;
use crate::payload::{Omittable, Write, Written};

/// Writes an object.
///
/// # Errors
/// Where a field can't be written.
pub fn write<T: Object, S: Serializer>(object: &T, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    for (name, value) in T::CONSTANTS {
        map.serialize_entry(name, value)?;
    }
    object.write_fields(&mut Members { map: &mut map, constants: T::CONSTANTS })?;
    map.end()
}

/// A property's name. One that is a `&str` has nothing to escape in it, as most have not.
pub trait Name: Copy + Display {
    /// What is written.
    type Key: Serialize;

    /// The name as it is written.
    fn key(self) -> Self::Key;
}

impl Name for &'static str {
    type Key = Plain<'static>;

    fn key(self) -> Plain<'static> {
        Plain(self)
    }
}

/// A name with a quote, a backslash or a control character in it.
#[derive(Debug, Clone, Copy)]
pub struct Odd(pub &'static str);

impl Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Name for Odd {
    type Key = &'static str;

    fn key(self) -> &'static str {
        self.0
    }
}

/// The properties of an object being written.
#[derive(Debug)]
pub struct Members<'a, M> {
    map: &'a mut M,
    constants: &'static [(&'static str, &'static str)],
}

impl<M: SerializeMap> Members<'_, M> {
    /// Writes a required property.
    ///
    /// # Errors
    /// Where the value can't be written.
    pub fn write<T: Write>(&mut self, name: impl Name, value: &T) -> Result<(), M::Error> {
        self.map.serialize_entry(&name.key(), &Written(value)).map_err(|error| at(name, error))
    }

    /// Writes an optional property, unless it is absent.
    ///
    /// # Errors
    /// Where the value can't be written.
    pub fn write_optional<T: Omittable>(&mut self, name: impl Name, value: &T) -> Result<(), M::Error> {
        value.present().map_or(Ok(()), |value| self.write(name, &value))
    }

    /// Writes properties that the schema does not name.
    ///
    /// # Errors
    /// Where the schema names one of them after all.
    pub fn write_rest(&mut self, fields: &[Field], rest: &JsonObject) -> Result<(), M::Error> {
        for (name, value) in rest {
            if self.constants.iter().any(|(constant, _)| constant == name) {
                return Err(at(name, M::Error::custom("is in the rest, but the schema says what it is: leave it out")));
            }
            if fields.iter().any(|field| field.name == name) {
                return Err(at(name, M::Error::custom("is in the rest, but the schema names it: set its field")));
            }
            self.map.serialize_entry(name, &Written(value))?;
        }
        Ok(())
    }
}

/// Adds a step to the path that begins a serializer's error.
#[cold]
pub(crate) fn at<E: Error>(step: impl Display, error: E) -> E {
    let message = error.to_string();
    let colon = if message.starts_with('/') { "" } else { ": " };
    E::custom(fmt::from_fn(|f| write!(f, "/{step}{colon}{message}")))
}
