//! Values that keep rules beside those of their type, and how that is known.

use std::fmt;
use std::ops::Deref;

use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::reader::Broken;
use super::value::parse;
use super::{Invalid, Json, Read, Reader, Reading, Write, Written};

/// A value that was held against rules, as [`derive(Checked)`](macro@crate::Checked) keeps it.
///
/// What only tolerant reading lets through is not what a producer may send. So a value that was read tolerantly is held against the
/// strict rules when it is written.
#[derive(Clone)]
pub struct Vetted<T> {
    value: T,
    reading: Reading,
}

impl<T> Vetted<T> {
    /// A value that was held against the rules of a reading.
    pub(super) fn new(value: T, reading: Reading) -> Self {
        Self { value, reading }
    }

    /// The value, taken out.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Read + Write> Vetted<T> {
    /// Holds a value against strict rules.
    pub(super) fn strictly(
        value: T,
        check: impl FnOnce(&Json, &Reader) -> Result<(), Broken>,
    ) -> Result<Self, Invalid> {
        let raw = raw(&value).map_err(|error| Invalid::new(format!("can't be written: {error}")))?;
        judge::<T>(&raw, check)?;
        Ok(Self::new(value, Reading::Strict))
    }

    /// Writes the value, if it keeps the strict rules.
    pub(super) fn write<S: Serializer>(
        &self,
        to: S,
        check: impl FnOnce(&Json, &Reader) -> Result<(), Broken>,
    ) -> Result<S::Ok, S::Error> {
        if self.reading == Reading::Strict {
            return self.value.write(to);
        }
        // the text once more and not the value: there may be more such values in it, each of which would be checked again
        let raw = raw(&self.value).map_err(S::Error::custom)?;
        judge::<T>(&raw, check).map_err(S::Error::custom)?;
        raw.serialize(to)
    }
}

fn raw<T: Write>(value: &T) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::value::to_raw_value(&Written(value))
}

fn judge<T: Read>(raw: &RawValue, check: impl FnOnce(&Json, &Reader) -> Result<(), Broken>) -> Result<(), Invalid> {
    Ok(check(&parse(raw)?, &Reader::new(Reading::Strict)).map_err(Broken::in_a::<T>)?)
}

impl<T> Deref for Vetted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Vetted<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Vetted<T> {}

impl<T: fmt::Debug> fmt::Debug for Vetted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
