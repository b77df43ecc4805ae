//! From the errors of the crate `jsonschema` to ours.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};

use super::node::{Exact, Run};
use crate::payload::reader::{Broken, Segment};
use crate::payload::{Json, MOST_VIOLATIONS};

/// How far to look for a reason: enough for all but values that were made to have too many.
const MOST_LOOKS: u32 = 250_000;

/// Says what is wrong with a value that the schema refuses.
#[cold]
pub(super) fn broken(validator: &Validator<Exact>, value: &Json) -> Broken {
    let run = Run::limited(value, MOST_LOOKS);
    match validator.validate(run.root()) {
        Err(error) if !run.is_tired() => broken_at(value, &error),
        _ => Broken::new("breaks the rules of the schema"),
    }
}

/// Says all that is wrong with a value that the schema refuses, beginning with the same.
#[cold]
pub(super) fn all_broken(validator: &Validator<Exact>, value: &Json) -> Broken {
    let run = Run::limited(value, MOST_LOOKS);
    // what is found by somebody tired need not be wrong
    let errors = validator.iter_errors(run.root()).take_while(|_| !run.is_tired()).take(MOST_VIOLATIONS);
    let first = broken(validator, value);
    let others: Vec<_> = errors.map(|error| broken_at(value, &error)).filter(|other| *other != first).collect();
    others.into_iter().fold(first, Broken::and)
}

fn broken_at(value: &Json, error: &ValidationError<'_>) -> Broken {
    place(value, error.instance_path().as_str()).into_iter().fold(Broken::new(rule(error)), Broken::within)
}

/// The rule that is broken. Nothing in it comes from the value, which may be personal data.
fn rule(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Required { property } => {
            format!("required property `{}` is missing", property.as_str().unwrap_or_default())
        }
        Kind::FalseSchema => "is not allowed by the schema".to_owned(),
        Kind::Format { format } => format!("breaks the rule `format` of the schema: it is no `{format}`"),
        Kind::BacktrackLimitExceeded { .. } => {
            "breaks the rule `pattern` of the schema: it takes too many steps to match".to_owned()
        }
        kind => format!("breaks the rule `{}` of the schema", kind.keyword()),
    }
}

/// The way to a place in a value, from the inside out.
fn place(value: &Json, pointer: &str) -> Vec<Segment> {
    let mut at = Some(value);
    let mut path = Vec::new();
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        match (at, name.parse()) {
            (Some(Json::Array(items)), Ok(index)) => {
                at = items.get(index);
                path.push(Segment::Item(index));
            }
            _ => {
                at = at.and_then(|value| value.get(&name));
                path.push(Segment::Named(name));
            }
        }
    }
    path.reverse();
    path
}
