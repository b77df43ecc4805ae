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
//!   the formats ([`Email`], [`Uri`], [`Hostname`], …) and what [`derive(Id)`](macro@crate::Id), [`derive(Words)`](macro@crate::Words) and
//!   [`derive(Pattern)`](macro@crate::Pattern) make.
//! * Numbers that must not be rounded are [`Number`]s and [`Integer`]s, of any size; values without a type are [`Json`].
//! * What no type can say of a schema, `derive(Checked)` leaves to the schema itself (feature `jsonschema`).
//! * *Absent is not null.* A required property that may be null is an [`Option`]; one that may be absent is an `Option`
//!   marked `#[object(optional)]`; one that may be either is a [`Maybe`]. All three survive a round trip.
//! * *Strict producers, tolerant consumers.* [`Reading`] says which of the two reads; everything else is the same.
//! * [`decode`] ends at the first error; [`violations`] tells all of them.
//! * An error names the place as a JSON pointer (RFC 6901) and never shows what lies under a property that is marked sensitive.
//!
//! [`Read`] and [`Write`] are not serde's traits because serde's know neither the mode nor where in the document they are, and
//! because a format such as `date-time` has rules that the crates behind the types do not keep. They run on serde's data model,
//! so each payload type implements serde's `Serialize` too.
//!
//! Types here are JSON's: they are read from `serde_json`'s deserializer, or another that describes itself.

#[cfg_attr(not(feature = "proptest"), doc(hidden))]
pub mod arbitrary;
#[cfg(feature = "jsonschema")]
#[doc(hidden)]
pub mod checked;
mod encoder;
mod error;
mod exact;
#[doc(hidden)]
pub mod format;
#[doc(hidden)]
pub mod id;
mod json;
mod key;
mod list;
mod maybe;
mod never;
mod number;
pub mod object;
mod pattern;
mod reader;
pub mod rules;
#[doc(hidden)]
pub mod sql;
mod str;
#[doc(hidden)]
pub mod text;
mod timestamp;
mod tuple;
#[doc(hidden)]
pub mod union;
mod unique;
mod uuid;
pub mod value;
mod vetted;
#[doc(hidden)]
pub mod words;

#[doc(hidden)]
pub use serde;
use serde::{Deserializer, Serialize, Serializer};

#[cfg(feature = "jsonschema")]
pub use self::checked::Schemas;
use self::encoder::Encoder;
pub use self::error::{DecodeError, EncodeError, Invalid, Violation};
pub use self::exact::{Integer, Number};
#[cfg(feature = "regex")]
pub use self::format::EcmaRegex;
pub use self::format::{Email, FullTime, Hostname, Ipv6, IsoDuration, JsonPointer, Uri, UriReference};
pub use self::id::{EventId, Id};
pub use self::key::Key;
pub use self::list::List;
pub use self::maybe::{Maybe, Omittable};
pub use self::never::{Never, Null};
pub use self::number::Int;
pub use self::object::Object;
pub use self::pattern::{Pattern, Unsupported, UnsupportedPattern};
#[cfg(feature = "regex")]
pub use self::pattern::{RegexPattern, UnsupportedRegex, supports_regex};
#[doc(hidden)]
pub use self::reader::Steps;
pub use self::reader::{Reader, Reading};
pub use self::str::Str;
pub use self::text::Text;
#[cfg(feature = "jiff")]
pub use self::timestamp::JiffDateTime;
pub use self::unique::UniqueList;
pub use self::value::{Json, Other};
pub use self::vetted::Vetted;
pub use self::words::{Unrecognized, Words};

/// A value that can be read from JSON by the rules of its schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of payloads",
    note = "integers are `i64`, `Int<MIN, MAX>` or `Integer`, numbers `f64` or `Number`, strings `String`, `Text<MIN, MAX>` or what a derive makes; \
            a `Maybe` is a field marked `#[object(optional)]`"
)]
pub trait Read: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// Where the JSON is not well-formed, or breaks a rule. What rule, where and by which value is left with the
    /// [`Reader`], the error itself only ends the reading.
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error>;

    /// How many steps of a path into a value of this type lie beneath the outermost sensitive property on it, if there is one. For
    /// errors of those that look at a value without its type.
    #[doc(hidden)]
    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        let _ = steps;
        None
    }
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

/// How many violations of a document [`violations`] tells.
pub(crate) const MOST_VIOLATIONS: usize = 100;

/// Finds all that is wrong with a JSON document: for those who write documents, and would rather be told once.
///
/// There is nothing exactly where [`decode`] reads the document; else what `decode` says is among the violations. They are in the order
/// of the document, what is wrong with an object or array as a whole after what is wrong within it. What follows from another is not
/// told: a property that can't be read is not missing too, and a list is held against `uniqueItems`, or a
/// [`Checked`](macro@crate::Checked) value against its rules, only where its parts can be read. Of a [`Union`](macro@crate::Union)
/// without a tag, one is told.
///
/// There are at most 100, so that a document that was made to have many takes no more memory. Reading it takes several times
/// as long as by `decode`, and for each level of the document once more.
///
/// # Errors
/// Where the bytes are not one JSON document.
///
/// ```
/// use eventwright::payload::violations;
/// use eventwright::{Int, Object, Reading};
///
/// #[derive(Clone, PartialEq, Object)]
/// #[object(closed)]
/// pub struct Attempts {
///     pub lead: String,
///     pub numbers: Vec<Int<1, 4>>,
/// }
///
/// let violations = violations::<Attempts>(br#"{"numbers": [5, 2, "3"], "extra": null}"#, Reading::Strict)?;
/// let messages: Vec<_> = violations.iter().map(ToString::to_string).collect();
/// assert_eq!(messages, [
///     "/numbers/0: 5 is more than the maximum of 4",
///     r#"/numbers/2: string "3" is not an integer"#,
///     "/extra: property is not in the schema",
///     "document: required property `lead` is missing",
/// ]);
/// # Ok::<(), eventwright::DecodeError>(())
/// ```
pub fn violations<T: Read>(bytes: &[u8], reading: Reading) -> Result<Vec<Violation>, DecodeError> {
    let first = match decode::<T>(bytes, reading) {
        Ok(_) => return Ok(Vec::new()),
        Err(DecodeError::Violation(first)) => first,
        Err(error) => return Err(error),
    };
    let all = reader::read_all::<T>(bytes, reading)?;
    Ok(if all.is_empty() { vec![first] } else { all })
}

/// Writes a value as a JSON document, without white space.
///
/// # Errors
/// Where the value holds one that only tolerant reading lets in, such as an [`Unrecognized`] word, or one that JSON can't
/// express, such as an infinite number.
pub fn encode<T: Write>(value: &T) -> Result<String, EncodeError> {
    let mut encoder = Encoder::new();
    value.write(&mut encoder).map_err(EncodeError::new)?;
    Ok(encoder.into_json())
}

/// Hands a [`Write`] to serde.
pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl<T: Write> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}
