//! Instances with something changed, next to where the schema draws its lines. The result may be valid.

use fastrand::Rng;
use serde_json::{Map, Number, Value, json};

use super::contracts::{Documents, Schema};
use super::texts;
use super::valid::{Place, Valid, valid};

/// A member that no contract has.
pub(crate) const UNHEARD_OF: &str = "unheard_of";

/// Changes something, somewhere.
pub(crate) fn mutate(documents: &Documents, instance: &mut Valid<'_>, rng: &mut Rng) {
    let Some(Place { pointer, schema }) = choose(instance, rng) else { return };
    // a change before this one may have taken the place away
    let Some(value) = instance.json.pointer_mut(&pointer) else { return };
    *value = match value {
        _ if rng.u8(0..6) == 0 => anything(rng),
        Value::Object(members) => object(std::mem::take(members), rng),
        Value::Array(items) => array(documents, schema, std::mem::take(items), rng),
        Value::Number(number) => integer(schema, number, rng),
        Value::String(text) => texts::near(schema, text, rng).into(),
        Value::Null => texts::nasty(rng).into(),
        Value::Bool(_) => anything(rng),
    };
}

/// Any place, though objects, which are few and have most rules, more often.
fn choose<'d>(instance: &Valid<'d>, rng: &mut Rng) -> Option<Place<'d>> {
    let only_objects = rng.u8(0..3) == 0;
    let is_choice =
        |place: &&Place<'d>| !only_objects || instance.json.pointer(&place.pointer).is_some_and(Value::is_object);
    rng.choice(instance.places.iter().filter(is_choice).collect::<Vec<_>>()).cloned()
}

pub(crate) fn anything(rng: &mut Rng) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!(3),
        json!(1.5),
        json!("x"),
        json!("3"),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({"of": [1, null, {"a": 2.5}]}),
    ];
    rng.choice(values).unwrap_or_default()
}

fn object(mut members: Map<String, Value>, rng: &mut Rng) -> Value {
    let name = rng.choice(members.keys()).cloned();
    match (rng.u8(0..6), name) {
        (0..=2, Some(name)) => drop(members.remove(&name)),
        (3, Some(name)) => {
            let value = members.remove(&name).unwrap_or_default();
            members.insert(name.to_uppercase(), value);
        }
        _ => drop(members.insert(UNHEARD_OF.to_owned(), anything(rng))),
    }
    members.into()
}

fn array(documents: &Documents, schema: Schema<'_>, mut items: Vec<Value>, rng: &mut Rng) -> Value {
    // a change before this one may have put the array where none belongs
    let Some(item) = schema.get("items") else { return anything(rng) };
    if let Some(again) = rng.choice(&items).filter(|_| rng.u8(0..3) == 0).cloned() {
        items.insert(rng.usize(..=items.len()), again);
        return items.into();
    }
    let (min, max) = (schema.count("minItems").unwrap_or(0), schema.count("maxItems").unwrap_or(items.len() + 3));
    let length = rng.choice([0, min.saturating_sub(1), min, max, max + 1]).unwrap_or_default();
    items.truncate(length);
    while items.len() < length {
        items.push(valid(documents, schema.at(item), rng).json);
    }
    items.into()
}

fn integer(schema: Schema<'_>, number: &Number, rng: &mut Rng) -> Value {
    let min = schema.number("minimum").unwrap_or(i64::MIN);
    let max = schema.number("maximum").unwrap_or(i64::MAX);
    let number = number.as_i64().unwrap_or(7);
    // integers beyond 64 bits are refused by design: `eventwright::Int` says so, and RFC 8259 section 6 allows it
    let whole = [0, -1, 1, min, max, min.saturating_sub(1), max.saturating_add(1), number.saturating_neg()];
    match rng.u8(0..8) {
        0 => json!(1e2),
        1 => json!(1.5),
        2 => json!(-0.0),
        3 => json!(number as i32 as f64),
        4 => json!(number as i32 as f64 + 0.5),
        5 => json!(number.to_string()),
        _ => json!(rng.choice(whole)),
    }
}
