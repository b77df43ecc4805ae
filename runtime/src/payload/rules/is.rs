//! Types as rules.

use std::any::TypeId;

use super::advice::sampler;
use super::{Advice, Broken, Rule};
use crate::payload::arbitrary::Sampled;
use crate::payload::{Json, Key, Never, Read, Reader, Written};

/// The rule to be of a type.
#[must_use]
pub fn is<T: Read + Sampled + 'static>() -> Rule {
    Rule { is_never: TypeId::of::<T>() == TypeId::of::<Never>(), ..Rule::new(check::<T>) }
}

fn check<T: Read + Sampled>(value: &Json, reader: &Reader) -> Result<(), Broken> {
    // as text, for `Number` and `Json` are read from nothing else: serde's data model would make floats of their digits
    let text =
        serde_json::to_string(&Written(value)).map_err(|error| Broken::new(format!("can't be written: {error}")))?;
    match reader.attempt(reader.reading(), &text, |json, reader| T::read(json, reader)) {
        Ok(_) => Ok(()),
        Err(found) => Err(Broken::from(found).advising(|| Advice::Be(sampler::<T>()))),
    }
}

/// `patternProperties`: members with such a name keep a rule.
#[derive(Debug)]
pub struct Keyed {
    pub(super) has_name: fn(&str) -> bool,
    pub(super) rule: Rule,
}

/// Members whose name is a `P` keep a rule.
#[must_use]
pub fn keyed<P: Key>(rule: Rule) -> Keyed {
    Keyed { has_name: has_name::<P>, rule }
}

pub(super) fn has_name<P: Key>(name: &str) -> bool {
    P::check_name(name).is_ok()
}
