//! What the references of a document point to, and whether names match its patterns.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Value, json};

pub(crate) struct References<'s> {
    document: &'s Value,
    patterns: RefCell<HashMap<String, jsonschema::Validator>>,
}

impl<'s> References<'s> {
    pub(crate) fn new(document: &'s Value) -> Self {
        Self { document, patterns: RefCell::default() }
    }

    /// The target of a `$ref` of the forms that the author writes. A `#` in a definition with an `$id` of its own means that definition
    /// and is followed to the root: who makes instances may be wrong.
    pub(crate) fn follow(&self, reference: &str) -> Option<&'s Value> {
        let (file, fragment) = file_and_fragment(reference);
        if let Some(target) = self.definition("$id", file).filter(|_| !file.is_empty()) {
            return Some(target);
        }
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.document.pointer(fragment);
        }
        self.definition("$anchor", fragment)
    }

    fn definition(&self, keyword: &str, value: &str) -> Option<&'s Value> {
        self.document.get("$defs")?.as_object()?.values().find(|definition| definition[keyword] == value)
    }

    pub(crate) fn matches(&self, pattern: &str, name: &str) -> bool {
        let mut patterns = self.patterns.borrow_mut();
        let validator = patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| jsonschema::validator_for(&json!({ "pattern": pattern })).expect("a pattern"));
        validator.is_valid(&name.into())
    }
}

pub(crate) fn file_and_fragment(reference: &str) -> (&str, &str) {
    reference.split_once('#').unwrap_or((reference, ""))
}
