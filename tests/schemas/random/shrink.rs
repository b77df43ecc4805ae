//! A smaller instance that shows the same.

use serde_json::Value;

/// Rounds of shrinking: each takes away one thing, or makes it simpler.
const ROUNDS: usize = 40;

/// Makes a value smaller as long as `shows` finds one of some smaller ones that still shows what this one does; it answers with its index.
pub(crate) fn shrink(mut value: Value, mut shows: impl FnMut(&[Value]) -> Option<usize>) -> Value {
    for _ in 0..ROUNDS {
        let mut smaller = smaller(&value);
        match shows(&smaller) {
            Some(index) => value = smaller.swap_remove(index),
            None => break,
        }
    }
    value
}

/// Values with one thing less, the largest things first.
fn smaller(value: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    match value {
        Value::Object(members) => {
            for name in members.keys() {
                let mut fewer = members.clone();
                fewer.remove(name);
                values.push(fewer.into());
            }
            for (name, member) in members {
                values.extend(smaller(member).into_iter().map(|smaller| {
                    let mut members = members.clone();
                    members[name] = smaller;
                    members.into()
                }));
            }
        }
        Value::Array(items) => {
            for index in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(index);
                values.push(fewer.into());
            }
            for (index, item) in items.iter().enumerate() {
                values.extend(smaller(item).into_iter().map(|smaller| {
                    let mut items = items.clone();
                    items[index] = smaller;
                    items.into()
                }));
            }
        }
        Value::String(text) if !text.is_empty() => {
            values.push("".into());
            values.push(text.chars().skip(1).collect::<String>().into());
        }
        Value::Number(number) if number.as_i64() != Some(0) => {
            values.push(0.into());
            values
                .extend(number.as_f64().map(|float| Value::from(float.trunc() as i64)).filter(|whole| whole != value));
        }
        _ => {}
    }
    values
}
