//! Keywords about numbers, judged exactly.
//!
//! The crate `jsonschema` keeps a schema's numbers as serde_json's, which are integers of 64 bits and floats. A number that is
//! neither stands in its documents as an object of our own, and the keywords that know it are ours.

use std::cmp::Ordering;
use std::collections::HashSet;

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::node::{Exact, Node};
use crate::payload::{Json, Number};

type Options<'i> = jsonschema::ValidationOptions<'i, std::sync::Arc<dyn jsonschema::Retrieve>, Exact>;
type Compiled<'a> = Result<Box<dyn for<'i> Keyword<'i, Exact>>, ValidationError<'a>>;

/// The one member of the object that stands for a number. No schema has it by chance.
const NUMBER: &str = "\0number";

/// The form in which a document's values are given to `jsonschema`.
pub(super) fn to_schema(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => number_to_schema(number),
        Json::String(string) => Value::String(string.clone()),
        Json::Array(items) => items.iter().map(to_schema).collect(),
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), to_schema(value))).collect(),
    }
}

fn number_to_schema(number: &Number) -> Value {
    if let Some(integer) = number.as_i64() {
        return integer.into();
    }
    if let Some(integer) = number.as_u64() {
        return integer.into();
    }
    let float = number.as_f64();
    if Number::try_from(float).as_ref() == Ok(number) {
        return float.into();
    }
    Map::from_iter([(NUMBER.to_owned(), Value::String(number.to_string()))]).into()
}

/// What a value in the form of [`to_schema`] stands for.
pub(super) fn from_schema(value: &Value) -> Json {
    match value {
        Value::Array(items) => items.iter().map(from_schema).collect(),
        Value::Object(members) => match number_in(members) {
            Some(number) => Json::Number(number),
            None => Json::Object(members.iter().map(|(name, value)| (name.clone(), from_schema(value))).collect()),
        },
        scalar => scalar.clone().into(),
    }
}

fn number_in(members: &Map<String, Value>) -> Option<Number> {
    members.get(NUMBER)?.as_str()?.parse().ok()
}

fn number_of(value: &Value) -> Option<Number> {
    match from_schema(value) {
        Json::Number(number) => Some(number),
        _ => None,
    }
}

/// Puts our keywords in the place of those of the same name.
pub(super) fn with_ours(options: Options<'_>) -> Options<'_> {
    options
        .with_keyword("multipleOf", |_, value, _| multiple_of(value))
        .with_keyword("enum", |_, value, _| one_of(value))
        .with_keyword("minimum", |parent, value, _| {
            bound(value, if is_exclusive(parent, "exclusiveMinimum") { Ordering::is_gt } else { Ordering::is_ge })
        })
        .with_keyword("maximum", |parent, value, _| {
            bound(value, if is_exclusive(parent, "exclusiveMaximum") { Ordering::is_lt } else { Ordering::is_le })
        })
        .with_keyword("exclusiveMinimum", |_, value, _: Location| exclusive_bound(value, Ordering::is_gt))
        .with_keyword("exclusiveMaximum", |_, value, _: Location| exclusive_bound(value, Ordering::is_lt))
}

/// In draft 4, a boolean beside a bound makes it exclusive (Validation section 5.1.2).
fn is_exclusive(parent: &Map<String, Value>, name: &str) -> bool {
    parent.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn exclusive_bound<'a>(value: &Value, holds: fn(Ordering) -> bool) -> Compiled<'a> {
    if value.is_boolean() {
        return Ok(Box::new(Test(|_: &Json| true)));
    }
    bound(value, holds)
}

fn bound<'a>(value: &Value, holds: fn(Ordering) -> bool) -> Compiled<'a> {
    let Some(limit) = number_of(value) else {
        return Err(ValidationError::custom("expected a number"));
    };
    Ok(Box::new(Test(move |value: &Json| value.as_number().is_none_or(|number| holds(number.cmp(&limit))))))
}

fn multiple_of<'a>(value: &Value) -> Compiled<'a> {
    let Some(divisor) = number_of(value).filter(|divisor| *divisor > 0) else {
        return Err(ValidationError::custom("expected a number above zero"));
    };
    Ok(Box::new(Test(move |value: &Json| value.as_number().is_none_or(|number| number.is_multiple_of(&divisor)))))
}

fn one_of<'a>(value: &Value) -> Compiled<'a> {
    let Json::Array(allowed) = from_schema(value) else {
        return Err(ValidationError::custom("expected an array"));
    };
    let allowed: HashSet<Json> = allowed.into_iter().collect();
    Ok(Box::new(Test(move |value: &Json| allowed.contains(value))))
}

/// A keyword that says yes or no to a value.
struct Test<F>(F);

impl<'i, F: Fn(&Json) -> bool + Send + Sync> Keyword<'i, Exact> for Test<F> {
    fn validate(&self, instance: Node<'i>) -> Result<(), ValidationError<'i>> {
        // the message is not shown, only the keyword is
        if (self.0)(instance.value) { Ok(()) } else { Err(ValidationError::custom("")) }
    }

    fn is_valid(&self, instance: Node<'i>) -> bool {
        (self.0)(instance.value)
    }
}
