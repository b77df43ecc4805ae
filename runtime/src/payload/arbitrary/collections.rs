//! Values that are made of others.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::Hash;

use super::text::valid;
use super::{Rejected, Sample, Source};
use crate::payload::{Key, List, Maybe, UniqueList, Write, encode};

/// How many more items than it must have a list gets to reach its most.
const MOST_MORE: usize = 256;

/// How many draws in a row may give nothing new.
const MOST_TWINS: usize = 32;

/// Odds of an item that is left out: enough for it to be left out where a list is shrunk.
const RARELY: u64 = 1 << 16;

impl<T: Sample> Sample for Box<T> {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        T::sample(source).map(Self::new)
    }
}

/// A value or `null`.
impl<T: Sample + Write> Sample for Option<T> {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        Ok(value_or_none(source).filter(|value| !is_null(value)))
    }
}

crate::__arbitrary!([T: Sample + Write] Maybe<T>, |source| {
    if source.below(5) == 0 {
        return Ok(Self::Absent);
    }
    Option::sample(source).map(Self::from)
});

/// What is none where nothing else is to be had, such as a type within itself that has become deep.
pub(super) fn value_or_none<T: Sample>(source: &mut Source<'_>) -> Option<T> {
    let odds = if source.is_deep() { 1 } else { 4 };
    source.maybe(odds, T::sample)
}

/// Some types have a `null` of their own, which would be read as none.
fn is_null<T: Write>(value: &T) -> bool {
    encode(value).is_ok_and(|json| json == "null")
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        let count = if source.is_deep() { 0 } else { source.index(6) };
        items(0, count, source)
    }
}

/// So many items, or at least `min` where no more are to be had.
fn items<T: Sample>(min: usize, count: usize, source: &mut Source<'_>) -> Result<Vec<T>, Rejected> {
    let mut items = (0..min.min(count)).map(|_| T::sample(source)).collect::<Result<Vec<_>, _>>()?;
    items.extend((min..count).filter_map(|_| source.maybe(RARELY, T::sample)));
    Ok(items)
}

crate::__arbitrary!([T: Sample, const MIN: usize, const MAX: usize] List<T, MIN, MAX>, |source| {
    let count = source.length(MIN, MAX, MOST_MORE);
    valid(Self::new(items(MIN, count, source)?))
});

crate::__arbitrary!([T: Sample + Eq + Hash + Write, const MIN: usize, const MAX: usize] UniqueList<T, MIN, MAX>, |source| {
    let count = source.length(MIN, MAX, MOST_MORE);
    let mut items = Vec::new();
    // what differs in Rust may be written alike
    let mut written = HashSet::new();
    for _ in 0..count {
        let item = source.maybe(RARELY, |source| {
            (0..MOST_TWINS).find_map(|_| source.attempt(|source| fresh(&items, &mut written, source)).ok()).ok_or_else(Rejected::new)
        });
        items.extend(item);
    }
    valid(Self::new(items))
});

/// An item that is not there.
fn fresh<T: Sample + Eq + Write>(
    items: &[T],
    written: &mut HashSet<String>,
    source: &mut Source<'_>,
) -> Result<T, Rejected> {
    let item = T::sample(source)?;
    let text = encode(&item).map_err(|_| Rejected::new())?;
    let is_fresh = !items.contains(&item) && written.insert(text);
    if is_fresh { Ok(item) } else { Err(Rejected::new()) }
}

impl<K: Sample + Key + Ord, T: Sample> Sample for BTreeMap<K, T> {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        let count = if source.is_deep() { 0 } else { source.index(5) };
        let mut members = Self::new();
        for _ in 0..count {
            members.extend(source.maybe(RARELY, |source| Ok((K::sample(source)?, T::sample(source)?))));
        }
        Ok(members)
    }
}

macro_rules! tuple {
    ($($item:ident)+) => {
        impl<$($item: Sample),+> Sample for ($($item,)+)
        where
            Self: fmt::Debug,
        {
            fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
                Ok(($($item::sample(source)?,)+))
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);
