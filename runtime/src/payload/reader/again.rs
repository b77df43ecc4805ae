//! Parts that are read from their text, and more than once.
//!
//! Who tries one type after the other reads the parts within as often. Where they do the same, and so on, each level would
//! multiply the work. So what was said of a text within a text is kept until the document is read, and each type is tried on it
//! once. What is read twice then is only read for its value.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use serde_json::de::StrRead;

use super::{Broken, Found, Reader, Reading};

/// What the text of a part is read from.
pub(crate) type StrJson<'j, 't> = &'j mut serde_json::Deserializer<StrRead<'t>>;

/// As many as serde_json reads, and [`Json`](crate::Json): arrays and objects within one another, and a value in the innermost.
pub(crate) const MOST_LEVELS: usize = 128;

/// Who says something of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Judge {
    /// The rules at an address.
    Rules(usize),
    /// A union of types.
    Union(TypeId),
}

/// What was said of a text: which type reads it and how strictly, or what is wrong with it.
pub(crate) type Verdict = Result<(usize, Reading), Found>;

/// What was said of texts so far.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Texts are told apart by two hashes of 64 bits under random keys: copies would take the size of the document for each level.
    states: [RandomState; 2],
    verdicts: HashMap<Key, Verdict>,
}

/// With whether all errors are wanted.
type Key = (Judge, Reading, bool, [u64; 2]);

impl Reader {
    /// Reads the text of a part. Errors stay with the reader, and their paths go on.
    pub(crate) fn read_text<T>(
        &self,
        text: &str,
        read: impl FnOnce(StrJson<'_, '_>, &Self) -> Result<T, serde_json::Error>,
    ) -> Result<T, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let wholes = self.wholes.take();
        self.texts.set(self.texts.get() + 1);
        let result = read(&mut json, self);
        self.texts.set(self.texts.get() - 1);
        self.wholes.set(wholes);
        result.inspect_err(|_| {
            self.found.borrow_mut().get_or_insert_with(Found::unreadable);
        })
    }

    /// Does something with the strict reading, whatever the document's.
    pub(crate) fn strictly<T>(&self, do_it: impl FnOnce(&Self) -> T) -> T {
        let reading = self.reading.replace(Reading::Strict);
        let outcome = do_it(self);
        self.reading.set(reading);
        outcome
    }

    /// Tries to read the text of a part. What is wrong with it is given back, and the reader can go on.
    pub(crate) fn attempt<T>(
        &self,
        reading: Reading,
        text: &str,
        read: impl FnOnce(StrJson<'_, '_>, &Self) -> Result<T, serde_json::Error>,
    ) -> Result<T, Found> {
        let reading = self.reading.replace(reading);
        let earlier = self.found.take();
        let result = self.read_text(text, read);
        self.reading.set(reading);
        let found = self.found.replace(earlier);
        result.map_err(|_| found.unwrap_or_else(Found::unreadable))
    }

    /// Refuses what is too deep. Within a text that was looked at before, nothing is.
    pub(crate) fn check_levels(&self, text: &str) -> Result<(), Broken> {
        if self.texts.get() > 0 || levels(text) <= MOST_LEVELS {
            return Ok(());
        }
        Err(Broken::new(format!("is more than {MOST_LEVELS} levels deep")))
    }

    /// Gives what was said of a text, or has it said and remembers.
    ///
    /// Only a part of a part can be met again, and only arrays and objects have parts.
    pub(crate) fn verdict(&self, judge: Judge, text: &str, say: impl FnOnce() -> Verdict) -> Verdict {
        if self.texts.get() == 0 || !text.starts_with(['[', '{']) {
            return say();
        }
        let key = {
            let mut memo = self.memo.borrow_mut();
            let memo = memo.get_or_insert_default();
            let key =
                (judge, self.reading(), self.wants_all(), memo.states.each_ref().map(|state| state.hash_one(text)));
            if let Some(verdict) = memo.verdicts.get(&key) {
                return verdict.clone();
            }
            key
        };
        let verdict = say();
        if let Some(memo) = self.memo.borrow_mut().as_mut() {
            memo.verdicts.insert(key, verdict.clone());
        }
        verdict
    }
}

/// How many levels a text has, whose grammar was checked before.
fn levels(text: &str) -> usize {
    let (mut level, mut most) = (1_usize, 1);
    let (mut is_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'[' | b'{' => {
                level += 1;
                most = most.max(level);
            }
            b']' | b'}' => level -= 1,
            _ => {}
        }
    }
    most
}
