//! Whatever the files hold: an error perhaps, never a panic, and never output beside an error.

mod support;

use eventwright_codegen::Error;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Contracts, event_type, pretty, registry};

/// Tokens of schemas, right and wrong, to put where they may not belong.
fn fragment() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("string"),
        json!("#"),
        json!("#/$defs/D"),
        json!("#/properties/list/items"),
        json!("../../../outside.json"),
        json!("^per_"),
        json!("^[a-z]{1,99999999999}$"),
        json!("r#type"),
        json!([]),
        json!([null]),
        json!(["string", "null"]),
        json!(["a", "A", "a b", "\u{0}", "\u{202e}", "🦀"]),
        json!({}),
        json!({ "$ref": "#" }),
        json!({ "$ref": "#/$defs/D" }),
        json!({ "allOf": [{ "$ref": "#/properties/object" }, { "$ref": "#/$defs/D" }] }),
        json!({ "type": "object", "additionalProperties": { "$ref": "#" } }),
        json!({ "type": "string", "enum": ["x", null], "x-rust-name": "Self" }),
        json!({ "type": "integer", "exclusiveMinimum": i64::MAX }),
    ])
}

const KEYS: [&str; 22] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "allOf",
    "$ref",
    "$defs",
    "$id",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "uniqueItems",
    "title",
    "description",
    "x-rust-name",
    "x-sensitive",
    "",
];

fn payload() -> Value {
    json!({
        "$id": "https://contracts.example/things/schema/payloads/thing.happened-v1.json",
        "title": "A thing happened",
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "list"],
        "properties": {
            "id": { "type": "string", "pattern": support::PERSON_ID, "description": "Who." },
            "list": { "type": "array", "minItems": 1, "items": { "type": "string", "enum": ["a", "b"] } },
            "object": { "type": "object", "properties": { "n": { "type": "integer", "minimum": 1, "maximum": 4 } } },
            "both": { "allOf": [{ "$ref": "#/$defs/D" }, { "required": ["t"] }] },
            "map": { "type": "object", "additionalProperties": { "type": ["number", "null"] } }
        },
        "$defs": { "D": { "type": "object", "properties": { "t": { "type": "string", "maxLength": 3 } } } }
    })
}

fn contracts_of(registry_text: &[u8], payload_text: &[u8]) -> Contracts {
    let contracts = Contracts::empty();
    contracts.bytes("event-types-registry.json", registry_text);
    contracts.bytes("things/schema/payloads/thing.happened-v1.json", payload_text);
    contracts
}

fn good_registry() -> Value {
    let mut event = event_type("thing.happened");
    event["subject"] = json!("/id");
    registry(vec![event])
}

/// Replaces, adds or removes something at the `steps`-th turn of a walk through the value.
fn mutate(value: &mut Value, steps: &[usize], fragment: &Value, key: &str) {
    let Some((step, rest)) = steps.split_first() else {
        match value {
            Value::Object(members) if !key.is_empty() => {
                members.insert(key.to_owned(), fragment.clone());
            }
            other => *other = fragment.clone(),
        }
        return;
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let index = step % members.len();
            if let Some(inner) = members.values_mut().nth(index) {
                mutate(inner, rest, fragment, key);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = step % items.len();
            mutate(&mut items[index], rest, fragment, key);
        }
        other => *other = fragment.clone(),
    }
}

/// Generates; an error must leave nothing behind and must render.
fn run(contracts: &Contracts) {
    match contracts.config().write() {
        Ok(report) => assert!(!report.written.is_empty()),
        Err(error) => {
            assert!(!contracts.out_dir().exists());
            assert!(!error.to_string().is_empty());
            assert!(!matches!(error, Error::Unparsable { .. }), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(registry in prop::collection::vec(any::<u8>(), 0..200), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        run(&contracts_of(&registry, pretty(&json!({})).as_bytes()));
        run(&contracts_of(pretty(&good_registry()).as_bytes(), &payload));
    }

    #[test]
    fn json_of_another_kind(text in "[\\[\\]{}\",:0-9a-f.eE+\\- \\\\nulltrse]{0,60}") {
        run(&contracts_of(pretty(&good_registry()).as_bytes(), text.as_bytes()));
    }

    #[test]
    fn damaged_text(position in 0_usize..2000, byte in any::<u8>()) {
        let mut text = pretty(&payload()).into_bytes();
        let position = position % text.len();
        text[position] = byte;
        run(&contracts_of(pretty(&good_registry()).as_bytes(), &text));
    }

    #[test]
    fn mutated_schema(
        steps in prop::collection::vec(0_usize..8, 0..5),
        more_steps in prop::collection::vec(0_usize..8, 0..5),
        fragments in (fragment(), fragment()),
        keys in (prop::sample::select(KEYS.to_vec()), prop::sample::select(KEYS.to_vec())),
    ) {
        let mut payload = payload();
        mutate(&mut payload, &steps, &fragments.0, keys.0);
        mutate(&mut payload, &more_steps, &fragments.1, keys.1);
        run(&contracts_of(pretty(&good_registry()).as_bytes(), pretty(&payload).as_bytes()));
    }

    #[test]
    fn mutated_registry(steps in prop::collection::vec(0_usize..8, 0..6), fragment in fragment(), key in prop::sample::select(KEYS.to_vec())) {
        let mut registry = good_registry();
        mutate(&mut registry, &steps, &fragment, key);
        run(&contracts_of(pretty(&registry).as_bytes(), pretty(&payload()).as_bytes()));
    }
}

#[test]
fn the_unmutated_contracts_are_right() {
    let contracts = contracts_of(pretty(&good_registry()).as_bytes(), pretty(&payload()).as_bytes());
    contracts.config().write().unwrap();
}
