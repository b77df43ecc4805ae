//! What the settings change in what is generated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::contracts::{Contracts, PERSON_ID, files, payload_of};
use eventwright_codegen::{Class, Config, Dialect, Error, Formats, Integers, configure};
use serde_json::json;
use tempfile::TempDir;

/// A folder of schemas without a registry.
struct Schemas(TempDir);

impl Schemas {
    fn with(schemas: &[(&str, serde_json::Value)]) -> Schemas {
        let folder = TempDir::new().unwrap();
        for (name, schema) in schemas {
            let path = folder.path().join("schemas").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{schema:#}\n")).unwrap();
        }
        Schemas(folder)
    }

    fn out(&self) -> std::path::PathBuf {
        self.0.path().join("out")
    }

    fn config(&self) -> Config {
        configure().schemas(self.0.path().join("schemas")).out_dir(self.out())
    }

    fn files(&self, config: Config) -> BTreeMap<String, String> {
        config.write().unwrap();
        files(&self.out())
    }
}

fn name() -> serde_json::Value {
    json!({ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } })
}

#[test]
fn names_of_files_are_event_types_and_versions() {
    let schemas = Schemas::with(&[
        ("lead.created-v2.json", name()),
        ("lead.created-v10.json", name()),
        ("lead-vip.json", name()),
        ("parts/name.json", json!({ "type": "string" })),
    ]);
    let files = schemas.files(schemas.config());
    let modules: Vec<&str> = files.keys().map(String::as_str).filter(|name| name.contains("_v")).collect();
    assert_eq!(modules, ["lead_created_v10.rs", "lead_created_v2.rs", "lead_vip_v1.rs"]);
    assert!(files["mod.rs"].contains("pub use lead_created_v10::{LeadCreatedV10, LeadCreatedV10 as LeadCreated};"));
    assert!(files["mod.rs"].contains("pub use lead_created_v2::LeadCreatedV2;"));
    insta::assert_snapshot!(files["lead_vip_v1.rs"]);
}

#[test]
fn payload_without_a_registry_may_be_any_value() {
    let schemas = Schemas::with(&[
        ("count.json", json!({ "type": "integer", "minimum": 1, "maximum": 9 })),
        ("nothing.json", json!(false)),
        ("status.json", json!({ "enum": ["on", "off"] })),
        ("words.json", json!({ "type": ["array", "null"], "items": { "type": "string" } })),
    ]);
    let files = schemas.files(schemas.config());
    let root = |module: &str| {
        let text = &files[&format!("{module}_v1.rs")];
        let line = text.lines().find(|line| line.starts_with("pub struct") || line.starts_with("pub enum"));
        line.unwrap().to_owned()
    };
    assert_eq!(root("count"), "pub struct CountV1(Int<1, 9>);");
    assert_eq!(root("nothing"), "pub struct NothingV1(Never);");
    assert_eq!(root("status"), "pub enum StatusV1 {");
    assert_eq!(root("words"), "pub struct WordsV1(Option<Vec<String>>);");
}

#[test]
fn what_is_wrong_is_left_out_on_request_and_told() {
    let schemas = Schemas::with(&[
        ("good.json", name()),
        ("bad.json", json!({ "type": "strin" })),
        ("reached.json", json!({ "properties": { "part": { "$ref": "parts/bad.json" } } })),
        ("parts/bad.json", json!({ "minimun": 1 })),
        ("parts/unreached.json", json!({ "$ref": "nowhere.json" })),
    ]);
    let Error::Contracts(told) = schemas.config().write().unwrap_err() else { panic!() };
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(!schemas.out().exists());

    let report = schemas.config().keep_going().write().unwrap();
    let refused: Vec<(&str, &str)> =
        report.refused.iter().map(|one| (one.place.file.rsplit('/').next().unwrap(), one.message.as_str())).collect();
    assert_eq!(
        refused,
        [
            ("bad.json", "there is no such type in JSON Schema"),
            ("bad.json", "unknown keyword `minimun`"),
            ("reached.json", "the schema refers to one that has an error: unknown keyword `minimun`"),
        ]
    );
    let names = files(&schemas.out()).into_keys().filter(|name| name.contains("_v")).collect::<Vec<_>>();
    assert_eq!(names, ["good_v1.rs"]);
}

#[test]
fn uris_are_files_of_folders() {
    let schemas = Schemas::with(&[
        ("a.json", json!({ "$ref": "https://example.org/parts/name.json#/$defs/Short" })),
        ("mapped/parts/name.json", json!({ "$defs": { "Short": { "type": "string", "maxLength": 9 } } })),
    ]);
    assert!(schemas.config().write().unwrap_err().to_string().contains("schemas are never fetched"));
    let mapped = schemas.0.path().join("schemas/mapped");
    let files = schemas.files(schemas.config().resolve("https://example.org/", mapped));
    assert!(files["a_v1.rs"].contains("pub struct AV1(Text<0, 9>);"), "{}", files["a_v1.rs"]);
}

#[test]
fn dialect_is_that_of_schemas_that_name_none() {
    let pair = json!({ "type": "array", "items": [{ "type": "string" }, { "type": "boolean" }], "minItems": 2, "maxItems": 2 });
    let schemas = Schemas::with(&[("pair.json", pair)]);
    assert!(schemas.config().write().unwrap_err().to_string().contains("`prefixItems`"));
    let files = schemas.files(schemas.config().dialect(Dialect::Draft7));
    assert!(files["pair_v1.rs"].contains("pub struct PairV1((String, bool));"), "{}", files["pair_v1.rs"]);
}

#[test]
fn formats_may_be_annotations() {
    let schemas = Schemas::with(&[("at.json", json!({ "type": "string", "format": "date-time" }))]);
    assert!(schemas.files(schemas.config())["at_v1.rs"].contains("pub struct AtV1(OffsetDateTime);"));
    let annotated = schemas.files(schemas.config().formats(Formats::Annotate));
    assert!(annotated["at_v1.rs"].contains("pub struct AtV1(String);"));
}

#[test]
fn integers_without_bounds_are_of_64_bits_or_any() {
    let schemas = Schemas::with(&[("n.json", json!({ "type": "integer" }))]);
    assert!(schemas.files(schemas.config())["n_v1.rs"].contains("pub struct NV1(Integer);"));
    let small = schemas.files(schemas.config().integers(Integers::Bits64));
    assert!(small["n_v1.rs"].contains("pub struct NV1(i64);"));
}

#[test]
fn ids_need_no_registry() {
    let id = |prefix: &str| json!({ "type": "string", "pattern": PERSON_ID.replace("per_", prefix) });
    let schemas =
        Schemas::with(&[("ids.json", json!({ "type": "object", "properties": { "a": id("per_"), "b": id("ord-") } }))]);
    let files = schemas.files(schemas.config());
    assert!(files["ids_v1.rs"].contains("pub a: Option<PerId>,"));
    assert!(files["ids.rs"].contains("pub struct OrdId(Uuid);"));
}

#[test]
fn types_come_from_elsewhere() {
    let contracts = Contracts::with_payload(&payload_of(
        "{ \"type\": \"object\", \"properties\": { \"at\": { \"type\": \"string\", \"x-rust-type\": \"::geo::Place\" }, \
         \"currency\": { \"type\": \"string\", \"pattern\": \"^[A-Z]{3}$\" } } }",
    ));
    contracts.config().extern_types("::people").extern_type("Currency", "::money::Code").write().unwrap();
    let files = files(&contracts.out_dir());
    assert!(files["thing_happened_v1.rs"].contains("pub at: Option<::geo::Place>,"));
    assert!(files["ids.rs"].contains("pub use ::people::PersonId;"));
    assert!(files["shared.rs"].contains("pub use ::money::Code as Currency;"));

    let error = contracts.config().extern_type("Curency", "::money::Code").write().unwrap_err();
    assert_eq!(error.to_string(), "no type of the bindings is named `Curency`; did you mean `Currency`?");
    let error = contracts.config().extern_types("not a path").write().unwrap_err();
    assert!(error.to_string().contains("is no path"));
}

#[test]
fn types_derive_more() {
    let contracts = Contracts::with_payload(&payload_of(
        "{ \"type\": \"object\", \"properties\": {} , \"additionalProperties\": false }",
    ));
    contracts
        .config()
        .derive("X", "Eq")
        .derive("X", "::serde::Deserialize")
        .derive("PersonId", "Default")
        .write()
        .unwrap();
    let files = files(&contracts.out_dir());
    assert!(files["thing_happened_v1.rs"].contains("#[derive(Clone, PartialEq, Object, Eq, ::serde::Deserialize)]"));
    assert!(files["ids.rs"].contains("Hash, Id, Default)]"));
    let error = contracts.config().derive("Y", "Eq").write().unwrap_err();
    assert!(error.to_string().starts_with("no type of the bindings is named `Y`"), "{error}");
}

#[test]
fn package_has_a_manifest_and_a_library() {
    let schemas = Schemas::with(&[("a.json", name())]);
    let config = || schemas.config().crate_name("my-events").runtime_path("../eventwright");
    config().write().unwrap();
    insta::assert_snapshot!(fs::read_to_string(schemas.out().join("Cargo.toml")).unwrap());
    assert!(schemas.out().join("src/lib.rs").is_file());
    assert!(config().check().unwrap().drift.is_empty());
    fs::write(
        schemas.out().join("src/old_v1.rs"),
        "// @generated by eventwright-codegen from old.json. Do not edit.\n",
    )
    .unwrap();
    assert_eq!(config().write().unwrap().removed, [schemas.out().join("src/old_v1.rs")]);

    for name in ["", "1st", "fn", "a b", "é"] {
        let error = schemas.config().crate_name(name).write().unwrap_err();
        assert!(error.to_string().contains("is no name for a package"), "{name}: {error}");
    }
}

#[test]
fn every_constraint_is_explained() {
    let schemas = Schemas::with(&[(
        "a.json",
        json!({
            "type": "object",
            "required": ["n"],
            "minProperties": 1,
            "properties": {
                "n": { "type": "integer", "minimum": 1 },
                "look": { "type": "string", "pattern": "a(?=b)" },
                "place": { "x-rust-type": "::geo::Place", "type": "string" },
            },
        }),
    )]);
    let explained = schemas.config().explain().unwrap();
    let said: Vec<(&str, Vec<(&str, Class)>)> = explained
        .iter()
        .map(|one| (one.pointer.as_str(), one.keywords.iter().map(|(key, class)| (key.as_str(), *class)).collect()))
        .collect();
    let (typed, checked) = (Class::Typed, Class::Checked);
    assert_eq!(
        said,
        [
            ("", vec![("minProperties", checked), ("properties", typed), ("required", typed), ("type", typed)]),
            ("/properties/look", vec![("pattern", Class::Whole), ("type", typed)]),
            ("/properties/n", vec![("minimum", checked), ("type", typed)]),
            ("/properties/place", vec![("type", Class::Elsewhere)]),
        ]
    );
    assert_eq!(explained.iter().filter(|one| one.is_native()).count(), 3);
}

#[test]
fn diagnostics_are_json_for_tools() {
    let schemas = Schemas::with(&[("bad.json", json!({ "minimun": 1 }))]);
    let Error::Contracts(told) = schemas.config().write().unwrap_err() else { panic!() };
    let json: serde_json::Value = serde_json::from_str(&told[0].to_json()).unwrap();
    assert!(Path::new(json["file"].as_str().unwrap()).ends_with("bad.json"));
    assert_eq!(json["severity"], "error");
    assert_eq!(json["message"], "unknown keyword `minimun`");
    assert_eq!((&json["line"], &json["column"]), (&json!(2), &json!(3)));
    assert_eq!(json["pointer"], "/minimun");
    assert_eq!(json["help"], "did you mean `minimum`?");
    assert_eq!(json["related"], json!([]));
}
