//! Rules of values that have no parts, and of values one by one.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::advice::sampler;
use super::{Advice, Broken, Rule, breaks, of_numbers, of_strings};
use crate::payload::arbitrary::Sampled;
use crate::payload::text::check_length;
use crate::payload::value::types as json_types;
use crate::payload::{Json, Key, Number, Reading, format as formats};

/// `type`: the JSON types whose bits are set, as in [`types`](crate::payload::value::types).
#[must_use]
pub fn types(mask: u8) -> Rule {
    Rule::new(move |value, _| {
        if json_types::of(value) & mask != 0 {
            return Ok(());
        }
        Err(breaks("type").advising(|| Advice::Types(mask)))
    })
}

/// `type: integer`, of numbers.
#[must_use]
pub fn whole() -> Rule {
    of_numbers(|number| {
        if number.is_integer() { Ok(()) } else { Err(Broken::new("is not an integer").advising(|| Advice::Whole)) }
    })
}

/// `const` and `enum`: the values' JSON. Of words, tolerant reading takes others too.
///
/// # Panics
/// Where one is not JSON.
pub fn values(values: &[&str]) -> Rule {
    let keyword = if values.len() == 1 { "const" } else { "enum" };
    let listed: Arc<[Json]> =
        values.iter().map(|text| text.parse().expect("the generator writes values as JSON")).collect();
    let values: HashSet<Json> = listed.iter().cloned().collect();
    let are_words = listed.iter().all(|value| value.is_null() || value.as_str().is_some())
        && listed.iter().any(|value| value.as_str().is_some());
    Rule::new(move |value, reader| {
        if values.contains(value) {
            return Ok(());
        }
        // a later revision may list it
        if are_words && value.as_str().is_some() && reader.reading() == Reading::Tolerant {
            return Ok(());
        }
        Err(breaks(keyword).advising(|| Advice::OneOf(Arc::clone(&listed))))
    })
}

/// `minimum`
pub fn minimum(bound: &'static str) -> Rule {
    bounded(bound, Ordering::is_ge, "is less than the minimum of", |bound| Advice::AtLeast { bound, exclusive: false })
}

/// `maximum`
pub fn maximum(bound: &'static str) -> Rule {
    bounded(bound, Ordering::is_le, "is more than the maximum of", |bound| Advice::AtMost { bound, exclusive: false })
}

/// `exclusiveMinimum`
pub fn exclusive_minimum(bound: &'static str) -> Rule {
    bounded(bound, Ordering::is_gt, "is not more than", |bound| Advice::AtLeast { bound, exclusive: true })
}

/// `exclusiveMaximum`
pub fn exclusive_maximum(bound: &'static str) -> Rule {
    bounded(bound, Ordering::is_lt, "is not less than", |bound| Advice::AtMost { bound, exclusive: true })
}

fn bounded(
    text: &'static str,
    holds: fn(Ordering) -> bool,
    broken: &'static str,
    advice: fn(&'static str) -> Advice,
) -> Rule {
    let bound = number(text);
    of_numbers(move |value| {
        if holds(value.cmp(&bound)) {
            return Ok(());
        }
        Err(Broken::new(format!("{broken} {text}")).advising(|| advice(text)))
    })
}

/// `multipleOf`
pub fn multiple_of(divisor: &'static str) -> Rule {
    let exact = number(divisor);
    of_numbers(move |value| {
        if value.is_multiple_of(&exact) {
            return Ok(());
        }
        Err(Broken::new(format!("is not a multiple of {divisor}")).advising(|| Advice::MultipleOf(divisor)))
    })
}

fn number(text: &str) -> Number {
    text.parse().expect("the generator writes numbers as JSON")
}

/// `minLength`
pub fn min_length(chars: usize) -> Rule {
    of_strings(move |text| {
        check_length(text, chars, usize::MAX).map_err(|short| Broken::from(short).advising(|| Advice::Longer(chars)))
    })
}

/// `maxLength`
pub fn max_length(chars: usize) -> Rule {
    of_strings(move |text| {
        check_length(text, 0, chars).map_err(|long| Broken::from(long).advising(|| Advice::Shorter(chars)))
    })
}

/// `format`. One that this crate does not know, or not with these features, no string has: no rule is passed over.
pub fn format(name: &'static str) -> Rule {
    let holds = formats::check(name);
    of_strings(move |text| match holds {
        Some(holds) if holds(text) => Ok(()),
        Some(_) => {
            let broken = Broken::new(format!("breaks the rule `format` of the schema: it is no `{name}`"));
            Err(broken.advising(|| Advice::Format(name)))
        }
        None => Err(Broken::new(format!("is to be of the format `{name}`, for which there is no rule here"))),
    })
}

/// `pattern`, as a string type.
pub fn matches<P: Key + Sampled>() -> Rule {
    of_strings(|text| {
        P::check_name(text).map_err(|broken| Broken::from(broken).advising(|| Advice::Be(sampler::<P>())))
    })
}
