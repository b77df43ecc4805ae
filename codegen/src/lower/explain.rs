//! What became of each schema's constraints.

use super::compose::Part;
use super::schema::Types;
use crate::model::{Class, Explained};
use crate::node::{Node, Span};
use crate::vocabulary::{Judges, keyword_of, subschemas};

/// Keywords whose rule is checked when a value is read or made; the others shape the type.
const CHECKED: [&str; 11] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "uniqueItems",
    "multipleOf",
];

impl Types<'_, '_> {
    /// Puts on record what became of the schema's keywords: some are left to a check of the whole, some to rules.
    pub(super) fn explain(&mut self, node: &Node, left: &[String], rules: &[String]) {
        self.record(node, |key| match key {
            "allOf" | "$ref" if left.iter().any(|left| node.get(left).is_none() && renamed(left) != key) => {
                Class::Whole
            }
            _ if left.iter().any(|left| left == key || renamed(left) == key) => Class::Whole,
            _ if CHECKED.contains(&key) || rules.iter().any(|rule| rule == key || renamed(rule) == key) => {
                Class::Checked
            }
            _ => Class::Typed,
        });
        // schemas in keywords that were left are in no type
        let dialect = self.linked.resources.dialect(node.span);
        for member in node.members().iter().filter(|member| left.contains(&member.key)) {
            for schema in subschemas(member, dialect) {
                self.explain_below(schema);
            }
        }
    }

    /// All of the schema's keywords are of one class.
    pub(super) fn explain_as(&mut self, node: &Node, class: Class) {
        self.record(node, |_| class);
    }

    /// The schema and those in it are left to a check of the whole.
    pub(super) fn explain_below(&mut self, node: &Node) {
        self.record(node, |_| Class::Whole);
        let dialect = self.linked.resources.dialect(node.span);
        for member in node.members() {
            for schema in subschemas(member, dialect) {
                self.explain_below(schema);
            }
        }
    }

    /// The part of a merged schema is enforced by the type that it is merged into.
    pub(super) fn explain_part(&mut self, part: &Part) {
        let keywords: Vec<&str> = part.keywords.iter().map(String::as_str).collect();
        self.put(part.span, &keywords, natively);
    }

    fn record(&mut self, node: &Node, class: impl Fn(&str) -> Class) {
        let keywords: Vec<&str> = node.members().iter().map(|member| member.key.as_str()).collect();
        self.put(node.span, &keywords, class);
    }

    fn put(&mut self, at: Span, keywords: &[&str], class: impl Fn(&str) -> Class) {
        let source = self.linked.sources.get(at.file);
        let dialect = self.linked.resources.dialect(at);
        let asserts = |key: &str| keyword_of(key, dialect).is_some_and(|keyword| keyword.judges != Judges::Nothing);
        let asserting = keywords.iter().filter(|key| asserts(key));
        let keywords = asserting.map(|key| ((*key).to_owned(), class(key))).collect();
        let pointer = source.root.as_ref().map(|root| root.pointer_of(at)).unwrap_or_default();
        self.explained.push(Explained { file: source.shown.clone(), pointer, keywords });
    }
}

fn natively(keyword: &str) -> Class {
    if CHECKED.contains(&keyword) { Class::Checked } else { Class::Typed }
}

/// What an older draft calls the keyword.
fn renamed(keyword: &str) -> &str {
    match keyword {
        "dependentRequired" | "dependentSchemas" => "dependencies",
        "prefixItems" => "items",
        "items" => "additionalItems",
        other => other,
    }
}

/// In the order of files and pointers, each schema once: one that several refer to is read several times.
pub(super) fn sorted(mut explained: Vec<Explained>) -> Vec<Explained> {
    explained.sort_by(|a, b| (&a.file, &a.pointer).cmp(&(&b.file, &b.pointer)));
    explained.dedup_by(|later, first| {
        let same = (&later.file, &later.pointer) == (&first.file, &first.pointer);
        // in a type and also in one that is checked as a whole
        if same && !later.is_native() {
            first.keywords = std::mem::take(&mut later.keywords);
        }
        same
    });
    explained
}
