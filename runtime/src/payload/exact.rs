//! Numbers that keep their value.

mod decimal;
mod integer;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use self::decimal::Decimal;
pub use self::integer::Integer;
use super::reader::found_in;
use super::{Invalid, Read, Reader, Write};

/// A JSON number, exactly as it was written: of any size and any number of digits.
///
/// Two numbers are equal where their values are, as JSON Schema compares them (Core section 4.2.2): `1` is `1.0` and `10e-1`. No
/// operation writes an exponent out, so a number such as `1e1000000000` costs no more than its text. An exponent beyond 64 bits
/// is refused (RFC 8259 section 6 lets implementations set limits).
///
/// ```
/// use eventwright::{Number, payload::{decode, encode}, Reading};
///
/// let price: Number = decode(b"19.90", Reading::Strict)?;
/// assert_eq!(price, Number::try_from(19.9)?);
/// assert_eq!(encode(&price)?, "19.90");
/// assert!(price.is_multiple_of(&"0.01".parse()?));
/// assert!(price > 19);
/// assert!(price < "19.90000000000000000000001".parse::<Number>()?);
/// assert_eq!("2e3".parse::<Number>()?.as_i64(), Some(2000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// A number whose text is that of the integer.
    Small(i64),
    /// A number of RFC 8259 whose exponent is of 64 bits.
    Text(Box<RawValue>),
}

impl Number {
    /// Takes a value's text; gives it back where it is not a number's.
    fn from_raw(raw: Box<RawValue>) -> Result<Self, (Invalid, Box<RawValue>)> {
        if let Some(small) = small(raw.get()) {
            return Ok(Self(Repr::Small(small)));
        }
        match Decimal::parse(raw.get()) {
            Ok(_) => Ok(Self(Repr::Text(raw))),
            Err(invalid) => Err((invalid, raw)),
        }
    }

    /// The number as JSON writes it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Small(small) => Cow::Owned(small.to_string()),
            Repr::Text(raw) => Cow::Borrowed(raw.get()),
        }
    }

    /// Does something with the number taken apart.
    fn with_decimal<T>(&self, what: impl FnOnce(Decimal<'_>) -> T) -> T {
        what(Decimal::parse(&self.text()).expect("a number is only made of a text that was parsed"))
    }

    /// Whether it is a whole number, as `1.0` and `1e2` are (JSON Schema Validation section 6.1.1).
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small(_) => true,
            Repr::Text(_) => self.with_decimal(|number| number.is_integer()),
        }
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Repr::Small(small) => *small == 0,
            Repr::Text(_) => self.with_decimal(|number| number.is_zero()),
        }
    }

    /// Whether it is a whole number of times another, exactly. Zero is a multiple of every number, and the only one of zero.
    ///
    /// This takes time in the length of the text. Where `divisor` has more than 19 digits, apart from zeros at its ends, it takes time
    /// in the product of the two lengths: let divisors come from schemas, not from data.
    #[must_use]
    pub fn is_multiple_of(&self, divisor: &Self) -> bool {
        match (&self.0, &divisor.0) {
            (Repr::Small(0), _) => true,
            (Repr::Small(number), Repr::Small(divisor)) => *divisor != 0 && number.wrapping_rem(*divisor) == 0,
            _ => self.with_decimal(|number| divisor.with_decimal(|divisor| number.is_multiple_of(divisor))),
        }
    }

    /// The number as an integer of 64 bits, where it is exactly one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Text(_) => self.with_decimal(|number| number.to_integer()),
        }
    }

    /// The number as an integer of 64 bits without a sign, where it is exactly one.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(small) => u64::try_from(*small).ok(),
            Repr::Text(_) => self.with_decimal(|number| number.to_integer()),
        }
    }

    /// The float that is nearest to the number; an infinite one where it is beyond the range of floats.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::Small(small) => *small as f64,
            Repr::Text(raw) => raw.get().parse().expect("every number of JSON is written as one of Rust's floats"),
        }
    }
}

/// The integer that a text writes, if it is what the integer would be written as.
fn small(text: &str) -> Option<i64> {
    let integer = text.parse().ok()?;
    let has_form = match text.as_bytes() {
        [b'0'] => true,
        [b'+' | b'0', ..] | [b'-', b'0', ..] => false,
        _ => true,
    };
    has_form.then_some(integer)
}

/// Zero.
impl Default for Number {
    fn default() -> Self {
        Self::from(0_i64)
    }
}

impl FromStr for Number {
    type Err = Invalid;

    /// Reads exactly what RFC 8259 section 6 calls a number.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(small) = small(text) {
            return Ok(Self(Repr::Small(small)));
        }
        Decimal::parse(text)?;
        let raw = RawValue::from_string(text.to_owned());
        raw.map(|raw| Self(Repr::Text(raw))).map_err(|error| Invalid::new(format!("is not a number: {error}")))
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(Repr::Small(number))
    }
}

impl From<i32> for Number {
    fn from(number: i32) -> Self {
        Self(Repr::Small(number.into()))
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        number.to_string().parse().expect("an integer is written as JSON writes it")
    }
}

/// The decimal that the float is printed as, which is the shortest that only it is nearest to.
impl TryFrom<f64> for Number {
    type Error = Invalid;

    fn try_from(number: f64) -> Result<Self, Invalid> {
        if !number.is_finite() {
            return Err(Invalid::new("is infinite or no number, for which JSON has no form"));
        }
        format!("{number:?}").parse()
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialEq<i64> for Number {
    fn eq(&self, other: &i64) -> bool {
        self.as_i64() == Some(*other)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialOrd<i64> for Number {
    fn partial_cmp(&self, other: &i64) -> Option<Ordering> {
        Some(self.cmp(&Self::from(*other)))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small(number), Repr::Small(other)) => number.cmp(other),
            _ => self.with_decimal(|number| other.with_decimal(|other| number.cmp(&other))),
        }
    }
}

/// Numbers of equal value hash alike, however they are written.
impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.as_i64() {
            Some(integer) => integer.hash(state),
            None => self.with_decimal(|number| number.hash(state)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl Read for Number {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        // as text: serde's own numbers are integers of 64 bits and floats
        let raw = Box::<RawValue>::deserialize(json).map_err(|error| reader.expected("a number", error))?;
        Self::from_raw(raw).map_err(|(invalid, raw)| match raw.get().as_bytes() {
            [b'-' | b'0'..=b'9', ..] => reader.refuse(invalid, &format_args!("{}", raw.get())),
            _ => reader.unexpected("a number", found_in(raw.get())),
        })
    }
}

impl Write for Number {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Small(small) => to.serialize_i64(*small),
            Repr::Text(raw) => raw.serialize(to),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to)
    }
}
