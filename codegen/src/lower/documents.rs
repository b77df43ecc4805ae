//! Schema documents that become part of the bindings, for values that are held against a schema as a whole.

use std::collections::BTreeSet;

use crate::link::Linked;
use crate::model::Document;
use crate::node::{FileId, Node, Value};
use crate::vocabulary::Dialect;

/// The files and all that they refer to, whole: what a `$ref` or an `$anchor` means follows from the document that it is in.
pub(crate) fn of(files: &BTreeSet<FileId>, linked: &Linked<'_>) -> Vec<Document> {
    let mut documents = Vec::new();
    for file in reached(files, linked) {
        let source = linked.sources.get(file);
        let Some(root) = &source.root else { continue };
        let json = document(root, linked.resources.dialect(root.span));
        let uris = std::iter::once(source.uri.as_str()).chain(linked.aliases(file));
        documents.extend(uris.map(|uri| Document { uri: uri.to_owned(), json: json.clone() }));
    }
    documents
}

/// The files and all that they refer to.
pub(super) fn reached(files: &BTreeSet<FileId>, linked: &Linked<'_>) -> BTreeSet<FileId> {
    files.iter().flat_map(|file| linked.reached(*file)).collect()
}

/// The document without white space; it says its dialect, if it did not.
pub(super) fn document(root: &Node, dialect: Dialect) -> String {
    let mut json = String::new();
    match &root.value {
        Value::Object(members) if root.get("$schema").is_none() => {
            json.push_str(&format!("{{\"$schema\":{}", quoted(dialect.uri())));
            for member in members {
                json.push_str(&format!(",{}:", quoted(&member.key)));
                write(&member.value, &mut json);
            }
            json.push('}');
        }
        _ => write(root, &mut json),
    }
    json
}

/// The value as JSON without white space.
pub(crate) fn text(node: &Node) -> String {
    let mut json = String::new();
    write(node, &mut json);
    json
}

fn write(node: &Node, json: &mut String) {
    match &node.value {
        Value::Null => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => json.push_str(&number.to_string()),
        Value::String(text) => json.push_str(&quoted(text)),
        Value::Array(items) => {
            json.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write(item, json);
            }
            json.push(']');
        }
        Value::Object(members) => {
            json.push('{');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                json.push_str(&quoted(&member.key));
                json.push(':');
                write(&member.value, json);
            }
            json.push('}');
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
