//! Sets of schema documents.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::{PatternOptions, Registry, Retrieve, Uri, ValidationError, Validator};
use referencing::SPECIFICATIONS;
use serde_json::{Map, Value, json};

use super::keywords;
use super::node::Exact;
use crate::payload::{Invalid, Json, format};

/// Documents of JSON Schema that refer to each other, and to no others but the metaschemas of the drafts.
///
/// Each has its own draft, that of its `$schema`; without one, it is of draft 2020-12. They are read when the first of their schemas is
/// needed. Nothing is ever fetched.
///
/// ```
/// use eventwright::payload::Schemas;
///
/// static SCHEMAS: Schemas = Schemas::new(&[
///     ("https://example.org/pet.json", r##"{"$ref": "name.json#/$defs/short"}"##),
///     ("https://example.org/name.json", r#"{"$defs": {"short": {"type": "string", "maxLength": 9}}}"#),
/// ]);
/// ```
///
/// A type of values that one of them allows, by the derive macro [`Checked`](macro@crate::Checked):
///
/// ```
/// use eventwright::payload::{decode, encode, Schemas};
/// use eventwright::{Checked, Json, Reading, Vetted};
///
/// static SCHEMAS: Schemas = Schemas::new(&[(
///     "https://example.org/order.json",
///     r#"{"properties": {"total": {"type": "number", "not": {"multipleOf": 0.01}}}}"#,
/// )]);
///
/// #[derive(Clone, PartialEq, Checked)]
/// #[checked(schemas = SCHEMAS, at = "https://example.org/order.json#/properties/total")]
/// pub struct Total(Vetted<Json>);
///
/// let total: Total = decode(b"19.999", Reading::Strict)?;
/// assert_eq!(encode(&total)?, "19.999");
/// assert_eq!(Total::new(5.into()).unwrap_err().to_string(), "the value breaks the rule `not` of the schema");
/// let error = decode::<Total>(b"19.99", Reading::Strict).unwrap_err();
/// assert_eq!(error.to_string(), "document: breaks the rule `not` of the schema");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Schemas {
    documents: &'static [(&'static str, &'static str)],
    asserts_formats: bool,
    read: OnceLock<Result<Registry<'static>, Invalid>>,
}

/// How many steps back a pattern may take to match one text: some milliseconds.
const MOST_STEPS_BACK: usize = 100_000;

impl Schemas {
    /// Documents and the absolute URIs by which they are known.
    #[must_use]
    pub const fn new(documents: &'static [(&'static str, &'static str)]) -> Self {
        Self { documents, asserts_formats: true, read: OnceLock::new() }
    }

    /// Makes `format` an annotation, as it is in draft 2020-12 unless its metaschema says otherwise: it refuses nothing.
    #[must_use]
    pub const fn annotate_formats(mut self) -> Self {
        self.asserts_formats = false;
        self
    }

    /// Compiles the schema at a place in the documents.
    ///
    /// # Errors
    /// Where the documents are not schemas, or refer to what is not among them.
    pub(super) fn compile(&self, at: &str) -> Result<Validator<Exact>, Invalid> {
        let read = self.read.get_or_init(|| read(self.documents).map_err(|error| bug(&*error)));
        let registry = read.as_ref().map_err(Clone::clone)?;
        compile(registry, &reference(self.documents, at), self.asserts_formats).map_err(|error| bug(&error))
    }
}

/// Holds values against schemas in documents that are not part of the program: for the generator, which holds examples against the
/// schemas that they are in. Each value is JSON, with the URI of its schema; the outcomes are in their order.
///
/// # Errors
/// Where the documents are not schemas, or refer to what is not among them.
#[doc(hidden)]
pub fn judge<'v>(
    documents: &[(&str, &str)],
    asserts_formats: bool,
    values: impl IntoIterator<Item = (&'v str, &'v str)>,
) -> Result<Vec<Result<(), Invalid>>, String> {
    let registry = read(documents).map_err(|error| error.to_string())?;
    let mut outcomes = Vec::new();
    for (at, value) in values {
        let validator =
            compile(&registry, &reference(documents, at), asserts_formats).map_err(|error| error.to_string())?;
        outcomes.push(value.parse().and_then(|value| Ok(super::hold(&validator, &value, false)?)));
    }
    Ok(outcomes)
}

fn compile(
    registry: &Registry<'static>,
    schema: &Value,
    asserts_formats: bool,
) -> Result<Validator<Exact>, ValidationError<'static>> {
    let mut options = keywords::with_ours(jsonschema::options_for::<Exact>())
        .with_registry(registry)
        .offline()
        .should_validate_formats(asserts_formats)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(MOST_STEPS_BACK));
    for name in format::NAMES {
        if let Some(holds) = format::check(name) {
            options = options.with_format(name, holds);
        }
    }
    options.build(schema)
}

fn read(documents: &[(&str, &str)]) -> Result<Registry<'static>, Box<dyn Error>> {
    let mut read = Vec::with_capacity(documents.len());
    for (uri, text) in documents {
        let document: Json = text.parse().map_err(|invalid| format!("{uri}: {invalid}"))?;
        read.push((*uri, keywords::to_schema(&document)));
    }
    // all metaschemas: by itself, a registry has those of one draft
    let registry = SPECIFICATIONS.extend(read)?;
    Ok(registry.retriever(Arc::new(Nowhere) as Arc<dyn Retrieve>).prepare()?)
}

/// A schema that refers to the one at a place, of the draft of the document there.
fn reference(documents: &[(&str, &str)], at: &str) -> Value {
    let uri = at.split_once('#').map_or(at, |(uri, _)| uri);
    let document = documents.iter().find(|(other, _)| other.trim_end_matches('#') == uri);
    let draft = document.and_then(|(_, text)| {
        let document: Map<String, Value> = serde_json::from_str(text).ok()?;
        document.get("$schema").cloned()
    });
    match draft {
        Some(draft) => json!({ "$schema": draft, "$ref": at }),
        None => json!({ "$ref": at }),
    }
}

/// The schemas stand in generated code: whoever reads this can only report it.
#[cold]
fn bug(error: &dyn fmt::Display) -> Invalid {
    Invalid::new(format!(
        "can't be checked, as its schema does not compile, which is a bug of the code generator: {error}"
    ))
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.documents.iter().map(|(uri, _)| uri)).finish()
    }
}

/// Where documents are fetched that are not there.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Err(format!("there is no document `{uri}`").into())
    }
}
