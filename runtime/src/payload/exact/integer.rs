//! Whole numbers of any size.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserializer, Serialize, Serializer};

use super::Number;
use crate::payload::{Invalid, Read, Reader, Write};

/// A whole number of any size, `type: integer` of JSON Schema without bounds: a [`Number`] that `1.0` and `1e2` are too (Validation
/// section 6.1.1).
///
/// ```
/// use eventwright::Integer;
///
/// let grains: Integer = "18446744073709551615000".parse()?;
/// assert_eq!(grains.as_i64(), None);
/// assert_eq!(Integer::from(2), "2.0".parse::<Integer>()?);
/// assert_eq!("2.5".parse::<Integer>().unwrap_err().to_string(), "the value is not an integer");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integer(Number);

impl Integer {
    /// The number, taken out.
    #[must_use]
    pub fn into_number(self) -> Number {
        self.0
    }
}

impl TryFrom<Number> for Integer {
    type Error = Invalid;

    fn try_from(number: Number) -> Result<Self, Invalid> {
        if number.is_integer() { Ok(Self(number)) } else { Err(Invalid::new("is not an integer")) }
    }
}

impl FromStr for Integer {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse::<Number>()?.try_into()
    }
}

impl From<i64> for Integer {
    fn from(number: i64) -> Self {
        Self(number.into())
    }
}

impl From<i32> for Integer {
    fn from(number: i32) -> Self {
        Self(number.into())
    }
}

impl From<u64> for Integer {
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

impl From<Integer> for Number {
    fn from(integer: Integer) -> Self {
        integer.0
    }
}

impl Deref for Integer {
    type Target = Number;

    fn deref(&self) -> &Number {
        &self.0
    }
}

impl PartialEq<i64> for Integer {
    fn eq(&self, other: &i64) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Read for Integer {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        let number = Number::read(json, reader)?;
        if number.is_integer() {
            return Ok(Self(number));
        }
        Err(reader.refuse(Invalid::new("is not an integer"), &number))
    }
}

impl Write for Integer {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to)
    }
}
