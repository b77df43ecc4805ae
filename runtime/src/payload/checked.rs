//! Values that are held against a whole JSON Schema: what [`derive(Checked)`](macro@crate::Checked) is made of.
//!
//! Most rules of a schema are the types' own. What no type can say, such as `not`, `if` or `unevaluatedProperties`, is left to the
//! crate `jsonschema`, which judges the value as [`Json`]: so no number is rounded on the way (`keywords`, `node`), and a
//! format means the same as everywhere else (`schemas`).

mod errors;
mod keywords;
mod node;
mod schemas;

use std::sync::OnceLock;

use jsonschema::Validator;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::value::RawValue;

pub use self::node::{Exact, Node, Run};
pub use self::schemas::{Schemas, judge};
use super::reader::Broken;
use super::value::parse;
use super::{Invalid, Json, Read, Reader, Reading, Vetted, Write};

/// A schema within a set of documents, compiled when it is first needed.
#[derive(Debug)]
pub struct Rule {
    strict: Place,
    relaxed: Option<Place>,
}

#[derive(Debug)]
struct Place {
    schemas: &'static Schemas,
    at: &'static str,
    compiled: OnceLock<Result<Validator<Exact>, Invalid>>,
}

impl Rule {
    /// The schema at a place in a set of documents, which an absolute URI names.
    #[must_use]
    pub const fn new(schemas: &'static Schemas, at: &'static str) -> Self {
        Self { strict: Place::new(schemas, at), relaxed: None }
    }

    /// The same, and the place of the schema that tolerant reading holds values against instead. It has to allow all that the other does.
    #[must_use]
    pub const fn with_relaxed(schemas: &'static Schemas, at: &'static str, relaxed: &'static str) -> Self {
        Self { strict: Place::new(schemas, at), relaxed: Some(Place::new(schemas, relaxed)) }
    }

    fn check(&self, value: &Json, reader: &Reader) -> Result<(), Broken> {
        let place = match &self.relaxed {
            Some(relaxed) if reader.reading() == Reading::Tolerant => relaxed,
            _ => &self.strict,
        };
        hold(place.validator()?, value, reader.wants_all())
    }
}

impl Place {
    const fn new(schemas: &'static Schemas, at: &'static str) -> Self {
        Self { schemas, at, compiled: OnceLock::new() }
    }

    fn validator(&self) -> Result<&Validator<Exact>, Broken> {
        let compiled = self.compiled.get_or_init(|| self.schemas.compile(self.at));
        compiled.as_ref().map_err(|invalid| Broken::new(invalid.rule().to_owned()))
    }
}

fn hold(validator: &Validator<Exact>, value: &Json, wants_all: bool) -> Result<(), Broken> {
    if validator.is_valid(Run::unlimited(value).root()) {
        return Ok(());
    }
    Err(if wants_all { errors::all_broken(validator, value) } else { errors::broken(validator, value) })
}

/// Holds a value against its schema.
///
/// # Errors
/// Where it can't be written as JSON, or breaks a rule of the schema.
pub fn check<T: Read + Write>(rule: &Rule, value: T) -> Result<Vetted<T>, Invalid> {
    Vetted::strictly(value, |value, reader| rule.check(value, reader))
}

/// Writes a value that its schema allows.
///
/// # Errors
/// Where only tolerant reading lets it in.
pub fn write<T: Read + Write, S: Serializer>(rule: &Rule, value: &Vetted<T>, to: S) -> Result<S::Ok, S::Error> {
    value.write(to, |value, reader| rule.check(value, reader))
}

/// Reads a value that its schema allows.
///
/// # Errors
/// Where the schema refuses the JSON, or `T` does.
pub fn read<'de, T: Read, D: Deserializer<'de>>(rule: &Rule, json: D, reader: &Reader) -> Result<Vetted<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(json).map_err(|error| reader.expected_whole("a JSON value", error))?;
    let value = parse(&raw).map_err(|broken| reader.refuse_part(broken))?;
    rule.check(&value, reader).map_err(|broken| reader.refuse_part(broken.in_a::<T>().in_order_of(raw.get())))?;
    let inner = reader.read_text(raw.get(), |json, reader| T::read(json, reader)).map_err(D::Error::custom)?;
    Ok(Vetted::new(inner, reader.reading()))
}
