//! Where values are drawn from.
//!
//! A value is made of choices, numbers from 0 on, which are written down. Made again of the same choices it is the same; made of
//! fewer or smaller ones it is simpler. So values are shrunk without knowing anything of them, and what is made stays valid: that is why these
//! are not strategies that are made of strategies, whose shrunk values would have to be filtered again.

use std::any::{TypeId, type_name};
use std::fmt;

use proptest::prelude::Rng;
use proptest::test_runner::TestRng;

/// How many types may be open within themselves before what may be empty is.
const DEEP: usize = 2;

/// How many there may be at all, where something must not be empty.
const DEEPEST: usize = 24;

/// After so many choices, what may be empty is.
const LONG: usize = 1 << 14;

/// How often a value is drawn that has to keep a rule.
const TRIES: usize = 200;

/// How many choices a value may cost, with those that led nowhere.
const MOST_SPENT: usize = 1 << 20;

/// What a value at random is made of.
pub struct Source<'r> {
    /// None where all choices are made.
    rng: Option<&'r mut TestRng>,
    choices: Vec<u64>,
    next: usize,
    spent: usize,
    /// The types that are being made, each within the one before.
    open: Vec<TypeId>,
    /// How many of those are within themselves, and how many may be.
    repeats: usize,
    most_repeats: usize,
}

/// What was drawn leads to no value.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The type that gave up.
    of: Option<&'static str>,
}

impl Rejected {
    /// Another draw may lead to one.
    #[must_use]
    pub const fn new() -> Self {
        Self { of: None }
    }
}

impl Default for Rejected {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Some(of) => write!(f, "no value of `{of}` that keeps its rules was found in {TRIES} tries"),
            None => f.write_str("no value was found"),
        }
    }
}

impl std::error::Error for Rejected {}

impl<'r> Source<'r> {
    pub(super) fn random(rng: &'r mut TestRng) -> Self {
        Self::new(Some(rng), Vec::new())
    }

    fn new(rng: Option<&'r mut TestRng>, choices: Vec<u64>) -> Self {
        Self { rng, choices, next: 0, spent: 0, open: Vec::new(), repeats: 0, most_repeats: DEEPEST }
    }

    /// The choices that were made.
    pub(super) fn into_choices(mut self) -> Vec<u64> {
        self.choices.truncate(self.next);
        self.choices
    }

    /// A number less than `count`, which is not 0. Simpler values come of smaller ones.
    pub fn below(&mut self, count: u64) -> u64 {
        let count = count.max(1);
        let choice = match (self.choices.get(self.next), &mut self.rng) {
            (Some(choice), _) => *choice % count,
            (None, Some(rng)) => rng.next_u64() % count,
            (None, None) => 0,
        };
        match self.choices.get_mut(self.next) {
            Some(place) => *place = choice,
            None => self.choices.push(choice),
        }
        self.next += 1;
        self.spent += 1;
        choice
    }

    /// Any number of 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        // all but the greatest, which nobody misses
        self.below(u64::MAX)
    }

    pub(super) fn index(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    /// One of some.
    pub(super) fn pick<T: Copy>(&mut self, those: &[T]) -> Result<T, Rejected> {
        if those.is_empty() {
            return Err(Rejected::new());
        }
        Ok(those[self.index(those.len())])
    }

    /// A value, or none: once in so many times, and where there is no value.
    pub(super) fn maybe<T>(&mut self, odds: u64, sample: impl FnOnce(&mut Self) -> Result<T, Rejected>) -> Option<T> {
        let value = self.attempt(|source| if source.below(odds) == 0 { Ok(None) } else { sample(source).map(Some) });
        value.unwrap_or_else(|_| {
            // made again, it must be none by this choice
            self.below(1);
            None
        })
    }

    /// A length within bounds, often at one of them; no bound that is more than `most` beyond the least.
    pub(super) fn length(&mut self, min: usize, max: usize, most: usize) -> usize {
        /// As much longer as most are, and as those without a greatest length can be.
        const USUAL: usize = 8;
        const LONG: usize = 32;

        if self.is_deep() || min >= max {
            return min;
        }
        let most = if max == usize::MAX { LONG } else { most.min(max - min) };
        // the first can be any length, so that any other shrinks to it
        let kind = self.below(8);
        let more = self.index(if kind == 0 { most } else { most.min(USUAL) } + 1);
        match kind {
            4 | 5 => min,
            6 => min + most,
            7 => min + most - 1,
            _ => min + more,
        }
    }

    /// Whether what may be empty should be.
    pub(super) fn is_deep(&self) -> bool {
        self.repeats >= DEEP || self.next > LONG
    }

    /// Makes a value of a type that may be one of its own parts.
    #[doc(hidden)]
    pub fn within<T: 'static>(&mut self, sample: impl FnOnce(&mut Self) -> Result<T, Rejected>) -> Result<T, Rejected> {
        let id = TypeId::of::<T>();
        let repeats = usize::from(self.open.contains(&id));
        if self.repeats + repeats > self.most_repeats {
            return Err(Rejected::new());
        }
        self.repeats += repeats;
        self.open.push(id);
        let value = sample(self);
        self.open.pop();
        self.repeats -= repeats;
        value
    }

    /// Makes a value with types within themselves no more often than needed, where enough is.
    pub(super) fn shallow<T>(
        &mut self,
        mut sample: impl FnMut(&mut Self) -> Result<T, Rejected>,
    ) -> Result<T, Rejected> {
        if !self.is_deep() {
            return sample(self);
        }
        let most = self.most_repeats;
        let mut value = Err(Rejected::new());
        for limit in self.repeats..=most {
            self.most_repeats = limit;
            value = self.attempt(&mut sample);
            if value.is_ok() {
                break;
            }
        }
        self.most_repeats = most;
        value
    }

    /// Makes a value, and forgets the choices if they lead to none.
    pub(super) fn attempt<T>(&mut self, sample: impl FnOnce(&mut Self) -> Result<T, Rejected>) -> Result<T, Rejected> {
        let begin = self.next;
        let value = sample(self);
        if value.is_err() {
            if self.rng.is_some() {
                self.choices.truncate(begin);
            }
            self.next = begin;
        }
        value
    }

    /// Makes a value that may take several tries; where none leads to one, says of which type there is none.
    pub(super) fn retry<T, V>(
        &mut self,
        mut sample: impl FnMut(&mut Self) -> Result<V, Rejected>,
    ) -> Result<V, Rejected> {
        for _ in 0..TRIES {
            match self.attempt(&mut sample) {
                Err(Rejected { of: None }) if self.rng.is_some() && self.spent < MOST_SPENT => {}
                // made of choices that are given, it would be the same again
                done => return done,
            }
        }
        Err(Rejected { of: Some(type_name::<T>()) })
    }
}

impl Source<'static> {
    /// Of choices that were made, and zeros after them.
    pub(super) fn of(choices: Vec<u64>) -> Self {
        Self::new(None, choices)
    }
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}
