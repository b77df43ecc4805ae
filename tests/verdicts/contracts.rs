//! The contracts as the judge reads them: JSON, and nothing of the generator's.

use std::collections::BTreeMap;
use std::{fmt, fs};

use serde_json::Value;

/// Where `$id`s begin; the rest is the path below contracts/.
const BASE: &str = "https://contracts.sguild/";

pub(crate) struct Contract {
    pub(crate) event_type: String,
    pub(crate) version: u16,
    pub(crate) path: String,
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.event_type, self.version)
    }
}

/// All schema documents, by their path below contracts/.
pub(crate) struct Documents(BTreeMap<String, Value>);

/// A schema, and the document that it stands in.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'d> {
    pub(crate) json: &'d Value,
    path: &'d str,
}

pub(crate) fn contracts() -> Vec<Contract> {
    let registry = json("event-types-registry.json");
    let entries = registry["event_types"].as_array().expect("event types").iter();
    let versions = entries.flat_map(|entry| {
        let event_type = entry["event_type"].as_str().expect("a name");
        entry["versions"].as_array().expect("versions").iter().filter_map(move |version| {
            let path = version["payload"].as_str()?.to_owned();
            let number = version["version"].as_u64().and_then(|number| number.try_into().ok()).expect("a version");
            Some(Contract { event_type: event_type.to_owned(), version: number, path })
        })
    });
    versions.collect()
}

fn json(path: &str) -> Value {
    let text = fs::read_to_string(format!("contracts/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Documents {
    pub(crate) fn load() -> Self {
        let mut documents = BTreeMap::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(format!("contracts/{folder}")).expect("a folder").flatten() {
                let path = format!("{folder}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    folders.push(format!("{path}/"));
                } else if path.contains("/schema/") && path.ends_with(".json") {
                    let document = json(&path);
                    documents.insert(path, document);
                }
            }
        }
        Self(documents)
    }

    /// What tolerant reading holds instances against: the same, with objects open and enums any string.
    pub(crate) fn relaxed(&self) -> Self {
        let mut documents = self.0.clone();
        documents.values_mut().for_each(relax);
        Self(documents)
    }

    pub(crate) fn schema<'d>(&'d self, path: &str) -> Schema<'d> {
        let (path, json) = self.0.get_key_value(path).unwrap_or_else(|| panic!("no document {path}"));
        Schema { json, path }
    }

    /// What a `$ref` in a schema points to.
    pub(crate) fn follow<'d>(&'d self, from: Schema<'d>, reference: &str) -> Schema<'d> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() { self.schema(from.path) } else { self.schema(&relative(from.path, file)) };
        let json = document.json.pointer(pointer).unwrap_or_else(|| panic!("{reference} points to nothing"));
        Schema { json, path: document.path }
    }

    pub(crate) fn validator(&self, contract: &Contract) -> jsonschema::Validator {
        let documents = Self(self.0.clone());
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            // Validation section 7.3.2 means RFC 5321's Mailbox, which has no display name; the crate lets one pass by itself
            .with_email_options(jsonschema::EmailOptions::default().without_display_text())
            .with_retriever(documents)
            .build(self.schema(&contract.path).json)
            .unwrap_or_else(|error| panic!("{}: {error}", contract.path))
    }
}

impl jsonschema::Retrieve for Documents {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let path = uri.as_str().strip_prefix(BASE).ok_or_else(|| format!("{uri} is none of our documents"))?;
        let path = path.split('#').next().unwrap_or(path);
        Ok(self.0.get(path).ok_or_else(|| format!("no document {path}"))?.clone())
    }
}

fn relax(json: &mut Value) {
    match json {
        Value::Object(members) => {
            members.retain(|name, value| match name.as_str() {
                "additionalProperties" => *value != Value::Bool(false),
                "enum" => !value.is_array(),
                _ => true,
            });
            members.values_mut().for_each(relax);
        }
        Value::Array(items) => items.iter_mut().for_each(relax),
        _ => {}
    }
}

fn relative(from: &str, file: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl<'d> Schema<'d> {
    pub(crate) fn at(self, json: &'d Value) -> Self {
        Self { json, path: self.path }
    }

    pub(crate) fn get(self, keyword: &str) -> Option<&'d Value> {
        self.json.get(keyword)
    }

    pub(crate) fn text(self, keyword: &str) -> Option<&'d str> {
        self.get(keyword).and_then(Value::as_str)
    }

    pub(crate) fn number(self, keyword: &str) -> Option<i64> {
        self.get(keyword).and_then(Value::as_i64)
    }

    pub(crate) fn count(self, keyword: &str) -> Option<usize> {
        self.get(keyword).and_then(Value::as_u64).and_then(|count| count.try_into().ok())
    }

    /// Two bounds on a number of something, and what is just beyond them.
    pub(crate) fn bounds(self, min: &str, max: &str) -> [usize; 4] {
        let min = self.count(min).unwrap_or(0);
        let max = self.count(max).unwrap_or(min + 300);
        [min.saturating_sub(1), min, max, max + 1]
    }
}
