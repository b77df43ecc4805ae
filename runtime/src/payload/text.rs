//! Strings, plain and with rules.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use super::{Invalid, Read, Reader, Str, Write};

/// Reads a string and makes a value of it.
///
/// # Errors
/// Where the JSON is not a string, or `parse` refuses it.
pub fn read<'de, D, T, F>(json: D, reader: &Reader, parse: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(&str) -> Result<T, Invalid>,
{
    json.deserialize_str(TextVisitor { reader: Some(reader), parse })
        .map_err(|error| reader.expected("a string", error))
}

/// Like [`read`], for serde's `Deserialize`.
///
/// # Errors
/// Where the input is not a string, or `parse` refuses it.
pub fn deserialize<'de, D, T, F>(input: D, parse: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(&str) -> Result<T, Invalid>,
{
    input.deserialize_str(TextVisitor { reader: None, parse })
}

struct TextVisitor<'r, F> {
    reader: Option<&'r Reader>,
    parse: F,
}

impl<T, F: FnOnce(&str) -> Result<T, Invalid>> Visitor<'_> for TextVisitor<'_, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(|invalid| match self.reader {
            Some(reader) => reader.refuse(invalid, &text),
            None => E::custom(invalid),
        })
    }
}

impl Read for String {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        read(json, reader, |text| Ok(text.to_owned()))
    }
}

impl Write for String {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }
}

/// A rule that a string type keeps.
pub trait Rule {
    /// Holds `text` against the rule.
    ///
    /// # Errors
    /// Where the rule does not hold.
    fn check(text: &str) -> Result<(), Invalid>;
}

/// A string of `MIN` to `MAX` characters, `minLength` and `maxLength` of JSON Schema.
///
/// A character is a Unicode code point (JSON Schema Validation section 6.3), not a byte.
///
/// ```
/// use eventwright::Text;
///
/// let name = Text::<1, 5>::new("Zoë")?;
/// assert_eq!(name.to_uppercase(), "ZOË");
/// assert_eq!(Text::<1, 5>::new("").unwrap_err().to_string(), "the value is shorter than the minimum of 1 characters");
///
/// const WEB: Text<1, 5> = Text::from_static("web");
/// assert_eq!(WEB, "web");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MIN: usize, const MAX: usize = { usize::MAX }>(Str);

impl<const MIN: usize, const MAX: usize> Rule for Text<MIN, MAX> {
    fn check(text: &str) -> Result<(), Invalid> {
        check_length(text, MIN, MAX)
    }
}

crate::__text!([const MIN: usize, const MAX: usize] Text<MIN, MAX>);
crate::__text_from_static!(
    [const MIN: usize, const MAX: usize] Text<MIN, MAX>,
    |text| has_length(text, MIN, MAX),
    "the string is shorter or longer than its type allows"
);

/// Holds the number of characters of `text` against its bounds.
///
/// # Errors
/// Where it is less than `min` or more than `max`.
pub fn check_length(text: &str, min: usize, max: usize) -> Result<(), Invalid> {
    if has_length(text, min, max) {
        return Ok(());
    }
    if count_chars(text) < min {
        return Err(Invalid::new(format!("is shorter than the minimum of {min} characters")));
    }
    Err(Invalid::new(format!("is longer than the maximum of {max} characters")))
}

/// Whether `text` has `min` to `max` characters.
#[must_use]
pub const fn has_length(text: &str, min: usize, max: usize) -> bool {
    // a character takes one to four bytes, so the bytes mostly decide
    if text.len() <= max && text.len().div_ceil(4) >= min {
        return true;
    }
    let chars = count_chars(text);
    min <= chars && chars <= max
}

/// `text.chars().count()`, which constants lack.
const fn count_chars(text: &str) -> usize {
    let (mut rest, mut chars) = (text.as_bytes(), 0);
    while let [first, after @ ..] = rest {
        // the bytes of UTF-8 that continue a character are 0b10xx_xxxx
        chars += (*first & 0b1100_0000 != 0b1000_0000) as usize;
        rest = after;
    }
    chars
}

/// All that a tuple struct over [`Str`] or `String` with a [`Rule`] needs to be a string type.
#[doc(hidden)]
#[macro_export]
macro_rules! __text {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> $type {
            /// Makes a value of a string.
            ///
            /// # Errors
            /// Where the string breaks the rule.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::payload::Invalid> {
                let text = text.into();
                <Self as $crate::payload::text::Rule>::check(&text)?;
                Ok(Self(text.into()))
            }

            /// The string.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The string, taken out.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0.into()
            }
        }

        impl<$($generics)*> ::core::str::FromStr for $type {
            type Err = $crate::payload::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::payload::text::Rule>::check(text)?;
                Ok(Self(text.to_owned().into()))
            }
        }

        impl<$($generics)*> TryFrom<&str> for $type {
            type Error = $crate::payload::Invalid;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl<$($generics)*> TryFrom<String> for $type {
            type Error = $crate::payload::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl<$($generics)*> From<$type> for String {
            fn from(text: $type) -> Self {
                text.0.into()
            }
        }

        impl<$($generics)*> ::core::ops::Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl<$($generics)*> AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<$($generics)*> PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }

        impl<$($generics)*> PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }

        impl<$($generics)*> ::core::fmt::Display for $type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<$($generics)*> ::core::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl<$($generics)*> $crate::payload::Key for $type {
            fn check_name(name: &str) -> Result<(), $crate::payload::Invalid> {
                <Self as $crate::payload::text::Rule>::check(name)
            }

            fn from_name(name: String) -> Result<Self, $crate::payload::Invalid> {
                Self::new(name)
            }

            fn as_name(&self) -> &str {
                &self.0
            }
        }

        impl<$($generics)*> $crate::payload::Read for $type {
            fn read<'de, D: $crate::payload::serde::Deserializer<'de>>(
                json: D,
                reader: &$crate::payload::Reader,
            ) -> Result<Self, D::Error> {
                $crate::payload::text::read(json, reader, str::parse)
            }
        }

        impl<$($generics)*> $crate::payload::Write for $type {
            fn write<S: $crate::payload::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<$($generics)*> $crate::payload::serde::Serialize for $type {
            fn serialize<S: $crate::payload::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }
    };
}

/// The constructor for constants of a tuple struct over [`Str`] whose rule `$check` can be checked in one.
#[doc(hidden)]
#[macro_export]
macro_rules! __text_from_static {
    ([$($generics:tt)*] $type:ty, |$text:ident| $check:expr, $broken:expr) => {
        impl<$($generics)*> $type {
            /// Makes a value of a string that stands in the source.
            ///
            /// # Panics
            /// Where the string breaks the rule; in a constant, that is a compile error.
            #[must_use]
            pub const fn from_static($text: &'static str) -> Self {
                // a string of the source that breaks the rule is a mistake there, which a constant shows at compile time
                if $check { Self($crate::payload::Str::from_static($text)) } else { panic!("{}", $broken) }
            }
        }
    };
}
