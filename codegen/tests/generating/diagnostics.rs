//! What is told to the author of wrong contracts: one mistake, one error, with its place.

use crate::contracts::{Contracts, PERSON_ID, event_type, payload_of, pretty, registry, simple_payload};
use serde_json::json;

/// The one error of a payload schema whose property `x` is the given schema.
fn of_property(x: &str) -> String {
    Contracts::with_payload(&payload_of(x)).only_error()
}

#[test]
fn missing_file() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    std::fs::remove_file(contracts.folder().join("things/schema/payloads/thing.happened-v1.json")).unwrap();
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn not_json() {
    insta::assert_snapshot!(
        Contracts::with_payload("{\n  \"title\": \"A thing\",\n  \"type\": object\n}\n").only_error()
    );
}

#[test]
fn comment() {
    insta::assert_snapshot!(Contracts::with_payload("{\n  // no\n  \"title\": \"A thing\"\n}\n").only_error());
}

#[test]
fn trailing_comma() {
    insta::assert_snapshot!(Contracts::with_payload("{\n  \"title\": \"A thing\",\n}\n").only_error());
}

#[test]
fn empty_file() {
    insta::assert_snapshot!(Contracts::with_payload("").only_error());
}

#[test]
fn byte_order_mark() {
    insta::assert_snapshot!(Contracts::with_payload("\u{feff}{}").only_error());
}

#[test]
fn not_utf8() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    contracts.bytes("things/schema/payloads/thing.happened-v1.json", b"{ \"title\": \"\xff\" }");
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn nested_too_deep() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Contracts::with_payload(&deep).only_error().contains("not JSON: recursion limit exceeded"));
}

#[test]
fn duplicate_key() {
    insta::assert_snapshot!(of_property("{ \"type\": \"string\", \"minLength\": 1, \"type\": \"integer\" }"));
}

#[test]
fn duplicate_event_type() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let twice = registry(vec![event_type("thing.happened"), event_type("thing.happened")]);
    contracts.file("event-types-registry.json", &pretty(&twice));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn duplicate_version() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    let mut again = event["versions"][0].clone();
    again["status"] = json!("deprecated");
    event["versions"].as_array_mut().unwrap().push(again);
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn two_versions_of_one_schema() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    let second =
        json!({ "version": 2, "status": "announced", "payload": "things/schema/payloads/thing.happened-v1.json" });
    event["versions"].as_array_mut().unwrap().push(second);
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn version_zero() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    event["versions"][0]["version"] = json!(0);
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn registry_that_is_not_there() {
    let contracts = Contracts::empty();
    let error = contracts.config().write().unwrap_err().to_string();
    assert!(error.starts_with(contracts.registry().to_str().unwrap()), "{error}");
}

#[test]
fn two_current_versions() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    contracts.file("things/schema/payloads/thing.happened-v2.json", &pretty(&simple_payload()));
    let mut event = event_type("thing.happened");
    let second =
        json!({ "version": 2, "status": "current", "payload": "things/schema/payloads/thing.happened-v2.json" });
    event["versions"].as_array_mut().unwrap().push(second);
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

/// Versions 1 and on of `thing.happened`, with these statuses.
fn versions(statuses: &[&str]) -> Contracts {
    let contracts = Contracts::empty();
    let mut event = event_type("thing.happened");
    let mut versions = Vec::new();
    for (number, status) in (1..).zip(statuses) {
        let payload = format!("things/schema/payloads/thing.happened-v{number}.json");
        contracts.file(&payload, &pretty(&simple_payload()));
        versions.push(json!({ "version": number, "status": status, "payload": payload }));
    }
    event["versions"] = versions.into();
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    contracts
}

#[test]
fn two_deprecated_versions() {
    insta::assert_snapshot!(versions(&["deprecated", "deprecated", "current"]).only_error());
    assert!(versions(&["deprecated", "deprecated"]).config().write().is_ok(), "nothing is published in two versions");
}

#[test]
fn deprecated_version_that_is_newer() {
    insta::assert_snapshot!(versions(&["current", "deprecated"]).only_error());
}

#[test]
fn misspelt_keyword() {
    let mut payload = simple_payload();
    let required = payload.as_object_mut().unwrap().remove("required").unwrap();
    payload["requried"] = required;
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn misspelt_annotation() {
    insta::assert_snapshot!(of_property("{ \"type\": \"string\", \"x-sensitiv\": true }"));
}

#[test]
fn misspelt_registry_key() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    event["onwer"] = json!("sales");
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn missing_registry_key() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    event.as_object_mut().unwrap().remove("owner");
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn unknown_status() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    event["versions"][0]["status"] = json!("live");
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn unknown_domain() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    event["subscribers"] = json!(["growht"]);
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn unknown_contract_folder() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let mut event = event_type("thing.happened");
    event["contract"] = json!("thinks");
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn ref_to_nowhere() {
    insta::assert_snapshot!(of_property("{ \"$ref\": \"#/$defs/Monney\" }"));
}

#[test]
fn ref_to_missing_file() {
    insta::assert_snapshot!(of_property("{ \"$ref\": \"../defs/money.json#/$defs/Money\" }"));
}

#[test]
fn ref_to_the_web() {
    insta::assert_snapshot!(of_property("{ \"$ref\": \"https://example.org/money.json\" }"));
}

#[test]
fn ref_to_itself() {
    insta::assert_snapshot!(of_property("{ \"$ref\": \"#/properties/x\" }"));
}

#[test]
fn payload_that_nothing_names() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    contracts.file("things/schema/payloads/thing.forgotten-v1.json", &pretty(&simple_payload()));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn contract_that_nothing_names() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    contracts.file("others/schema/payloads/other.happened-v1.json", &pretty(&simple_payload()));
    contracts.file("others/schema/payloads/other.happened-v2.json", &pretty(&simple_payload()));
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn unknown_id_prefix() {
    let pattern = PERSON_ID.replace("per_", "perr_");
    insta::assert_snapshot!(of_property(&format!("{{ \"type\": \"string\", \"pattern\": \"{pattern}\" }}")));
}

#[test]
fn minimum_above_maximum() {
    insta::assert_snapshot!(of_property("{ \"type\": \"integer\", \"minimum\": 5, \"maximum\": 4 }"));
}

#[test]
fn parts_of_different_types() {
    insta::assert_snapshot!(of_property("{ \"allOf\": [{ \"type\": \"string\" }, { \"type\": \"integer\" }] }"));
}

/// What somebody should look at in a payload schema that can be generated.
fn warning(payload: &str) -> String {
    let report = Contracts::with_payload(payload).config().write().unwrap();
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    warnings.join("\n\n")
}

#[test]
fn keyword_of_another_type_is_a_warning() {
    insta::assert_snapshot!(warning(&payload_of("{ \"type\": \"integer\", \"minLength\": 1 }")));
}

#[test]
fn unknown_format_is_a_warning() {
    insta::assert_snapshot!(warning(&payload_of("{ \"type\": \"string\", \"format\": \"datetime\" }")));
}

#[test]
fn definition_that_nothing_refers_to_is_a_warning() {
    let mut payload = simple_payload();
    // `Cent` is used by `Money` alone, and `Tree` by itself
    payload["$defs"] = json!({
        "Cent": { "type": "integer", "minimum": 0 },
        "Money": { "type": "object", "properties": { "cents": { "$ref": "#/$defs/Cent" } } },
        "Name": { "type": "string" },
        "Tree": { "type": "array", "items": { "$ref": "#/$defs/Tree" } },
        "Whole": { "type": "object", "properties": { "part": { "type": "string" } } },
    });
    payload["properties"]["other"] = json!({ "$ref": "#/$defs/Name" });
    payload["properties"]["part"] = json!({ "$ref": "#/$defs/Whole/properties/part" });
    insta::assert_snapshot!(warning(&pretty(&payload)));
}

#[test]
fn mistake_in_a_definition_that_nothing_refers_to() {
    let mut payload = simple_payload();
    payload["$defs"] = json!({ "Cent": { "type": "integer", "minimun": 0 } });
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn required_without_property_is_a_warning() {
    let mut payload = simple_payload();
    payload["additionalProperties"] = json!(true);
    payload["required"] = json!(["nmae"]);
    insta::assert_snapshot!(warning(&pretty(&payload)));
}

#[test]
fn required_property_that_the_object_is_closed_to() {
    let mut payload = simple_payload();
    payload["required"] = json!(["nmae"]);
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn required_property_that_may_have_no_value() {
    let mut payload = simple_payload();
    payload["properties"]["name"] = json!(false);
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn more_properties_than_there_may_be() {
    insta::assert_snapshot!(of_property("{ \"type\": \"object\", \"minProperties\": 3, \"maxProperties\": 2 }"));
}

#[test]
fn unknown_dialect() {
    let mut payload = simple_payload();
    payload["$schema"] = json!("https://example.org/our-own-schema");
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn keyword_of_another_dialect() {
    insta::assert_snapshot!(of_property("{ \"type\": \"object\", \"dependencies\": { \"a\": [\"b\"] } }"));
}

#[test]
fn dynamic_ref() {
    let mut payload = simple_payload();
    payload["properties"]["list"] = json!({ "$ref": "#/$defs/List" });
    payload["$defs"] = json!({
        "List": { "$id": "list.json", "type": "array", "items": { "$dynamicRef": "#item" }, "$defs": { "Any": { "$dynamicAnchor": "item" } } },
        "Text": { "$id": "texts.json", "$ref": "list.json", "$defs": { "Text": { "$dynamicAnchor": "item", "type": "string" } } },
    });
    payload["properties"]["texts"] = json!({ "$ref": "texts.json" });
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn not_a_regular_expression() {
    insta::assert_snapshot!(of_property("{ \"type\": \"string\", \"pattern\": \"^(a\" }"));
}

#[test]
fn keyword_with_a_wrong_value() {
    insta::assert_snapshot!(of_property("{ \"type\": \"string\", \"minLength\": \"1\" }"));
}

#[test]
fn no_listed_value_is_of_the_type() {
    insta::assert_snapshot!(of_property("{ \"type\": \"string\", \"enum\": [1, 2] }"));
}

#[test]
fn subject_that_leads_nowhere() {
    insta::assert_snapshot!(with_subject("/naem"));
}

#[test]
fn subject_that_is_no_id() {
    insta::assert_snapshot!(with_subject("/name"));
}

#[test]
fn subject_that_may_be_absent() {
    insta::assert_snapshot!(with_subject("/person_id"));
}

#[test]
fn subject_with_an_unknown_prefix() {
    insta::assert_snapshot!(with_subject("prs_"));
}

fn with_subject(subject: &str) -> String {
    let mut payload = simple_payload();
    payload["properties"]["person_id"] = json!({ "type": "string", "pattern": PERSON_ID });
    let contracts = Contracts::with_payload(&pretty(&payload));
    let mut event = event_type("thing.happened");
    event["subject"] = json!(subject);
    contracts.file("event-types-registry.json", &pretty(&registry(vec![event])));
    contracts.only_error()
}

#[test]
fn no_title() {
    let mut payload = simple_payload();
    payload.as_object_mut().unwrap().remove("title");
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn id_of_another_path() {
    let mut payload = simple_payload();
    payload["$id"] = json!("https://contracts.example/things/schema/payloads/thing.happend-v1.json");
    insta::assert_snapshot!(Contracts::with_payload(&pretty(&payload)).only_error());
}

#[test]
fn event_type_name() {
    let contracts = Contracts::with_events(&["ThingHappened"]);
    insta::assert_snapshot!(contracts.only_error());
}

#[test]
fn names_of_imports() {
    let contracts = Contracts::with_payload(&payload_of("{ \"type\": \"string\", \"pattern\": \"^[A-Z]{3}$\" }"));
    let mut registry = registry(vec![event_type("thing.happened")]);
    registry["id_prefixes"]["per_"]["type"] = json!("Uuid");
    let currency = registry["shared_types"]["Currency"].take();
    registry["shared_types"] = json!({ "Str": currency });
    contracts.file("event-types-registry.json", &pretty(&registry));
    insta::assert_snapshot!(contracts.error());
}

#[test]
fn event_types_of_one_name() {
    let contracts = Contracts::with_events(&["thing.has_happened", "thing.has.happened"]);
    assert!(contracts.error().contains("two things would be named `ThingHasHappened` in Rust"));
}

#[test]
fn all_problems_of_a_run_are_told() {
    let contracts = Contracts::with_events(&["thing.happened", "thing.ended"]);
    contracts.file("things/schema/payloads/thing.happened-v1.json", &payload_of("{ \"type\": \"strin\" }"));
    contracts.file("things/schema/payloads/thing.ended-v1.json", "{");
    insta::assert_snapshot!(contracts.error());
}

#[test]
fn property_in_camel_case_is_a_warning() {
    let schema = payload_of("{ \"type\": \"object\", \"properties\": { \"camelCase\": { \"type\": \"string\" } } }");
    let report = Contracts::with_payload(&schema).config().write().unwrap();
    insta::assert_snapshot!(report.warnings[0].to_string());
}
