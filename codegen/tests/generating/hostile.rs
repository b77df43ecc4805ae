//! Schemas that somebody made to keep a generator busy: each is generated or refused. None of these tests looks at a clock, but where
//! the work grew with the square of a schema's size, nobody would wait for their end.

use std::fs;

use eventwright_codegen::{Config, configure};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn with(schema: &str) -> Folder {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("schemas")).unwrap();
        fs::write(folder.path().join("schemas/a-v1.json"), schema).unwrap();
        Folder(folder)
    }

    fn config(&self) -> Config {
        configure().schemas(self.0.path().join("schemas")).out_dir(self.0.path().join("out"))
    }
}

/// All but writing, whose formatting is the greater part of the time.
fn generates(schema: &Value) {
    if let Err(error) = Folder::with(&schema.to_string()).config().validate() {
        panic!("{}", error.to_string().chars().take(1_000).collect::<String>());
    }
}

/// What is said is of a size that a person reads, whatever the schema's.
fn refuses(schema: &str, why: &str) {
    let error = Folder::with(schema).config().validate().unwrap_err().to_string();
    let shown: String = error.chars().take(1_000).collect();
    assert!(error.contains(why), "{shown}");
    assert!(error.len() < 10_000, "{} bytes: {shown}", error.len());
}

fn numbered(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{prefix}{number}"))
}

fn members(prefix: &str, count: usize, value: &Value) -> Value {
    numbered(prefix, count).map(|name| (name, value.clone())).collect()
}

fn names(prefix: &str, count: usize) -> Value {
    numbered(prefix, count).map(Value::from).collect()
}

#[test]
fn many_properties_all_required() {
    generates(
        &json!({ "type": "object", "properties": members("p", 90_000, &json!({})), "required": names("p", 90_000) }),
    );
}

#[test]
fn many_words() {
    generates(&json!({ "enum": names("w", 300_000) }));
}

#[test]
fn many_words_in_both_parts() {
    let words = names("w", 60_000);
    generates(&json!({ "allOf": [{ "enum": words }, { "enum": words, "type": "string" }] }));
}

#[test]
fn many_parts() {
    for (keyword, count) in [("allOf", 60_000), ("anyOf", 200_000), ("oneOf", 200_000), ("prefixItems", 100_000)] {
        let parts: Value = numbered("p", count).map(|name| json!({ "properties": { name: {} } })).collect();
        refuses(&json!({ keyword: parts }).to_string(), "of more than 1000 schemas is not supported");
    }
}

#[test]
fn large_parts() {
    let parts: Value = numbered("p", 1_000)
        .map(|name| json!({ "properties": members(&format!("{name}_"), 100, &json!({})) }))
        .collect();
    generates(&json!({ "allOf": parts }));
    let same: Value =
        (0..1_000).map(|_| json!({ "properties": members("p", 20, &json!({ "minLength": 1 })) })).collect();
    generates(&json!({ "allOf": same }));
    let (properties, required) = (members("p", 30_000, &json!({})), names("p", 30_000));
    generates(
        &json!({ "allOf": [{ "properties": properties, "required": required }, { "properties": properties, "required": required }] }),
    );
}

#[test]
fn large_alternatives() {
    let properties =
        |prefix: &str| json!({ "type": "object", "properties": members(prefix, 20_000, &json!({ "type": "string" })) });
    generates(&json!({ "anyOf": [properties("p"), properties("q")] }));
    let required: Value = numbered("p", 1_000)
        .map(|name| json!({ "type": "object", "required": names(&format!("{name}_"), 50) }))
        .collect();
    generates(&json!({ "anyOf": required }));
}

#[test]
fn names_that_collide() {
    let colliding = |value: &Value| -> Value {
        (0..3_000).map(|dashes| (format!("a{}", "-".repeat(dashes)), value.clone())).collect()
    };
    generates(&json!({ "type": "object", "properties": colliding(&json!({ "type": "string" })) }));
    generates(
        &json!({ "type": "object", "properties": colliding(&json!({ "type": "object", "properties": { "x": {} } })) }),
    );
    let patterns: Value = numbered("^p", 10_000).map(|pattern| (pattern, json!({}))).collect();
    generates(&json!({ "patternProperties": patterns }));
}

#[test]
fn many_references() {
    let references: Value =
        (0..60_000).map(|number| (format!("p{number}"), json!({ "$ref": format!("#/$defs/d{number}") }))).collect();
    generates(&json!({ "properties": references, "$defs": members("d", 60_000, &json!({ "type": "string" })) }));
}

#[test]
fn chains_of_references() {
    let chain = |link: fn(Value) -> Value| -> Value {
        let links = (0..30_000)
            .map(|number| (format!("d{number}"), link(json!({ "$ref": format!("#/$defs/d{}", number + 1) }))));
        json!({ "$ref": "#/$defs/d0", "$defs": links.chain([("d30000".to_owned(), json!({}))]).collect::<Value>() })
    };
    refuses(&chain(|next| next).to_string(), "leads back to itself");
    generates(&chain(|next| json!({ "properties": { "next": next } })));
}

/// Of each of these it has to be known whether anything in reach is relaxed under tolerant reading.
#[test]
fn chains_of_what_is_judged_as_a_whole() {
    let link = |number: usize| json!({ "patternProperties": { "(a)\\1": { "$ref": format!("#/$defs/d{number}") } } });
    for last in [json!({}), json!({ "additionalProperties": false })] {
        let links = (1..=20_000).map(|number| (format!("d{}", number - 1), link(number)));
        let links: Value = links.chain([("d20000".to_owned(), last)]).collect();
        let properties = (0..20_000).step_by(10).rev().map(|number| (format!("p{number}"), link(number)));
        generates(&json!({ "$defs": links, "properties": properties.collect::<Value>() }));
    }
}

#[test]
fn references_that_double() {
    let doubling = |link: fn(Value) -> Value| -> Value {
        let links =
            (0..40).map(|number| (format!("d{number}"), link(json!({ "$ref": format!("#/$defs/d{}", number + 1) }))));
        json!({ "$ref": "#/$defs/d0", "$defs": links.chain([("d40".to_owned(), json!({ "type": "string" }))]).collect::<Value>() })
    };
    generates(&doubling(|next| json!({ "anyOf": [next, next] })));
    generates(&doubling(|next| json!({ "oneOf": [next, next] })));
    generates(&doubling(|next| json!({ "not": { "allOf": [next, next] } })));
    generates(&doubling(|next| json!({ "if": next, "then": next, "else": next, "unevaluatedProperties": false })));
    generates(&doubling(|next| json!({ "allOf": [{ "properties": { "a": next } }, { "properties": { "a": next } }] })));
    // what comes of it is for the test of what is said; that something does, is the matter here
    let _ = Folder::with(&doubling(|next| json!({ "allOf": [next, next] })).to_string()).config().validate();
}

#[test]
fn nesting() {
    refuses(&"[".repeat(5_000_000), "not JSON");
    refuses(&"{\"not\":".repeat(1_000_000), "not JSON");
    for (open, close) in
        [("{\"not\":", "}"), ("{\"items\":", "}"), ("{\"anyOf\":[", "]}"), ("{\"properties\":{\"a\":", "}}")]
    {
        let depth = if close.len() == 1 { 120 } else { 60 };
        generates(&serde_json::from_str(&format!("{}{{}}{}", open.repeat(depth), close.repeat(depth))).unwrap());
    }
}

#[test]
fn patterns() {
    for pattern in [
        format!("{}{}", "(".repeat(200_000), ")".repeat(200_000)),
        format!("{}a{}", "(?:".repeat(5_000), ")*".repeat(5_000)),
        "a".repeat(5_000_000),
        "(?=a)".repeat(500_000),
    ] {
        refuses(&json!({ "pattern": pattern }).to_string(), "this is not a regular expression");
    }
    generates(&json!({ "pattern": "^(a{1,1000}){1,1000}$" }));
}

#[test]
fn errors_without_number() {
    let types = json!({ "properties": members("p", 100_000, &json!({ "type": "strin" })) }).to_string();
    let keywords = members("nokey", 100_000, &json!(1)).to_string();
    let required =
        json!({ "type": "object", "additionalProperties": false, "required": names("q", 30_000) }).to_string();
    let references = (0..20_000).map(|number| (format!("p{number}"), json!({ "$ref": format!("#/$defs/e{number}") })));
    let references = json!({ "properties": references.collect::<Value>(), "$defs": members("d", 20_000, &json!({})) });
    for schema in [types, keywords, required, references.to_string()] {
        let folder = Folder::with(&schema);
        let error = folder.config().validate().unwrap_err().to_string();
        assert!(error.contains("more errors in this file"));
        assert!(error.len() < 1_000_000, "{} bytes", error.len());
    }
    let anchors = members("d", 20_000, &json!({ "$dynamicAnchor": "x", "$dynamicRef": "#x" }));
    assert!(Folder::with(&json!({ "$defs": anchors }).to_string()).config().validate().is_err());
}

#[test]
fn long_lines_and_names() {
    let long = "y".repeat(10_000_000);
    refuses(
        &json!({ "properties": { "a": { "type": "x" }, "b": { "description": long } } }).to_string(),
        "no such type",
    );
    refuses(&json!({ "a": long, "type": "x" }).to_string(), "no such type");
    refuses(&json!({ long.as_str(): 1 }).to_string(), "unknown keyword `yyyy");
    refuses(&json!({ "properties": { long.as_str(): { "type": "x" } } }).to_string(), "no such type");
    refuses(&json!({ "$ref": format!("#/$defs/{long}") }).to_string(), "leads nowhere");
}

#[test]
fn huge_numbers() {
    refuses(&format!("{{\"minimum\":1{}}}", "0".repeat(5_000_000)), "not JSON");
    refuses("{\"minimum\":1e1000000000}", "not JSON");
    Folder::with("{\"multipleOf\":1e-1000000000}").config().validate().unwrap();
}
