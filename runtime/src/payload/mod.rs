//! Payloads: typed values that are read from JSON and written as JSON by the rules of their schema.
//!
//! A payload type is a plain struct whose field types carry the schema's rules. Derives connect it to this module:
//!
//! ```
//! use eventwright::payload::{decode, encode};
//! use eventwright::{Id, Int, Maybe, Object, Reading, Uuid};
//!
//! /// `lead_` and a UUID version 7.
//! #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Id)]
//! #[id(prefix = "lead_")]
//! pub struct LeadId(Uuid);
//!
//! #[derive(Clone, PartialEq, Object)]
//! #[object(closed)]
//! pub struct LeadReached {
//!     pub lead_id: LeadId,
//!     pub attempt_number: Int<1, 4>,
//!     #[object(optional)]
//!     pub outcome: Maybe<String>,
//! }
//!
//! let reached = LeadReached::builder()
//!     .lead_id(LeadId::new())
//!     .attempt_number(Int::from_static(2))
//!     .outcome("voicemail")
//!     .build();
//! let json = encode(&reached).unwrap();
//! assert!(decode::<LeadReached>(json.as_bytes(), Reading::Strict).unwrap() == reached);
//!
//! let wrong = json.replace("2,\"outcome\"", "5,\"outcome\"");
//! let error = decode::<LeadReached>(wrong.as_bytes(), Reading::Strict).unwrap_err();
//! assert_eq!(error.to_string(), "/attempt_number: 5 is more than the maximum of 4");
//! ```
//!
//! * Values that a schema bounds have types whose only way in checks them: [`Int`], [`Text`], [`List`], [`UniqueList`],
//!   [`Email`] and what [`derive(Id)`](macro@crate::Id), [`derive(Words)`](macro@crate::Words) and
//!   [`derive(Pattern)`](macro@crate::Pattern) make.
//! * *Absent is not null.* A required property that may be null is an [`Option`]; one that may be absent is an `Option`
//!   marked `#[object(optional)]`; one that may be either is a [`Maybe`]. All three survive a round trip.
//! * *Strict producers, tolerant consumers.* [`Reading`] says which of the two reads; everything else is the same.
//! * An error names the place as a JSON pointer (RFC 6901) and never shows what lies under a property that is marked sensitive.
//!
//! [`Read`] and [`Write`] are not serde's traits because serde's know neither the mode nor where in the document they are, and
//! because a format such as `date-time` has rules that the crates behind the types do not keep. They run on serde's data model,
//! so each payload type implements serde's `Serialize` too.
//!
//! Types here are JSON's: they are read from `serde_json`'s deserializer, or another that describes itself.

mod email;
mod error;
#[doc(hidden)]
pub mod id;
mod json;
mod list;
mod maybe;
mod number;
pub mod object;
mod pattern;
mod reader;
#[doc(hidden)]
pub mod sql;
#[doc(hidden)]
pub mod text;
mod timestamp;
mod unique;
#[doc(hidden)]
pub mod words;

#[doc(hidden)]
pub use serde;
use serde::{Deserializer, Serialize, Serializer};

pub use self::email::Email;
pub use self::error::{DecodeError, EncodeError, Invalid, Violation};
pub use self::id::{EventId, Id};
pub use self::list::List;
pub use self::maybe::{Maybe, Omittable};
pub use self::number::Int;
pub use self::object::Object;
pub use self::pattern::{Pattern, Unsupported, UnsupportedPattern};
pub use self::reader::{Reader, Reading};
pub use self::text::Text;
pub use self::unique::UniqueList;
pub use self::words::{Unrecognized, Words};

/// A value that can be read from JSON by the rules of its schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of payloads",
    note = "integers are `i64` or `Int<MIN, MAX>`, numbers `f64`, strings `String`, `Text<MIN, MAX>` or what a derive makes; \
            a `Maybe` is a field marked `#[object(optional)]`"
)]
pub trait Read: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// Where the JSON is not well-formed, or breaks a rule. What rule, where and by which value is left with the
    /// [`Reader`], the error itself only ends the reading.
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error>;
}

/// A value that can be written as JSON by the rules of its schema.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a type of payloads")]
pub trait Write {
    /// Writes the value.
    ///
    /// # Errors
    /// Where the value is one that only tolerant reading lets in, or has no form in JSON.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

/// Reads a value from a JSON document.
///
/// # Errors
/// Where the bytes are not exactly one JSON document (RFC 8259; at most 128 levels deep), or break a rule of the schema under
/// the given [`Reading`].
///
/// ```
/// use eventwright::payload::{decode, DecodeError};
/// use eventwright::{Reading, Text};
///
/// let name: Text<1, 5> = decode(br#""Ada""#, Reading::Strict)?;
/// assert_eq!(name, "Ada");
///
/// let error = decode::<Text<1, 5>>(br#""Augusta""#, Reading::Strict).unwrap_err();
/// assert_eq!(error.to_string(), r#"document: "Augusta" is longer than the maximum of 5 characters"#);
/// # Ok::<(), DecodeError>(())
/// ```
pub fn decode<T: Read>(bytes: &[u8], reading: Reading) -> Result<T, DecodeError> {
    // once for the whole is faster than once for each string
    let text = str::from_utf8(bytes).map_err(|error| DecodeError::not_utf8(bytes, error))?;
    let reader = Reader::new(reading);
    let mut json = serde_json::Deserializer::from_str(text);
    let value = match T::read(&mut json, &reader) {
        Ok(value) => value,
        Err(error) => return Err(reader.into_error(&error)),
    };
    match json.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(reader.into_error(&error)),
    }
}

/// Writes a value as a JSON document, without white space.
///
/// # Errors
/// Where the value holds one that only tolerant reading lets in, such as an [`Unrecognized`] word, or one that JSON can't
/// express, such as an infinite number.
pub fn encode<T: Write>(value: &T) -> Result<String, EncodeError> {
    serde_json::to_string(&Written(value)).map_err(EncodeError::new)
}

/// Hands a [`Write`] to serde.
pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl<T: Write> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}
