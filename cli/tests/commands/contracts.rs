//! `eventwright generate` and `check` tell by their exit code what they found.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const REGISTRY: &str = r#"{
  "domains": { "sales": { "description": "Sells." }, "growth": { "description": "Grows." } },
  "id_prefixes": { "lead_": { "type": "LeadId", "description": "A lead." } },
  "shared_types": {},
  "event_types": [
    { "event_type": "lead.created", "description": "A lead exists.", "owner": "sales", "subscribers": ["growth"],
      "contract": "lead-lifecycle", "subject": "/lead_id",
      "versions": [ { "version": 1, "status": "current", "payload": "lead-lifecycle/schema/payloads/lead.created-v1.json" } ] }
  ]
}"#;

const PAYLOAD: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "https://contracts.example/lead-lifecycle/schema/payloads/lead.created-v1.json",
  "title": "lead.created",
  "description": "A lead exists.",
  "type": "object",
  "additionalProperties": false,
  "required": ["lead_id"],
  "properties": {
    "lead_id": {
      "type": "string",
      "pattern": "^lead_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
      "description": "The lead."
    }
  }
}"#;

/// Contracts of one event type, in a directory of the test's own.
struct Contracts {
    directory: PathBuf,
}

impl Contracts {
    fn new(test: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&directory);
        let contracts = Self { directory };
        fs::create_dir_all(contracts.payload().parent().unwrap()).unwrap();
        fs::write(contracts.registry(), REGISTRY).unwrap();
        fs::write(contracts.payload(), PAYLOAD).unwrap();
        contracts
    }

    fn registry(&self) -> PathBuf {
        self.directory.join("contracts/event-types-registry.json")
    }

    fn payload(&self) -> PathBuf {
        self.directory.join("contracts/lead-lifecycle/schema/payloads/lead.created-v1.json")
    }

    fn bindings(&self) -> PathBuf {
        self.directory.join("generated")
    }

    fn eventwright(&self, command: &str, options: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_eventwright"))
            .args([command, "--registry"])
            .arg(self.registry())
            .args(options)
            .current_dir(&self.directory)
            .output()
            .unwrap();
        (output.status.code(), said(&output))
    }
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said)).concat()
}

#[test]
fn what_is_right_is_written_once() {
    let contracts = Contracts::new("what_is_right_is_written_once");
    let (code, said) = contracts.eventwright("generate", &["--out", "generated"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(contracts.bindings().join("lead_created_v1.rs").exists(), "{said}");

    let (code, said) = contracts.eventwright("generate", &["--out", "generated"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("0 written, 0 removed"), "{said}");
    assert_eq!(contracts.eventwright("check", &["--out", "generated"]), (Some(0), String::new()));
}

#[test]
fn dates_are_of_the_crate_that_is_asked_for() {
    let contracts = Contracts::new("dates_are_of_the_crate_that_is_asked_for");
    let with_a_date = PAYLOAD
        .replace("\"properties\": {", "\"properties\": { \"born\": { \"type\": \"string\", \"format\": \"date\" },");
    fs::write(contracts.payload(), with_a_date).unwrap();
    for (options, import) in [
        (&["--out", "generated"][..], "use eventwright::{\n    CarriesSubject, Date,"),
        (&["--out", "generated", "--dates", "chrono"], "use eventwright::chrono::NaiveDate;"),
        (&["--out", "generated", "--dates", "jiff"], "use eventwright::jiff::civil::Date;"),
    ] {
        let (code, said) = contracts.eventwright("generate", options);
        assert_eq!(code, Some(0), "{said}");
        let rust = fs::read_to_string(contracts.bindings().join("lead_created_v1.rs")).unwrap();
        assert!(rust.contains(import), "{rust}");
        assert_eq!(contracts.eventwright("check", options), (Some(0), String::new()));
    }
}

#[test]
fn bindings_that_differ_are_named() {
    let contracts = Contracts::new("bindings_that_differ_are_named");
    contracts.eventwright("generate", &["--out", "generated"]);
    fs::write(contracts.bindings().join("lead_created_v1.rs"), "// edited\n").unwrap();
    fs::remove_file(contracts.bindings().join("mod.rs")).unwrap();

    let (code, said) = contracts.eventwright("check", &["--out", "generated"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("differs: generated/lead_created_v1.rs"), "{said}");
    assert!(said.contains("missing: generated/mod.rs"), "{said}");
    assert!(said.contains("run `eventwright generate`"), "{said}");
}

#[test]
fn contracts_alone_are_checked_whatever_the_bindings_are() {
    let contracts = Contracts::new("contracts_alone_are_checked_whatever_the_bindings_are");
    // not even a directory
    fs::write(contracts.bindings(), "").unwrap();
    assert_eq!(contracts.eventwright("check", &[]), (Some(0), String::new()));
}

#[test]
fn warnings_are_told_by_both_commands() {
    let contracts = Contracts::new("warnings_are_told_by_both_commands");
    fs::write(
        contracts.payload(),
        PAYLOAD.replace(
            "\"properties\": {",
            "\"properties\": { \"leadName\": { \"type\": \"string\", \"description\": \"\" },",
        ),
    )
    .unwrap();
    for (command, options) in
        [("generate", ["--out", "generated"].as_slice()), ("check", &["--out", "generated"]), ("check", &[])]
    {
        let (code, said) = contracts.eventwright(command, options);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("the property `leadName` is not in snake_case"), "{said}");
    }
}

#[test]
fn wrong_contracts_are_refused_with_their_place() {
    let contracts = Contracts::new("wrong_contracts_are_refused_with_their_place");
    fs::write(contracts.payload(), PAYLOAD.replace("\"required\"", "\"requried\"")).unwrap();
    for (command, options) in
        [("generate", ["--out", "generated"].as_slice()), ("check", &["--out", "generated"]), ("check", &[])]
    {
        let (code, said) = contracts.eventwright(command, options);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("lead.created-v1.json:8:3"), "{said}");
        assert!(said.contains("requried"), "{said}");
    }
    assert!(!contracts.bindings().exists());
}

#[test]
fn a_domain_gets_what_it_owns_or_is_subscribed_to() {
    let contracts = Contracts::new("a_domain_gets_what_it_owns_or_is_subscribed_to");
    let (code, said) = contracts.eventwright("generate", &["--out", "generated", "--domain", "growth"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(contracts.bindings().join("lead_created_v1.rs").exists(), "{said}");

    let (code, said) = contracts.eventwright("generate", &["--out", "other", "--domain", "grwoth"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("grwoth"), "{said}");
}

#[test]
fn the_registrys_schema_is_the_one_beside_the_contracts() {
    let output = Command::new(env!("CARGO_BIN_EXE_eventwright")).arg("registry-schema").output().unwrap();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/event-types-registry.schema.json");
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), fs::read_to_string(beside).unwrap());
}
