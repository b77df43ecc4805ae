//! Values that may be null or absent.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use super::{Read, Reader, Steps, Write};

/// A property that may be absent and may be null, which are two different things.
///
/// ```
/// use eventwright::Maybe;
///
/// let absent: Maybe<&str> = Maybe::default();
/// assert!(absent.is_absent());
/// assert_eq!(Maybe::from("x").value(), Some(&"x"));
/// assert_eq!(Maybe::<i64>::from(None), Maybe::Null);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Maybe<T> {
    /// The property is not there.
    #[default]
    Absent,
    /// The property is `null`.
    Null,
    /// The property has a value.
    Value(T),
}

impl<T> Maybe<T> {
    /// Borrows the value.
    pub fn as_ref(&self) -> Maybe<&T> {
        match self {
            Self::Absent => Maybe::Absent,
            Self::Null => Maybe::Null,
            Self::Value(value) => Maybe::Value(value),
        }
    }

    /// The value, where there is one: for those to whom absent and null are the same.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value, where there is one, taken out.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Whether the property is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the property is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Applies a function to the value, where there is one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Maybe<U> {
        match self {
            Self::Absent => Maybe::Absent,
            Self::Null => Maybe::Null,
            Self::Value(value) => Maybe::Value(f(value)),
        }
    }
}

impl<T> From<T> for Maybe<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

/// `None` is null: who leaves a property out does not mention it.
impl<T> From<Option<T>> for Maybe<T> {
    fn from(value: Option<T>) -> Self {
        match value {
            Some(value) => Self::Value(value),
            None => Self::Null,
        }
    }
}

/// A property that may be absent: the types of fields that are marked `#[object(optional)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be absent",
    label = "an optional property is an `Option`, or a `Maybe` where it may be null too"
)]
pub trait Omittable: Default {
    /// Reads the property, which is there.
    ///
    /// # Errors
    /// As [`Read::read`].
    fn read_present<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error>;

    /// What to write, or none where the property is absent.
    fn present(&self) -> Option<impl Write>;

    /// As in [`Read`].
    #[doc(hidden)]
    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        let _ = steps;
        None
    }
}

/// Absent or a value; `null` is refused.
impl<T: Read + Write> Omittable for Option<T> {
    fn read_present<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        T::read(json, reader).map(Some)
    }

    fn present(&self) -> Option<impl Write> {
        self.as_ref()
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        T::beneath_sensitive(steps)
    }
}

impl<T: Read + Write> Omittable for Maybe<T> {
    fn read_present<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        Option::read(json, reader).map(Self::from)
    }

    fn present(&self) -> Option<impl Write> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        T::beneath_sensitive(steps)
    }
}

/// A value or `null`.
impl<T: Read> Read for Option<T> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        json.deserialize_option(OptionVisitor { reader, value: PhantomData })
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        T::beneath_sensitive(steps)
    }
}

impl<T: Write> Write for Option<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(to),
            None => to.serialize_unit(),
        }
    }
}

struct OptionVisitor<'r, T> {
    reader: &'r Reader,
    value: PhantomData<T>,
}

impl<'de, T: Read> Visitor<'de> for OptionVisitor<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Option<T>, D::Error> {
        T::read(json, self.reader).map(Some)
    }
}
