//! Numbers.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::ser::Error as _;
use serde::{Deserializer, Serialize, Serializer};

use super::{Invalid, Read, Reader, Write};

/// A whole number from `MIN` to `MAX`, `minimum` and `maximum` of JSON Schema.
///
/// As JSON Schema counts them, `1.0` and `1e2` are whole numbers too (Validation section 6.1.1). Numbers beyond 64 bits are
/// refused (RFC 8259 section 6 lets implementations set limits).
///
/// ```
/// use eventwright::Int;
///
/// const FIRST: Int<1, 4> = Int::from_static(1);
/// assert_eq!(FIRST.get(), 1);
/// assert!(Int::<1, 4>::new(3)? > FIRST);
/// assert_eq!("5".parse::<Int<1, 4>>().unwrap_err().to_string(), "the value is more than the maximum of 4");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int<const MIN: i64, const MAX: i64 = { i64::MAX }>(i64);

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// The least value.
    pub const MIN: Self = Self(MIN);
    /// The greatest value.
    pub const MAX: Self = Self(MAX);

    /// Makes a value of a number.
    ///
    /// # Errors
    /// Where the number is out of bounds.
    pub fn new(number: i64) -> Result<Self, Invalid> {
        if number < MIN {
            return Err(Invalid::new(format!("is less than the minimum of {MIN}")));
        }
        if number > MAX {
            return Err(Invalid::new(format!("is more than the maximum of {MAX}")));
        }
        Ok(Self(number))
    }

    /// Makes a value of a number that stands in the source.
    ///
    /// # Panics
    /// Where the number is out of bounds; in a constant, that is a compile error.
    #[must_use]
    pub const fn from_static(number: i64) -> Self {
        // the source is wrong, not its input; `new` is for numbers that are only known at run time
        assert!(number >= MIN, "the number is less than the minimum");
        assert!(number <= MAX, "the number is more than the maximum");
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> TryFrom<i64> for Int<MIN, MAX> {
    type Error = Invalid;

    fn try_from(number: i64) -> Result<Self, Invalid> {
        Self::new(number)
    }
}

impl<const MIN: i64, const MAX: i64> From<Int<MIN, MAX>> for i64 {
    fn from(number: Int<MIN, MAX>) -> Self {
        number.0
    }
}

impl<const MIN: i64, const MAX: i64> PartialEq<i64> for Int<MIN, MAX> {
    fn eq(&self, other: &i64) -> bool {
        self.0 == *other
    }
}

impl<const MIN: i64, const MAX: i64> FromStr for Int<MIN, MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text.parse().map_err(|_| Invalid::new("is not a whole number of 64 bits"))?)
    }
}

impl<const MIN: i64, const MAX: i64> fmt::Display for Int<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<const MIN: i64, const MAX: i64> fmt::Debug for Int<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MIN: i64, const MAX: i64> Read for Int<MIN, MAX> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        read_integer(json, reader, Self::new)
    }
}

impl<const MIN: i64, const MAX: i64> Write for Int<MIN, MAX> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(self.0)
    }
}

impl<const MIN: i64, const MAX: i64> Serialize for Int<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to)
    }
}

impl Read for i64 {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        read_integer(json, reader, Ok)
    }
}

impl Write for i64 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(*self)
    }
}

fn read_integer<'de, D, T, F>(json: D, reader: &Reader, check: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(i64) -> Result<T, Invalid>,
{
    json.deserialize_i64(IntVisitor { reader, check }).map_err(|error| reader.expected("an integer", error))
}

struct IntVisitor<'r, F> {
    reader: &'r Reader,
    check: F,
}

impl<F> IntVisitor<'_, F> {
    #[cold]
    fn beyond<E: Error>(&self, number: &dyn fmt::Debug) -> E {
        self.reader.refuse(Invalid::new("is beyond the 64-bit integers, which are the limit here"), number)
    }
}

impl<T, F: FnOnce(i64) -> Result<T, Invalid>> Visitor<'_> for IntVisitor<'_, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        (self.check)(number).map_err(|invalid| self.reader.refuse(invalid, &number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(self.beyond(&number)),
        }
    }

    /// A number that was written with a fraction or an exponent, or that is beyond `u64`.
    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63

        if number.fract() != 0.0 {
            return Err(self.reader.refuse(Invalid::new("is not an integer"), &number));
        }
        if !(-LIMIT..LIMIT).contains(&number) {
            return Err(self.beyond(&number));
        }
        self.visit_i64(number as i64)
    }
}

impl Read for f64 {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        json.deserialize_f64(NumberVisitor).map_err(|error| reader.expected("a number", error))
    }
}

impl Write for f64 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !self.is_finite() {
            return Err(S::Error::custom("an infinite number or NaN has no form in JSON (RFC 8259 section 6)"));
        }
        to.serialize_f64(*self)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }
}
