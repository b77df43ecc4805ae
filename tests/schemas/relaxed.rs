//! Tolerant reading of what no type and no rule says, and the `jsonschema` crate judges: each document has a relaxed copy for it.

use std::error::Error;

use crate::foundry::{Answer, Foundry, Question};
use crate::generator::{Dialect, Formats, Order, generate};
use serde_json::{Value, json};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A schema, and instances with the reading that takes them.
struct Case {
    name: &'static str,
    schema: Value,
    strict: Vec<Value>,
    tolerant: Vec<Value>,
    never: Vec<Value>,
}

/// A pattern that no type reads, which leaves the schema that has a property of it to the crate.
fn hard() -> Value {
    json!({ "(?<!b)a$": { "type": "integer" } })
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "anchors",
            schema: json!({
                "$id": "https://example.org/anchors-v1.json",
                "$defs": {
                    "closed": {
                        "$anchor": "closed",
                        "properties": { "again": { "$ref": "#closed" } },
                        "additionalProperties": false,
                    },
                    "tree": {
                        "$dynamicAnchor": "tree",
                        "type": "object",
                        "properties": { "leaf": { "$dynamicRef": "#tree" } },
                        "unevaluatedProperties": false,
                    },
                    "apart": { "$id": "apart.json", "$defs": { "word": { "enum": ["one", "two", null] } } },
                },
                "type": "object",
                "properties": {
                    "closed": { "$ref": "#closed" },
                    "word": { "$ref": "apart.json#/$defs/word" },
                    "tree": { "$dynamicRef": "#tree" },
                },
                "patternProperties": hard(),
                "not": { "properties": { "closed": { "$ref": "#closed" } }, "required": ["closed", "word"] },
            }),
            strict: vec![json!({ "a": 1, "closed": { "again": {} } }), json!({ "word": null, "tree": { "leaf": {} } })],
            tolerant: vec![
                json!({ "closed": { "again": { "new": 1 } } }),
                json!({ "word": "three" }),
                json!({ "tree": { "leaf": { "new": 1 } } }),
                // beneath `not`, the closed object stays closed
                json!({ "closed": { "new": 1 }, "word": "three" }),
            ],
            never: vec![
                json!({ "a": "" }),
                json!({ "closed": { "again": { "new": 1 } }, "a": "" }),
                json!({ "word": 3 }),
                json!({ "tree": { "leaf": 1 } }),
                json!({ "closed": {}, "word": "one" }),
                json!({ "closed": {}, "word": "three" }),
            ],
        },
        Case {
            name: "branches",
            schema: json!({
                "$defs": {
                    "card": {
                        "type": "object",
                        "properties": { "kind": { "const": "card" }, "digits": { "enum": ["4", "16"] } },
                        "required": ["kind"],
                        "additionalProperties": false,
                    },
                },
                "patternProperties": hard(),
                "properties": {
                    "paid": {
                        "oneOf": [
                            { "type": "null" },
                            { "$ref": "#/$defs/card" },
                            {
                                "type": "object",
                                "properties": { "kind": { "const": "cash" } },
                                "required": ["kind"],
                                "additionalProperties": false,
                            },
                        ],
                    },
                    "either": {
                        "oneOf": [
                            { "properties": { "x": true }, "additionalProperties": false },
                            { "properties": { "y": true }, "additionalProperties": false, "required": ["y"] },
                        ],
                    },
                },
            }),
            strict: vec![json!({ "paid": null }), json!({ "paid": { "kind": "card", "digits": "4" } })],
            tolerant: vec![
                json!({ "paid": { "kind": "card", "digits": "8" } }),
                json!({ "paid": { "kind": "cash", "new": 1 }, "a": 1 }),
            ],
            never: vec![
                json!({ "paid": { "kind": "coins" } }),
                json!({ "paid": { "kind": "cash", "new": 1 }, "a": "" }),
                // no property tells these apart
                json!({ "either": { "x": 1, "new": 1 } }),
            ],
        },
        Case {
            name: "draft-7",
            schema: json!({
                "$schema": "http://json-schema.org/draft-07/schema#",
                "$id": "https://example.org/draft-7-v1.json",
                "definitions": {
                    "card": {
                        "$id": "#card",
                        "type": "object",
                        "properties": { "kind": { "const": "card" } },
                        "required": ["kind"],
                        "additionalProperties": false,
                    },
                    "cash": { "type": "object", "properties": { "kind": { "const": "cash" } }, "required": ["kind"] },
                },
                "patternProperties": hard(),
                "properties": {
                    "paid": { "oneOf": [{ "$ref": "#card" }, { "$ref": "#/definitions/cash" }] },
                    "pair": { "items": [{ "const": "first" }], "additionalItems": { "enum": ["second"] } },
                },
                "dependencies": { "pair": { "properties": { "mark": { "enum": ["x"] } } }, "mark": ["pair"] },
            }),
            strict: vec![json!({ "paid": { "kind": "card" }, "pair": ["first", "second"], "mark": "x" })],
            tolerant: vec![
                json!({ "paid": { "kind": "card", "new": 1 } }),
                json!({ "pair": ["1st", "2nd"], "mark": "y", "a": 1 }),
            ],
            never: vec![
                json!({ "paid": { "kind": "coins" } }),
                json!({ "pair": ["first", 2] }),
                json!({ "mark": "x" }),
                json!({ "pair": [], "mark": 1 }),
            ],
        },
        Case {
            name: "draft-4",
            schema: json!({
                "$schema": "http://json-schema.org/draft-04/schema#",
                "id": "https://example.org/draft-4-v1.json",
                "definitions": { "closed": { "id": "closed.json", "additionalProperties": false } },
                "patternProperties": hard(),
                "properties": {
                    "closed": { "$ref": "closed.json" },
                    "few": { "maximum": 3, "exclusiveMaximum": true },
                    "word": { "enum": ["one"] },
                },
            }),
            strict: vec![json!({ "closed": {}, "few": 2, "word": "one" })],
            tolerant: vec![json!({ "closed": { "new": 1 }, "few": 2 }), json!({ "word": "two", "a": 1 })],
            never: vec![json!({ "closed": { "new": 1 }, "few": 3 }), json!({ "word": 1 })],
        },
        Case {
            name: "mixed",
            schema: json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$defs": {
                    "old": {
                        "$id": "https://example.org/old.json",
                        "$schema": "http://json-schema.org/draft-07/schema#",
                        "properties": { "pair": { "items": [{ "enum": ["first"] }, { "type": "integer" }] } },
                        "additionalProperties": false,
                    },
                },
                "patternProperties": hard(),
                "properties": { "old": { "$ref": "https://example.org/old.json" } },
            }),
            strict: vec![json!({ "old": { "pair": ["first", 1, null] } })],
            tolerant: vec![json!({ "old": { "pair": ["1st", 1, null], "new": 1 } })],
            never: vec![json!({ "old": { "pair": ["first", "1"], "new": 1 } })],
        },
    ]
}

#[test]
fn what_is_judged_as_a_whole_is_read_tolerantly() {
    judge_cases().unwrap_or_else(|error| panic!("{error}"));
}

fn judge_cases() -> Result {
    let foundry = Foundry::new("relaxed")?;
    let cases = cases();
    for case in &cases {
        foundry.add(case.name, &case.schema.to_string())?;
    }
    let order = Order {
        name: "relaxed",
        schemas: &foundry.schemas(),
        remotes: None,
        dialect: Dialect::Draft202012,
        formats: Formats::Assert,
        without: &[],
    };
    let refused = generate(order, &foundry.generated())?;
    assert!(refused.is_empty(), "{refused:?}");
    let clerk = foundry.compile()?;
    for Case { name, strict, tolerant, never, .. } in &cases {
        for (instances, takes) in [(strict, [true, true]), (tolerant, [false, true]), (never, [false, false])] {
            let texts: Vec<String> = instances.iter().map(Value::to_string).collect();
            let questions: Vec<Question<'_>> = texts.iter().map(|json| Question { event: name, json }).collect();
            for (text, answer) in texts.iter().zip(clerk.ask(&questions)?) {
                let took = match &answer {
                    Answer::Read { strict, tolerant } => [strict.is_ok(), tolerant.is_ok()],
                    other => return Err(format!("{name}: {text}: {other:?}").into()),
                };
                assert_eq!(took, takes, "{name}: {text}: {answer:?}");
            }
        }
    }
    Ok(())
}
