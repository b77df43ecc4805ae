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
    let length = rng.choice(schema.bounds("minItems", "maxItems")).unwrap_or_default();
    refill(documents, schema.at(item), items, length, rng)
}

/// Makes an array as long as wanted, with items that differ as long as that is possible.
fn refill(documents: &Documents, item: Schema<'_>, mut items: Vec<Value>, length: usize, rng: &mut Rng) -> Value {
    items.truncate(length);
    for _ in 0..length * 10 {
        let new = valid(documents, item, rng).json;
        if items.len() < length && !items.contains(&new) {
            items.push(new);
        }
    }
    items.into()
}

fn integer(schema: Schema<'_>, number: &Number, rng: &mut Rng) -> Value {
    let number = number.as_i64().unwrap_or(7);
    match rng.u8(0..10) {
        0 => json!(1e2),
        1 => json!(1.5),
        2 => json!(-0.0),
        3 => json!(number as i32 as f64),
        4 => json!(number as i32 as f64 + 0.5),
        5 => json!(number.to_string()),
        6 => json!(rng.choice([0, -1, 1, number.saturating_neg()])),
        _ => json!(rng.choice(integers(schema))),
    }
}

/// The bounds and what is just beyond them. Integers beyond 64 bits are refused by design: `eventwright::Int` says so, and RFC 8259
/// section 6 allows it.
fn integers(schema: Schema<'_>) -> [i64; 4] {
    let min = schema.number("minimum").unwrap_or(i64::MIN);
    let max = schema.number("maximum").unwrap_or(i64::MAX);
    [min.saturating_sub(1), min, max, max.saturating_add(1)]
}

/// What may stand in a value's place, on either side of each line that the schema draws there.
pub(crate) fn edges(documents: &Documents, schema: Schema<'_>, value: &Value, rng: &mut Rng) -> Vec<Value> {
    let mut edges = match value {
        Value::Object(members) => without_each(members),
        Value::Array(items) => arrays(documents, schema, items, rng),
        Value::Number(_) => integers(schema).map(Value::from).to_vec(),
        Value::String(_) => texts::edges(schema, rng).into_iter().map(Value::from).collect(),
        _ => Vec::new(),
    };
    edges.push(Value::Null);
    edges
}

fn without_each(members: &Map<String, Value>) -> Vec<Value> {
    let without = |name: &String| {
        let mut members = members.clone();
        members.remove(name);
        members.into()
    };
    let mut objects: Vec<Value> = members.keys().map(without).collect();
    let mut more = members.clone();
    more.insert(UNHEARD_OF.to_owned(), json!(1));
    objects.push(more.into());
    objects
}

fn arrays(documents: &Documents, schema: Schema<'_>, items: &[Value], rng: &mut Rng) -> Vec<Value> {
    let item = schema.at(schema.get("items").expect("items"));
    let mut of_length = |length| refill(documents, item, items.to_vec(), length, rng);
    let mut arrays: Vec<Value> = schema.bounds("minItems", "maxItems").into_iter().map(&mut of_length).collect();
    if let Some(first) = items.first() {
        arrays.push(json!([first, first]));
    }
    arrays
}
