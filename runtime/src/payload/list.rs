//! Arrays.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::json::Seed;
use super::object::at;
use super::reader::{Parts, Segment};
use super::{Invalid, Read, Reader, Steps, Write, Written};

/// A list of `MIN` to `MAX` items, `minItems` and `maxItems` of JSON Schema.
///
/// ```
/// use eventwright::List;
///
/// let tags: List<&str, 1, 3> = List::new(vec!["a", "b"])?;
/// assert_eq!(tags.len(), 2);
/// assert_eq!(List::<i64, 1>::new(vec![]).unwrap_err().to_string(), "the value has fewer than the minimum of 1 items");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List<T, const MIN: usize, const MAX: usize = { usize::MAX }>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// Makes a list of items.
    ///
    /// # Errors
    /// Where there are too few or too many.
    pub fn new(items: Vec<T>) -> Result<Self, Invalid> {
        check_count(items.len(), MIN, MAX)?;
        Ok(Self(items))
    }

    /// The items, taken out.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

/// Holds the number of items against its bounds.
pub(crate) fn check_count(count: usize, min: usize, max: usize) -> Result<(), Invalid> {
    if count < min {
        return Err(Invalid::new(format!("has fewer than the minimum of {min} items")));
    }
    if count > max {
        return Err(Invalid::new(format!("has more than the maximum of {max} items")));
    }
    Ok(())
}

/// Reads items, and a collection from them. Stops at the first item too many.
pub(crate) fn read_items<'de, T, C, D, F>(json: D, reader: &Reader, max: usize, collect: F) -> Result<C, D::Error>
where
    T: Read,
    D: Deserializer<'de>,
    F: FnOnce(Vec<T>) -> Result<C, Invalid>,
{
    json.deserialize_seq(ItemsVisitor { reader, max, collect, item: PhantomData })
        .map_err(|error| reader.expected_whole("an array", error))
}

struct ItemsVisitor<'r, T, F> {
    reader: &'r Reader,
    max: usize,
    collect: F,
    item: PhantomData<T>,
}

impl<'de, T: Read, C, F: FnOnce(Vec<T>) -> Result<C, Invalid>> Visitor<'de> for ItemsVisitor<'_, T, F> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<C, A::Error> {
        if self.reader.wants_all() {
            return self.visit_all(seq);
        }
        let mut items = Vec::new();
        loop {
            match seq.next_element_seed(Seed::new(self.reader)) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return Err(self.reader.within(Segment::Item(items.len()), error)),
            }
            if items.len() > self.max {
                break;
            }
        }
        (self.collect)(items).map_err(|invalid| self.reader.refuse_whole(invalid))
    }
}

impl<T: Read, C, F: FnOnce(Vec<T>) -> Result<C, Invalid>> ItemsVisitor<'_, T, F> {
    /// Goes on after an error.
    #[cold]
    fn visit_all<'de, A: SeqAccess<'de>>(self, mut seq: A) -> Result<C, A::Error> {
        let reader = self.reader;
        let (mut parts, mut items) = (Parts::of(reader), Vec::new());
        for index in 0_usize.. {
            let Some(text) = seq.next_element::<&RawValue>()? else { break };
            let step = |error| reader.within(Segment::Item(index), error);
            items.extend(parts.read(text, step, |json, reader| T::read(json, reader)));
            if index >= self.max {
                break;
            }
        }
        parts.end()?;
        (self.collect)(items).map_err(|invalid| reader.refuse_whole(invalid))
    }
}

/// As in [`Read`], where all parts are of one type.
pub(crate) fn beneath_sensitive_part<T: Read>(steps: Steps<'_>) -> Option<usize> {
    steps.first().and_then(|(_, beneath)| T::beneath_sensitive(beneath))
}

impl<T: Read> Read for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        read_items(json, reader, usize::MAX, Ok)
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        beneath_sensitive_part::<T>(steps)
    }
}

impl<T: Write> Write for Vec<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_slice().write(to)
    }
}

impl<T: Write> Write for [T] {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut seq = to.serialize_seq(Some(self.len()))?;
        for (index, item) in self.iter().enumerate() {
            seq.serialize_element(&Written(item)).map_err(|error| at(index, error))?;
        }
        seq.end()
    }
}

impl<T: Read, const MIN: usize, const MAX: usize> Read for List<T, MIN, MAX> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        read_items(json, reader, MAX, Self::new)
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        beneath_sensitive_part::<T>(steps)
    }
}

impl<T, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for List<T, MIN, MAX> {
    type Error = Invalid;

    fn try_from(items: Vec<T>) -> Result<Self, Invalid> {
        Self::new(items)
    }
}

/// What [`List`] and [`UniqueList`](super::UniqueList) share: all that needs no check.
macro_rules! items {
    ($list:ident) => {
        impl<T: Write, const MIN: usize, const MAX: usize> Write for $list<T, MIN, MAX> {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.write(to)
            }
        }

        impl<T: Write, const MIN: usize, const MAX: usize> Serialize for $list<T, MIN, MAX> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.write(to)
            }
        }

        impl<T: fmt::Debug, const MIN: usize, const MAX: usize> fmt::Debug for $list<T, MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<T, const MIN: usize, const MAX: usize> Deref for $list<T, MIN, MAX> {
            type Target = [T];

            fn deref(&self) -> &[T] {
                &self.0
            }
        }

        impl<T, const MIN: usize, const MAX: usize> From<$list<T, MIN, MAX>> for Vec<T> {
            fn from(list: $list<T, MIN, MAX>) -> Self {
                list.0
            }
        }

        impl<T, const MIN: usize, const MAX: usize> IntoIterator for $list<T, MIN, MAX> {
            type Item = T;
            type IntoIter = std::vec::IntoIter<T>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.into_iter()
            }
        }

        impl<'a, T, const MIN: usize, const MAX: usize> IntoIterator for &'a $list<T, MIN, MAX> {
            type Item = &'a T;
            type IntoIter = std::slice::Iter<'a, T>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}

items!(List);
pub(crate) use items;
