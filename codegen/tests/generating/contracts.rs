//! Contracts in a throw-away folder, and what is generated from them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use eventwright_codegen::{Config, Error, Severity, configure};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PERSON_ID: &str = "^per_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// A folder with contracts.
pub(crate) struct Contracts {
    folder: TempDir,
}

impl Contracts {
    /// One event type, `thing.happened`, of domain `sales`, with `growth` as its subscriber, and the given payload schema.
    pub(crate) fn with_payload(schema: &str) -> Contracts {
        let contracts = Contracts::empty();
        contracts.file("event-types-registry.json", &pretty(&registry(vec![event_type("thing.happened")])));
        contracts.file("things/schema/payloads/thing.happened-v1.json", schema);
        contracts
    }

    /// Several event types, each with a payload of one string.
    pub(crate) fn with_events(names: &[&str]) -> Contracts {
        let contracts = Contracts::empty();
        contracts
            .file("event-types-registry.json", &pretty(&registry(names.iter().map(|name| event_type(name)).collect())));
        for name in names {
            contracts.file(&format!("things/schema/payloads/{name}-v1.json"), &pretty(&simple_payload()));
        }
        contracts
    }

    pub(crate) fn empty() -> Contracts {
        Contracts { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> &Contracts {
        self.bytes(name, text.as_bytes())
    }

    pub(crate) fn bytes(&self, name: &str, bytes: &[u8]) -> &Contracts {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("contracts")
    }

    pub(crate) fn registry(&self) -> PathBuf {
        self.folder().join("event-types-registry.json")
    }

    pub(crate) fn out_dir(&self) -> PathBuf {
        self.folder.path().join("generated")
    }

    pub(crate) fn config(&self) -> Config {
        configure().registry(self.registry()).out_dir(self.out_dir())
    }

    /// The generated files by name.
    pub(crate) fn generate(&self) -> BTreeMap<String, String> {
        self.config().write().unwrap();
        files(&self.out_dir())
    }

    /// What is wrong with the contracts. Nothing must have been written then.
    pub(crate) fn error(&self) -> String {
        let error = self.config().write().unwrap_err();
        assert!(!self.out_dir().exists(), "output in spite of errors");
        error.to_string()
    }

    /// The one error that is wrong with the contracts.
    pub(crate) fn only_error(&self) -> String {
        let error = self.config().write().unwrap_err();
        let Error::Contracts(diagnostics) = &error else { panic!("{error}") };
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        assert_eq!(errors.count(), 1, "{error}");
        self.error()
    }
}

/// All files in a folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

pub(crate) fn registry(event_types: Vec<Value>) -> Value {
    json!({
        "domains": {
            "sales": { "description": "Turns interest into customers." },
            "growth": { "description": "Finds people." }
        },
        "id_prefixes": { "per_": { "type": "PersonId", "description": "A person, across all domains." } },
        "shared_types": {
            "Currency": { "description": "ISO 4217 currency code.", "schema": { "type": "string", "pattern": "^[A-Z]{3}$" } }
        },
        "event_types": event_types
    })
}

pub(crate) fn event_type(name: &str) -> Value {
    json!({
        "event_type": name,
        "description": "A thing happened.",
        "owner": "sales",
        "subscribers": ["growth"],
        "contract": "things",
        "subject": "per_",
        "versions": [{ "version": 1, "status": "current", "payload": format!("things/schema/payloads/{name}-v1.json") }]
    })
}

pub(crate) fn simple_payload() -> Value {
    json!({
        "title": "A thing happened",
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": { "name": { "type": "string" } }
    })
}

/// A payload schema of one property, `x`.
pub(crate) fn payload_of(x: &str) -> String {
    format!(
        "{{\n  \"title\": \"A thing happened\",\n  \"type\": \"object\",\n  \"additionalProperties\": false,\n  \
         \"required\": [\"x\"],\n  \"properties\": {{\n    \"x\": {x}\n  }}\n}}\n"
    )
}

pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
