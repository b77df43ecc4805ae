//! Rules that a value is held against once its own type has read it: what [`derive(Checked)`](macro@crate::Checked) is made of.
//!
//! Rules are made of rules: a schema within a schema is one, and so is a type (`is`), which a value satisfies where the type reads it
//! strictly. As in JSON Schema (Validation section 6), a rule of strings says nothing about numbers, and so on.
//!
//! Tolerant reading lets through what a later revision may add: members that nothing names, of a closed object, and other words than
//! those that are listed. No rule is lenient within one that says what another is about (`not`, `if`, `oneOf`, `contains`): there, to
//! let more through is to let less through.

mod advice;
mod arrays;
mod is;
mod objects;
mod unevaluated;
mod values;
mod whole;

use std::collections::BTreeMap;
use std::fmt;
use std::ptr;
use std::sync::LazyLock;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::value::RawValue;

pub(crate) use self::advice::Advice;
#[cfg(feature = "proptest")]
pub(crate) use self::advice::{Advised, AllAdvised};
pub use self::arrays::{contains, max_items, min_items, prefix_items, unique};
pub use self::is::{Keyed, is, keyed};
pub use self::objects::{
    dependent_required, dependent_schemas, max_properties, members, min_properties, properties, property_names,
    required,
};
pub use self::unevaluated::{Seen, seen, unevaluated_items, unevaluated_properties};
pub use self::values::{
    exclusive_maximum, exclusive_minimum, format, matches, max_length, maximum, min_length, minimum, multiple_of,
    types, values, whole,
};
pub use self::whole::{all_of, always, any_of, never, not, one_of, tagged, when};
pub use super::reader::Broken;
use super::reader::Judge;
use super::value::parse;
use super::{Invalid, Json, Number, Read, Reader, Vetted, Write};

/// Something that a value has to keep besides being of its type.
pub struct Rule {
    check: Box<Check>,
    is_never: bool,
}

type Check = dyn Fn(&Json, &Reader) -> Result<(), Broken> + Send + Sync;

impl Rule {
    fn new(check: impl Fn(&Json, &Reader) -> Result<(), Broken> + Send + Sync + 'static) -> Self {
        Self { check: Box::new(check), is_never: false }
    }

    /// Holds a value against the rule. The error says nothing of the value but the path to what is wrong.
    fn check(&self, value: &Json, reader: &Reader) -> Result<(), Broken> {
        (self.check)(value, reader)
    }

    /// Whether a value keeps the rule, for rules that say what another is about: these are never lenient.
    fn holds(&self, value: &Json, reader: &Reader) -> bool {
        reader.strictly(|reader| reader.singly(|reader| self.check(value, reader))).is_ok()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").finish_non_exhaustive()
    }
}

/// A type with rules that its fields do not say. Generated code implements it, for [`derive(Checked)`](macro@crate::Checked).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules",
    note = "`#[checked(rules)]` asks for an `impl Ruled`, which says them"
)]
pub trait Ruled {
    /// The rules.
    fn rules() -> Vec<Rule>;
}

/// The rules of a type, made when the first value is checked.
pub struct Rules(LazyLock<Vec<Rule>>);

impl Rules {
    /// The rules of a type.
    #[must_use]
    pub const fn of<T: Ruled>() -> Self {
        Self(LazyLock::new(T::rules))
    }

    pub(super) fn check(&self, value: &Json, reader: &Reader) -> Result<(), Broken> {
        keep_all(reader, self.0.iter().map(|rule| rule.check(value, reader)))
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}

/// Holds a value against rules.
///
/// # Errors
/// Where it can't be written as JSON, or breaks one.
pub fn check<T: Read + Write>(rules: &Rules, value: T) -> Result<Vetted<T>, Invalid> {
    Vetted::strictly(value, |value, reader| rules.check(value, reader))
}

/// Writes a value that keeps rules.
///
/// # Errors
/// Where only tolerant reading lets it in.
pub fn write<T: Read + Write, S: Serializer>(rules: &Rules, value: &Vetted<T>, to: S) -> Result<S::Ok, S::Error> {
    value.write(to, |value, reader| rules.check(value, reader))
}

/// Reads a value that keeps rules.
///
/// # Errors
/// Where `T` refuses the JSON, or a rule does.
pub fn read<'de, T: Read, D: Deserializer<'de>>(
    rules: &'static Rules,
    json: D,
    reader: &Reader,
) -> Result<Vetted<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(json).map_err(|error| reader.expected_whole("a JSON value", error))?;
    reader.check_levels(raw.get()).map_err(|broken| reader.refuse_part(broken))?;
    let inner = reader.read_text(raw.get(), |json, reader| T::read(json, reader)).map_err(D::Error::custom)?;
    let verdict = reader.verdict(Judge::Rules(ptr::from_ref(rules).addr()), raw.get(), || {
        let kept = parse(&raw).and_then(|value| rules.check(&value, reader));
        kept.map_err(|broken| broken.in_a::<T>().in_order_of(raw.get()))?;
        Ok((0, reader.reading()))
    });
    verdict.map(|_| Vetted::new(inner, reader.reading())).map_err(|found| reader.refuse_found(found))
}

/// A rule of numbers.
fn of_numbers(check: impl Fn(&Number) -> Result<(), Broken> + Send + Sync + 'static) -> Rule {
    Rule::new(move |value, _| value.as_number().map_or(Ok(()), &check))
}

/// A rule of strings.
fn of_strings(check: impl Fn(&str) -> Result<(), Broken> + Send + Sync + 'static) -> Rule {
    Rule::new(move |value, _| value.as_str().map_or(Ok(()), &check))
}

/// A rule of arrays.
fn of_arrays(check: impl Fn(&[Json], &Reader) -> Result<(), Broken> + Send + Sync + 'static) -> Rule {
    Rule::new(move |value, reader| value.as_array().map_or(Ok(()), |items| check(items, reader)))
}

/// A rule of objects.
fn of_objects(check: impl Fn(&BTreeMap<String, Json>, &Reader) -> Result<(), Broken> + Send + Sync + 'static) -> Rule {
    Rule::new(move |value, reader| value.as_object().map_or(Ok(()), |members| check(members, reader)))
}

/// Whether all of several things are as they have to be. What comes after the first that is not, nobody does unless all errors are wanted.
fn keep_all(reader: &Reader, outcomes: impl Iterator<Item = Result<(), Broken>>) -> Result<(), Broken> {
    let mut all: Option<Broken> = None;
    for broken in outcomes.filter_map(Result::err) {
        if !reader.wants_all() {
            return Err(broken);
        }
        let broken = match all.take() {
            Some(others) => others.and(broken),
            None => broken,
        };
        if broken.is_full() {
            return Err(broken);
        }
        all = Some(broken);
    }
    all.map_or(Ok(()), Err)
}

/// Names a rule of the schema that is broken.
#[cold]
fn breaks(keyword: &str) -> Broken {
    Broken::new(format!("breaks the rule `{keyword}` of the schema"))
}
