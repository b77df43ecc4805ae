//! Arrays of different items.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;

use serde::{Deserializer, Serialize, Serializer};

use super::list::{beneath_sensitive_part, check_count, items, read_items};
use super::{Invalid, Read, Reader, Steps, Write};

/// A list of `MIN` to `MAX` items, no two equal: `uniqueItems` of JSON Schema.
///
/// For strings, words, ids, whole numbers, [`Number`](super::Number), booleans, [`Json`](super::Json) and objects of them, Rust's
/// equality is JSON Schema's (Core section 4.2.2).
/// Two times are equal here where they are the same instant, though JSON Schema compares their text.
///
/// ```
/// use eventwright::UniqueList;
///
/// let days: UniqueList<i64, 1> = UniqueList::new(vec![1, 5])?;
/// assert_eq!(days[1], 5);
/// assert_eq!(UniqueList::<i64, 1>::new(vec![1, 1]).unwrap_err().to_string(), "the value has equal items");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueList<T, const MIN: usize = 0, const MAX: usize = { usize::MAX }>(Vec<T>);

impl<T: Eq + Hash, const MIN: usize, const MAX: usize> UniqueList<T, MIN, MAX> {
    /// Makes a list of items.
    ///
    /// # Errors
    /// Where there are too few or too many, or two are equal.
    pub fn new(items: Vec<T>) -> Result<Self, Invalid> {
        check_count(items.len(), MIN, MAX)?;
        if !all_differ(&items) {
            return Err(Invalid::new("has equal items"));
        }
        Ok(Self(items))
    }
}

impl<T, const MIN: usize, const MAX: usize> UniqueList<T, MIN, MAX> {
    /// The items, taken out.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

fn all_differ<T: Eq + Hash>(items: &[T]) -> bool {
    // few items are compared faster than they are hashed
    if items.len() <= 8 {
        return items.iter().enumerate().all(|(index, item)| !items[..index].contains(item));
    }
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| seen.insert(item))
}

impl<T: Read + Eq + Hash, const MIN: usize, const MAX: usize> Read for UniqueList<T, MIN, MAX> {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        read_items(json, reader, MAX, Self::new)
    }

    fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
        beneath_sensitive_part::<T>(steps)
    }
}

impl<T: Eq + Hash, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for UniqueList<T, MIN, MAX> {
    type Error = Invalid;

    fn try_from(items: Vec<T>) -> Result<Self, Invalid> {
        Self::new(items)
    }
}

items!(UniqueList);
