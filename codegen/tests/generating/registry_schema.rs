//! The registry's own JSON Schema.

use crate::contracts::{event_type, registry};
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(&eventwright_codegen::registry_schema()).unwrap()
}

#[test]
fn text_is_pretty_and_ends_in_a_newline() {
    insta::assert_snapshot!(eventwright_codegen::registry_schema());
}

#[test]
fn accepts_what_the_generator_accepts() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut good = registry(vec![event_type("thing.happened")]);
    assert!(validator.is_valid(&good));

    good["event_types"][0]["tenant"] = json!(null);
    assert!(!validator.is_valid(&good), "null");
    good["event_types"][0]["tenant"] = json!("/tenant_id");
    assert!(validator.is_valid(&good));
    good["event_types"][0]["onwer"] = json!("sales");
    assert!(!validator.is_valid(&good), "an unknown key");
}
