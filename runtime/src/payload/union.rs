//! Values of one of several types: what [`derive(Union)`](macro@crate::Union) is made of.
//!
//! `anyOf` takes the first type that reads the value, `oneOf` the only one, and where a member says which type it is, no other is
//! tried.

mod tagged;

use std::any::TypeId;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use self::tagged::tagged;
use super::reader::{Broken, Found, Judge, Verdict};
use super::{Reader, Reading};

/// An enum of types.
pub trait Union: Sized + 'static {
    /// The variants' names, or the tags by which they are told apart.
    const VARIANTS: &'static [&'static str];

    /// Reads a value of the variant at `index`.
    ///
    /// # Errors
    /// As [`Read::read`](super::Read::read).
    fn read_variant<'de, D: Deserializer<'de>>(index: usize, json: D, reader: &Reader) -> Result<Self, D::Error>;

    /// Writes the value, whatever variant it is.
    ///
    /// # Errors
    /// As [`Write::write`](super::Write::write).
    fn write_variant<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

/// Reads a value of the first variant that it is one of: strictly, and under tolerant reading tolerantly if it is none of all
/// strictly.
///
/// # Errors
/// Where it is of no variant.
pub fn any<'de, T: Union, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<T, D::Error> {
    read(json, reader, |text| {
        let mut errors = Vec::new();
        for reading in readings(reader.reading()) {
            errors.clear();
            for index in 0..T::VARIANTS.len() {
                match attempt::<T>(index, *reading, text, reader) {
                    Ok(value) => return Chosen::read(index, *reading, value),
                    Err(error) => errors.push(error),
                }
            }
        }
        Chosen::refused(matches_none::<T>(errors))
    })
}

fn readings(reading: Reading) -> &'static [Reading] {
    match reading {
        Reading::Strict => &[Reading::Strict],
        Reading::Tolerant => &[Reading::Strict, Reading::Tolerant],
    }
}

/// Reads a value of the only variant that it is one of. Tolerant reading is no different: what more than one variant would let
/// through, were they lenient, is one's alone by the letter.
///
/// # Errors
/// Where it is of no variant, or of more than one.
pub fn one<'de, T: Union, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<T, D::Error> {
    read(json, reader, |text| {
        let (mut chosen, mut errors) = (None, Vec::new());
        for index in 0..T::VARIANTS.len() {
            match attempt::<T>(index, Reading::Strict, text, reader) {
                Ok(_) if chosen.is_some() => return Chosen::refused(refusal(matches_more_than_one::<T>())),
                Ok(value) => chosen = Some(Chosen::read(index, Reading::Strict, value)),
                Err(error) => errors.push(error),
            }
        }
        chosen.unwrap_or_else(|| Chosen::refused(matches_none::<T>(errors)))
    })
}

/// A verdict, and the value that was read on the way to it.
struct Chosen<T> {
    verdict: Verdict,
    value: Option<T>,
}

impl<T> Chosen<T> {
    fn read(index: usize, reading: Reading, value: T) -> Self {
        Self { verdict: Ok((index, reading)), value: Some(value) }
    }

    fn refused(found: Found) -> Self {
        Self { verdict: Err(found), value: None }
    }
}

fn read<'de, T, D, F>(json: D, reader: &Reader, choose: F) -> Result<T, D::Error>
where
    T: Union,
    D: Deserializer<'de>,
    F: FnOnce(&str) -> Chosen<T>,
{
    let raw = raw(json, reader)?;
    let mut read = None;
    let verdict = reader.verdict(Judge::Union(TypeId::of::<T>()), raw.get(), || {
        let chosen = choose(raw.get());
        read = chosen.value;
        chosen.verdict
    });
    let value = match (read, verdict) {
        (Some(value), _) => Ok(value),
        (None, Ok((index, reading))) => attempt(index, reading, raw.get(), reader),
        (None, Err(found)) => Err(found),
    };
    value.map_err(|found| reader.refuse_found(found))
}

/// The text of a value, no deeper than a document may be.
fn raw<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Box<RawValue>, D::Error> {
    let raw = Box::<RawValue>::deserialize(json).map_err(|error| reader.expected_whole("a JSON value", error))?;
    reader.check_levels(raw.get()).map_err(|broken| reader.refuse_part(broken))?;
    Ok(raw)
}

fn attempt<T: Union>(index: usize, reading: Reading, text: &str, reader: &Reader) -> Result<T, Found> {
    reader.singly(|reader| reader.attempt(reading, text, |json, reader| T::read_variant(index, json, reader)))
}

/// What to say of a value that no variant reads: what the only one of its JSON type says, or the one that came furthest.
#[cold]
fn matches_none<T: Union>(mut errors: Vec<Found>) -> Found {
    let mut of_type = errors.iter().enumerate().filter(|(_, error)| !error.is_of_root_type());
    if let (Some((only, _)), None) = (of_type.next(), of_type.next()) {
        return errors.swap_remove(only);
    }
    // of equals, `max_by_key` takes the last
    match errors.into_iter().rev().max_by_key(Found::depth) {
        Some(error) if error.depth() > 0 => error,
        _ => refusal(format!("matches none of {}", T::VARIANTS.join(", "))),
    }
}

fn matches_more_than_one<T: Union>() -> String {
    format!("matches more than one of {}", T::VARIANTS.join(", "))
}

fn refusal(rule: String) -> Found {
    Broken::new(rule).into()
}

/// Writes a value of `oneOf`.
///
/// # Errors
/// Where it can't be written, or what is written is another variant's value too, and could not be read.
pub fn write_one<T: Union, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    // written once, for each level of unions would double the work
    let text = serde_json::to_string(&Whole(value)).map_err(S::Error::custom)?;
    let reader = Reader::new(Reading::Strict);
    let is_a = |index: &usize| attempt::<T>(*index, Reading::Strict, &text, &reader).is_ok();
    if (0..T::VARIANTS.len()).filter(is_a).take(2).count() > 1 {
        return Err(S::Error::custom(matches_more_than_one::<T>()));
    }
    RawValue::from_string(text).map_err(S::Error::custom)?.serialize(to)
}

struct Whole<'a, T>(&'a T);

impl<T: Union> Serialize for Whole<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write_variant(to)
    }
}
