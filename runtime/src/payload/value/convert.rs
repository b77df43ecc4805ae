//! From Rust's values to [`Json`].

use std::collections::BTreeMap;

use serde_json::Value;

use super::Json;
use crate::payload::{Integer, Number};

/// Numbers as the value shows them: a float by its shortest decimal.
///
/// Under serde_json's feature `arbitrary_precision`, a number can have an exponent beyond 64 bits, which is the limit of
/// [`Number`]; it is taken at that limit.
impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bool) => Self::Bool(bool),
            Value::Number(number) => Self::Number(number_of(&number)),
            Value::String(string) => Self::String(string),
            Value::Array(items) => items.into_iter().map(Self::from).collect(),
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

fn number_of(number: &serde_json::Number) -> Number {
    let text = number.to_string();
    text.parse().unwrap_or_else(|_| {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, ""));
        let limit = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
        format!("{mantissa}e{limit}").parse().unwrap_or_default()
    })
}

impl From<bool> for Json {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<i32> for Json {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Number> for Json {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Integer> for Json {
    fn from(integer: Integer) -> Self {
        Self::Number(integer.into())
    }
}

impl From<&str> for Json {
    fn from(string: &str) -> Self {
        Self::String(string.to_owned())
    }
}

impl From<String> for Json {
    fn from(string: String) -> Self {
        Self::String(string)
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Self::Array(items)
    }
}

impl From<BTreeMap<String, Json>> for Json {
    fn from(members: BTreeMap<String, Json>) -> Self {
        Self::Object(members)
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}
