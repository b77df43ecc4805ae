//! Dates and times as types of each crate, and what a package of such bindings turns on.

use std::fs;

use crate::contracts::{Contracts, files, payload_of};
use eventwright_codegen::Dates;

const SCHEMA: &str = r#"{
  "title": "Dates",
  "type": "object",
  "additionalProperties": false,
  "required": ["at", "days"],
  "properties": {
    "at": { "type": "string", "format": "date-time" },
    "until": { "type": ["string", "null"], "format": "date-time" },
    "days": { "type": "array", "items": { "type": "string", "format": "date" } },
    "date_time": { "type": "object", "properties": { "zone": { "type": "string" } } }
  }
}
"#;

fn rust_with(dates: Dates) -> String {
    let contracts = Contracts::with_payload(SCHEMA);
    contracts.config().dates(dates).write().unwrap();
    files(&contracts.out_dir()).remove("thing_happened_v1.rs").unwrap()
}

#[test]
fn of_time() {
    insta::assert_snapshot!(rust_with(Dates::Time));
}

#[test]
fn of_chrono() {
    insta::assert_snapshot!(rust_with(Dates::Chrono));
}

#[test]
fn of_jiff() {
    insta::assert_snapshot!(rust_with(Dates::Jiff));
}

/// What the manifest of a package says of the runtime.
fn dependency(schema: &str, dates: Dates) -> String {
    let contracts = Contracts::with_payload(schema);
    contracts.config().crate_name("events").dates(dates).write().unwrap();
    let manifest = fs::read_to_string(contracts.out_dir().join("Cargo.toml")).unwrap();
    manifest.lines().last().unwrap().split_once("default-features = false").unwrap().1.to_owned()
}

#[test]
fn a_package_turns_on_what_its_types_need() {
    assert_eq!(dependency(SCHEMA, Dates::Time), " }");
    assert_eq!(dependency(SCHEMA, Dates::Chrono), ", features = [\"chrono\"] }");
    assert_eq!(dependency(SCHEMA, Dates::Jiff), ", features = [\"jiff\"] }");

    let no_date = payload_of(r#"{ "type": "string", "description": "what looks like `, regex`, or chrono" }"#);
    assert_eq!(dependency(&no_date, Dates::Jiff), " }");
    let pattern = payload_of(r#"{ "type": "string", "pattern": "^(a|b)+$" }"#);
    assert_eq!(dependency(&pattern, Dates::Jiff), ", features = [\"regex\"] }");
    let both = payload_of(
        r#"{ "type": "object", "properties": { "a": { "type": "string", "pattern": "^(a|b)+$" }, "b": { "type": "string", "format": "date" } } }"#,
    );
    assert_eq!(dependency(&both, Dates::Chrono), ", features = [\"chrono\", \"regex\"] }");
    let format =
        payload_of(r#"{ "anyOf": [{ "type": "string", "format": "regex", "minLength": 2 }, { "type": "integer" }] }"#);
    assert_eq!(dependency(&format, Dates::Time), ", features = [\"regex\"] }");
}
