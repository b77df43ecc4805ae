//! Whatever the files hold: an error perhaps, never a panic, and never output beside an error.

use crate::contracts::{Contracts, PERSON_ID, event_type, pretty, registry};
use eventwright_codegen::{Config, Error, configure};
use proptest::prelude::*;
use serde_json::{Value, json};

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
        json!("http://json-schema.org/draft-07/schema#"),
        json!("http://json-schema.org/draft-04/schema#"),
        json!("https://json-schema.org/draft/2020-12/schema"),
        json!("#anchor"),
        json!("anchor"),
        json!("date-time"),
        json!(["id", "list"]),
        json!([{ "type": "string" }, { "$ref": "#/$defs/D" }]),
        json!([{ "$ref": "#" }, { "$ref": "#" }]),
        json!([true, false]),
        json!([{ "required": ["k"], "type": "object", "properties": { "k": { "const": "a" } } },
               { "required": ["k"], "type": "object", "properties": { "k": { "const": "b" } } }]),
        json!({ "id": ["list"], "list": { "required": ["both"] } }),
        json!({ "^x": { "$ref": "#" }, "(?=y)": false }),
        json!({ "not": { "$ref": "#" } }),
        json!({ "if": { "$ref": "#" }, "then": { "anyOf": [{ "$ref": "#" }, { "not": {} }] }, "else": false }),
        json!({ "contains": { "type": "null" }, "minContains": 2, "maxContains": 0 }),
        json!({ "prefixItems": [{ "$ref": "#" }], "items": false, "minItems": 1, "unevaluatedItems": false }),
        json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/D" }], "unevaluatedProperties": false }),
        json!({ "$id": "other.json", "$schema": "http://json-schema.org/draft-07/schema#", "items": [{ "$ref": "#" }] }),
        json!({ "$anchor": "anchor", "$dynamicAnchor": "anchor", "$dynamicRef": "#anchor" }),
        json!({ "const": { "a": [1.0, null] }, "type": ["object", "null", "integer"] }),
        json!({ "enum": [] }),
        json!({ "multipleOf": 1e-300, "minimum": 1e300 }),
    ])
}

#[rustfmt::skip]
const KEYS: [&str; 62] = [
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary", "additionalItems",
    "additionalProperties", "allOf", "anyOf", "const", "contains", "contentSchema", "default", "definitions", "dependencies",
    "dependentRequired", "dependentSchemas", "deprecated", "description", "else", "enum", "examples", "exclusiveMaximum",
    "exclusiveMinimum", "format", "id", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum",
    "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern",
    "patternProperties", "prefixItems", "properties", "propertyNames", "readOnly", "required", "then", "title", "type",
    "unevaluatedItems", "unevaluatedProperties", "uniqueItems", "x-rust-name", "x-sensitive", "",
    // a property's name, where keys are names
    "build",
];

fn payload() -> Value {
    json!({
        "$id": "https://contracts.example/things/schema/payloads/thing.happened-v1.json",
        "title": "A thing happened",
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "list"],
        "properties": {
            "id": { "type": "string", "pattern": PERSON_ID, "description": "Who." },
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
    run_with(contracts, contracts.config());
}

/// The payload schema alone, as a folder has it that no registry is beside.
fn run_schema(payload_text: &[u8]) {
    let contracts = Contracts::empty();
    contracts.bytes("schemas/thing.happened-v1.json", payload_text);
    let config = || configure().schemas(contracts.folder().join("schemas")).out_dir(contracts.out_dir());
    run_with(&contracts, config());
    match config().keep_going().write() {
        Ok(report) => assert!(report.refused.iter().all(|refusal| !refusal.to_string().is_empty())),
        Err(error) => assert!(!matches!(error, Error::Unparsable { .. }), "{error}"),
    }
}

fn run_with(contracts: &Contracts, config: Config) {
    match config.write() {
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
        run_schema(&text);
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
        run_schema(pretty(&payload).as_bytes());
    }

    #[test]
    fn much_mutated_schema(
        turns in prop::collection::vec(
            (prop::collection::vec(0_usize..8, 0..5), fragment(), prop::sample::select(KEYS.to_vec())),
            0..12,
        ),
    ) {
        let mut payload = payload();
        for (steps, fragment, key) in &turns {
            mutate(&mut payload, steps, fragment, key);
        }
        run_schema(pretty(&payload).as_bytes());
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
