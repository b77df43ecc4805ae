//! All errors of a document, where they are asked for.
//!
//! Of an object or array, the texts of the parts are taken then, and each part is read from its text: so one that can't be read does not
//! keep the next from being read. The errors of the parts of a whole are one error, with `more`.

use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, Error, MapAccess};
use serde_json::value::RawValue;

use super::{Found, MOST_LEVELS, Reader, Reading, Segment, StrJson};
use crate::payload::error::{DecodeError, Invalid, Violation, syntax_message};
use crate::payload::{MOST_VIOLATIONS, Read};

/// Reads a document for all its errors.
pub(crate) fn read_all<T: Read>(bytes: &[u8], reading: Reading) -> Result<Vec<Violation>, DecodeError> {
    let raw: &RawValue = serde_json::from_slice(bytes).map_err(|error| DecodeError::syntax(&error))?;
    let reader = Reader::new(reading);
    reader.wants_all.set(true);
    let result = T::read(&mut serde_json::Deserializer::from_str(raw.get()), &reader);
    if let Err(error) = &result {
        reader.record(error);
    }
    Ok(reader.found.into_inner().map_or_else(Vec::new, Found::into_violations))
}

impl Reader {
    /// Whether reading goes on after an error.
    pub(crate) fn wants_all(&self) -> bool {
        self.wants_all.get()
    }

    /// Does something of which the first error is enough.
    pub(crate) fn singly<T>(&self, do_it: impl FnOnce(&Self) -> T) -> T {
        let wants_all = self.wants_all.replace(false);
        let outcome = do_it(self);
        self.wants_all.set(wants_all);
        outcome
    }

    fn read_part<T>(
        &self,
        text: &str,
        read: impl FnOnce(StrJson<'_, '_>, &Self) -> Result<T, serde_json::Error>,
    ) -> Result<T, serde_json::Error> {
        let wholes = self.wholes.get() + 1;
        // serde_json counts levels, but only those of one text
        if wholes + 1 == MOST_LEVELS && text.starts_with(['[', '{']) {
            return Err(self.refuse_whole(Invalid::new(format!("is more than {MOST_LEVELS} levels deep"))));
        }
        self.wholes.set(wholes);
        let result = read(&mut serde_json::Deserializer::from_str(text), self);
        self.wholes.set(wholes - 1);
        result.inspect_err(|error| self.record(error))
    }

    /// Sees to it that something is said of an error. By its grammar the text is JSON, and yet serde_json may meet a number that is too
    /// large, or an escape that is no character.
    fn record(&self, error: &serde_json::Error) {
        let mut found = self.found.borrow_mut();
        if error.is_data() {
            found.get_or_insert_with(Found::unreadable);
            return;
        }
        let unreadable = Found::new(format!("can't be read: {}", syntax_message(error)).into(), None);
        match &mut *found {
            Some(found) if !found.is_of_root_type() => found.and(unreadable),
            found => *found = Some(unreadable),
        }
    }
}

/// The parts of an object or array, being read for all their errors.
pub(crate) struct Parts<'r> {
    reader: &'r Reader,
    found: Option<Found>,
}

impl<'r> Parts<'r> {
    pub(crate) fn of(reader: &'r Reader) -> Self {
        Self { reader, found: None }
    }

    /// Reads a part from its text. `step` adds the step to it to an error's path.
    pub(crate) fn read<T>(
        &mut self,
        text: &RawValue,
        step: impl FnOnce(serde_json::Error) -> serde_json::Error,
        read: impl FnOnce(StrJson<'_, '_>, &Reader) -> Result<T, serde_json::Error>,
    ) -> Option<T> {
        if self.found.as_ref().is_some_and(Found::is_full) {
            return None;
        }
        match self.reader.read_part(text.get(), read) {
            Ok(part) => Some(part),
            Err(error) => {
                self.add(step(error));
                None
            }
        }
    }

    /// Takes an error over from the reader.
    pub(crate) fn add<E>(&mut self, _error: E) {
        let found = self.reader.found.take().unwrap_or_else(Found::unreadable);
        match &mut self.found {
            Some(first) => first.and(found),
            none => *none = Some(found),
        }
    }

    /// Gives what was found so far to the reader, since the rest can't be read.
    pub(crate) fn cut_short<E>(&mut self, error: E) -> E {
        self.reader.found.replace(self.found.take());
        error
    }

    /// Ends the whole, if something is wrong in it.
    pub(crate) fn end<E: Error>(self) -> Result<(), E> {
        match self.found {
            Some(found) => Err(self.reader.refuse_found(found)),
            None => Ok(()),
        }
    }
}

/// A member whose name was read, as the last of its object.
pub(crate) struct Last<'j, 't>(pub(crate) StrJson<'j, 't>);

impl<'t> MapAccess<'t> for Last<'_, 't> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, _: K) -> Result<Option<K::Value>, serde_json::Error> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, serde_json::Error> {
        seed.deserialize(&mut *self.0)
    }
}

impl Found {
    /// Adds what else is wrong.
    #[cold]
    pub(super) fn and(&mut self, mut other: Self) {
        let more = std::mem::take(&mut other.more);
        let room = MOST_VIOLATIONS.saturating_sub(self.more.len() + 1);
        self.more.extend(std::iter::once(other).chain(more).take(room));
    }

    pub(super) fn is_full(&self) -> bool {
        self.more.len() + 1 >= MOST_VIOLATIONS
    }

    fn into_all(mut self) -> Vec<Self> {
        let more = std::mem::take(&mut self.more);
        std::iter::once(self).chain(more).collect()
    }

    /// As many as there are, each once.
    fn into_violations(self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for violation in self.into_all().into_iter().map(Self::into_violation) {
            if !violations.contains(&violation) {
                violations.push(violation);
            }
        }
        violations
    }

    /// Sorts all that is wrong in a value by where it ends in the value's text: parts, and then the whole.
    pub(super) fn in_order_of(self, text: &str) -> Self {
        if self.more.is_empty() {
            return self;
        }
        let mut all = self.into_all();
        all.sort_by_cached_key(|found| end(text, &found.path));
        let mut all = all.into_iter();
        let mut first = all.next().unwrap_or_else(Self::unreadable);
        first.more = all.collect();
        first
    }
}

/// Where a part of a text ends.
fn end(text: &str, path: &[Segment]) -> usize {
    let mut part = text;
    for step in path.iter().rev() {
        let Some(next) = part_at(part, step) else { break };
        part = next;
    }
    part.as_bytes().as_ptr_range().end.addr()
}

fn part_at<'t>(text: &'t str, step: &Segment) -> Option<&'t str> {
    let part = match step {
        Segment::Item(index) => serde_json::from_str::<Vec<&RawValue>>(text).ok()?.get(*index).copied(),
        Segment::Declared(name) => member(text, name),
        Segment::Named(name) => member(text, name),
    };
    part.map(RawValue::get)
}

fn member<'t>(text: &'t str, name: &str) -> Option<&'t RawValue> {
    serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok()?.get(name).copied()
}
