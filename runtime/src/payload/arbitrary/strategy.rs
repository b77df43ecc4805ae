//! Values at random as proptest asks for them.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{Sample, Source};

/// The strategy of [`samples`].
pub struct Samples<T>(PhantomData<fn() -> T>);

/// Valid values of a payload type, of this crate or from elsewhere.
///
/// ```
/// use eventwright::OffsetDateTime;
/// use eventwright::payload::arbitrary::samples;
/// use proptest::prelude::*;
///
/// proptest!(|(at in samples::<OffsetDateTime>())| prop_assert!(at.year() <= 9999));
/// ```
#[must_use]
pub fn samples<T: Sample>() -> Samples<T> {
    Samples(PhantomData)
}

impl<T> Clone for Samples<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Samples<T> {}

impl<T> fmt::Debug for Samples<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samples<{}>", type_name::<T>())
    }
}

impl<T: Sample> Strategy for Samples<T> {
    type Tree = SampleTree<T>;
    type Value = T;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let mut source = Source::random(runner.rng());
        source.retry::<T, T>(T::sample).map_err(|rejected| rejected.to_string())?;
        Ok(SampleTree::new(source.into_choices()))
    }
}

/// A value, and how to make simpler ones.
pub struct SampleTree<T> {
    /// What the simplest value is made of that is known to fail.
    choices: Vec<u64>,
    /// A simpler one that is being tried.
    tried: Option<Vec<u64>>,
    next: Change,
    /// Whether a change since the last sweep over all choices was for the good.
    has_changed: bool,
    value: PhantomData<fn() -> T>,
}

/// Which change comes next.
#[derive(Clone, Copy)]
struct Change {
    /// Which of [`CHANGES`].
    how: usize,
    /// Where, from the end.
    at: usize,
}

const FIRST: Change = Change { how: 0, at: 0 };

/// How to make choices simpler.

#[derive(Clone, Copy)]
enum How {
    /// Leave out so many.
    Cut(usize),
    /// Make it nothing, and leave out so many that follow.
    Zero(usize),
    /// Take one off, and leave out so many that follow.
    Less(usize),
    /// Take this part of it off: a half, a quarter, …
    Part(u32),
}

/// In this order: what takes most off comes first.
const CHANGES: [How; 25] = [
    How::Cut(64),
    How::Cut(16),
    How::Cut(8),
    How::Cut(4),
    How::Cut(2),
    How::Cut(1),
    How::Zero(0),
    How::Zero(1),
    How::Zero(2),
    How::Zero(4),
    How::Zero(8),
    How::Less(1),
    How::Less(2),
    How::Less(3),
    How::Less(4),
    How::Less(6),
    How::Less(8),
    How::Part(1),
    How::Part(2),
    How::Part(3),
    How::Part(4),
    How::Part(6),
    How::Part(8),
    How::Part(16),
    How::Less(0),
];

impl<T: Sample> SampleTree<T> {
    fn new(choices: Vec<u64>) -> Self {
        Self { choices, tried: None, next: FIRST, has_changed: false, value: PhantomData }
    }

    /// Finds a simpler value that has not been tried.
    fn propose(&mut self) -> bool {
        loop {
            while let Some(how) = CHANGES.get(self.next.how) {
                let at = self.next.at;
                let Some(index) = self.choices.len().checked_sub(at + 1) else {
                    self.next = Change { how: self.next.how + 1, at: 0 };
                    continue;
                };
                self.next.at += 1;
                self.tried = changed(&self.choices, *how, index).and_then(|choices| self.made_of(choices));
                if self.tried.is_some() {
                    return true;
                }
            }
            if !std::mem::take(&mut self.has_changed) {
                return false;
            }
            self.next = FIRST;
        }
    }
}

impl<T: Sample> SampleTree<T> {
    /// What a value of these choices is made of, where there is one that is simpler.
    fn made_of(&self, choices: Vec<u64>) -> Option<Vec<u64>> {
        let mut source = Source::of(choices);
        T::sample(&mut source).ok()?;
        let choices = source.into_choices();
        let is_simpler = (choices.len(), &choices) < (self.choices.len(), &self.choices);
        is_simpler.then_some(choices)
    }
}

/// The choices with a change; none where it changes nothing.
fn changed(choices: &[u64], how: How, index: usize) -> Option<Vec<u64>> {
    let choice = choices[index];
    let (choice, cut) = match how {
        How::Cut(count) => (None, count),
        How::Zero(cut) => (Some(0).filter(|_| choice > 0), cut),
        How::Less(cut) => (Some(choice.checked_sub(1)?), cut),
        How::Part(shift) => (Some(choice - (choice >> shift)).filter(|part| *part < choice), 0),
    };
    let is_cut = matches!(how, How::Cut(_));
    let after = index + usize::from(!is_cut);
    let rest = choices.get(after + cut..)?;
    if !is_cut && choice.is_none() {
        return None;
    }
    Some(choices[..index].iter().copied().chain(choice).chain(rest.iter().copied()).collect())
}

impl<T: Sample> ValueTree for SampleTree<T> {
    type Value = T;

    fn current(&self) -> T {
        let choices = self.tried.as_ref().unwrap_or(&self.choices).clone();
        T::sample(&mut Source::of(choices)).expect("the same choices lead to the same value")
    }

    fn simplify(&mut self) -> bool {
        if let Some(tried) = self.tried.take() {
            self.choices = tried;
            self.has_changed = true;
        }
        self.propose()
    }

    fn complicate(&mut self) -> bool {
        self.tried.take().is_some() && self.propose()
    }
}

impl<T> fmt::Debug for SampleTree<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SampleTree<{}>", type_name::<T>())
    }
}
