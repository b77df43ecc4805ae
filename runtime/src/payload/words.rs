//! Enums: strings of a closed list, which a later minor revision may lengthen.

use std::fmt;

use serde::ser::Error as _;
use serde::{Deserializer, Serializer};

use super::{Invalid, Reader, Reading, text};

/// A word that an enum does not name, met by tolerant reading: a later minor revision of the contract added it.
///
/// It can be looked at and passed on, but neither made nor published.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unrecognized(String);

impl Unrecognized {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Unrecognized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Unrecognized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unrecognized").field(&self.0).finish()
    }
}

/// An enum of words: `enum` of JSON Schema, over strings.
///
/// [`derive(Words)`](macro@crate::Words) implements it.
pub trait Words: Sized + 'static {
    /// The named values, as declared.
    const ALL: &'static [Self];

    /// The value that a word names.
    fn named(word: &str) -> Option<Self>;

    /// The value for a word that the enum does not name, where the enum has a place for it.
    fn unrecognized(word: Unrecognized) -> Option<Self> {
        let _ = word;
        None
    }

    /// The word.
    fn as_str(&self) -> &str;

    /// Whether the word is one that the enum does not name.
    fn is_unrecognized(&self) -> bool;
}

/// Finds the value that a word names.
///
/// # Errors
/// Where the enum names no such word.
#[doc(hidden)]
pub fn parse<T: Words>(word: &str) -> Result<T, Invalid> {
    T::named(word).ok_or_else(|| Invalid::new(not_one_of::<T>()))
}

/// Reads a word.
///
/// # Errors
/// Where the JSON is not a string, or the enum does not name the word and strictness or the enum leave no place for it.
#[doc(hidden)]
pub fn read<'de, T: Words, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<T, D::Error> {
    text::read(json, reader, |word| match (T::named(word), reader.reading()) {
        (Some(value), _) => Ok(value),
        (None, Reading::Strict) => Err(Invalid::new(not_one_of::<T>())),
        (None, Reading::Tolerant) => {
            T::unrecognized(Unrecognized(word.to_owned())).ok_or_else(|| Invalid::new(not_one_of::<T>()))
        }
    })
}

/// Writes a word.
///
/// # Errors
/// Where the enum does not name it.
#[doc(hidden)]
pub fn write<T: Words, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    if value.is_unrecognized() {
        return Err(S::Error::custom(UNPUBLISHABLE));
    }
    to.serialize_str(value.as_str())
}

const UNPUBLISHABLE: &str = "holds a word that these bindings do not name, which can be read but not published; \
    set one that they name, or update the bindings";

fn not_one_of<T: Words>() -> String {
    const LISTED: usize = 20;

    let words: Vec<_> = T::ALL.iter().take(LISTED).map(|value| format!("`{}`", value.as_str())).collect();
    let more = if T::ALL.len() > LISTED { ", …" } else { "" };
    format!("is not one of {}{more}", words.join(", "))
}
