//! Arrays of a fixed number of items, each with a type of its own.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};
use serde_json::value::RawValue;

use super::json::Seed;
use super::list::check_count;
use super::object::at;
use super::reader::{Parts, Segment};
use super::{Read, Reader, Steps, Write, Written};

struct TupleVisitor<'r, T> {
    reader: &'r Reader,
    tuple: PhantomData<T>,
}

/// Reads the item at `index` of as many as `count`.
fn read_item<'de, T: Read, A: SeqAccess<'de>>(
    items: &mut A,
    index: usize,
    count: usize,
    reader: &Reader,
) -> Result<T, A::Error> {
    match items.next_element_seed(Seed::new(reader)) {
        Ok(Some(item)) => Ok(item),
        Ok(None) => Err(refuse_count(index, count, reader)),
        Err(error) => Err(reader.within(Segment::Item(index), error)),
    }
}

/// Sees to it that no item is left after as many as `count`.
fn read_end<'de, A: SeqAccess<'de>>(items: &mut A, count: usize, reader: &Reader) -> Result<(), A::Error> {
    match items.next_element::<IgnoredAny>()? {
        Some(_) => Err(refuse_count(count + 1, count, reader)),
        None => Ok(()),
    }
}

/// Takes the texts of all items.
fn texts<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<&'de RawValue>, A::Error> {
    let mut texts = Vec::new();
    while let Some(text) = items.next_element()? {
        texts.push(text);
    }
    Ok(texts)
}

/// Reads the item at `index`, if there is one, and goes on after an error.
fn read_text<T: Read>(texts: &[&RawValue], index: usize, parts: &mut Parts<'_>, reader: &Reader) -> Option<T> {
    let step = |error| reader.within(Segment::Item(index), error);
    parts.read(texts.get(index)?, step, |json, reader| T::read(json, reader))
}

#[cold]
fn refuse_count<E: serde::de::Error>(found: usize, count: usize, reader: &Reader) -> E {
    match check_count(found, count, count) {
        Err(invalid) => reader.refuse_whole(invalid),
        Ok(()) => E::invalid_length(found, &"another number of items"),
    }
}

macro_rules! tuple {
    ($count:literal: $($item:ident $index:tt),+) => {
        /// An array of exactly as many items.
        impl<$($item: Read),+> Read for ($($item,)+) {
            fn read<'de, De: Deserializer<'de>>(json: De, reader: &Reader) -> Result<Self, De::Error> {
                json.deserialize_seq(TupleVisitor::<Self> { reader, tuple: PhantomData })
                    .map_err(|error| reader.expected_whole("an array", error))
            }

            fn beneath_sensitive(steps: Steps<'_>) -> Option<usize> {
                match steps.first()? {
                    $((Segment::Item($index), beneath) => $item::beneath_sensitive(beneath),)+
                    _ => None,
                }
            }
        }

        impl<$($item: Read),+> TupleVisitor<'_, ($($item,)+)> {
            /// Goes on after an error.
            #[cold]
            fn visit_all<'de, Seq: SeqAccess<'de>>(self, items: Seq) -> Result<($($item,)+), Seq::Error> {
                let texts = texts(items)?;
                let mut parts = Parts::of(self.reader);
                let items = ($(read_text::<$item>(&texts, $index, &mut parts, self.reader),)+);
                parts.end()?;
                let tuple = (|| Some(($(items.$index?,)+)))().filter(|_| texts.len() == $count);
                tuple.ok_or_else(|| refuse_count(texts.len(), $count, self.reader))
            }
        }

        impl<'de, $($item: Read),+> Visitor<'de> for TupleVisitor<'_, ($($item,)+)> {
            type Value = ($($item,)+);

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<Seq: SeqAccess<'de>>(self, mut items: Seq) -> Result<Self::Value, Seq::Error> {
                if self.reader.wants_all() {
                    return self.visit_all(items);
                }
                let tuple = ($(read_item::<$item, Seq>(&mut items, $index, $count, self.reader)?,)+);
                read_end(&mut items, $count, self.reader)?;
                Ok(tuple)
            }
        }

        impl<$($item: Write),+> Write for ($($item,)+) {
            fn write<Se: Serializer>(&self, to: Se) -> Result<Se::Ok, Se::Error> {
                let mut items = to.serialize_seq(Some($count))?;
                $(items.serialize_element(&Written(&self.$index)).map_err(|error| at($index, error))?;)+
                items.end()
            }
        }
    };
}

tuple!(1: A 0);
tuple!(2: A 0, B 1);
tuple!(3: A 0, B 1, C 2);
tuple!(4: A 0, B 1, C 2, D 3);
tuple!(5: A 0, B 1, C 2, D 3, E 4);
tuple!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
