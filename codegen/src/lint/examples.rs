//! `examples` and `default` are values of the schema that they stand in: one that it refuses would mislead whoever reads it.

use std::collections::{BTreeMap, BTreeSet};

use eventwright::payload::checked::judge;

use crate::diagnostics::Problems;
use crate::link::Linked;
use crate::lower::documents;
use crate::node::{FileId, Node, Span};
use crate::settings::Formats;

/// A value that a schema gives, and where that schema is.
struct Given<'a> {
    keyword: &'a str,
    value: &'a Node,
    at: String,
}

/// Complains about every such value in the files that its schema refuses. The schemas are known to be right.
pub(crate) fn check(linked: &Linked<'_>, files: &BTreeSet<FileId>, formats: Formats, problems: &mut Problems) {
    for (file, given) in given(linked, files) {
        let documents = documents::of(&BTreeSet::from([file]), linked);
        let documents: Vec<(&str, &str)> =
            documents.iter().map(|document| (document.uri.as_str(), document.json.as_str())).collect();
        let values: Vec<String> = given.iter().map(|given| documents::text(given.value)).collect();
        let asked = given.iter().zip(&values).map(|(given, value)| (given.at.as_str(), value.as_str()));
        let outcomes = match judge(&documents, formats == Formats::Assert, asked) {
            Ok(outcomes) => outcomes,
            Err(reason) => {
                problems.error(Span { file, start: 0, end: 0 }, format!("the schema can't be compiled: {reason}"));
                continue;
            }
        };
        for (given, outcome) in given.iter().zip(outcomes) {
            if let Err(invalid) = outcome {
                let what = if given.keyword == "default" { "the default" } else { "the example" };
                problems
                    .error(given.value.span, format!("{what} does not satisfy its own schema: {invalid}"))
                    .help("correct it, or the schema");
            }
        }
    }
}

fn given<'a>(linked: &Linked<'a>, files: &BTreeSet<FileId>) -> BTreeMap<FileId, Vec<Given<'a>>> {
    let mut all: BTreeMap<FileId, Vec<Given<'a>>> = BTreeMap::new();
    for schema in linked.resources.schemas.iter().filter(|schema| files.contains(&schema.node.span.file)) {
        for member in schema.node.members() {
            let values = match member.key.as_str() {
                "default" => std::slice::from_ref(&member.value),
                "examples" => member.value.as_array().unwrap_or_default(),
                _ => continue,
            };
            let at = linked.location(schema.node.span);
            let given = values.iter().map(|value| Given { keyword: &member.key, value, at: at.clone() });
            all.entry(schema.node.span.file).or_default().extend(given);
        }
    }
    all
}
