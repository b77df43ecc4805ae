//! Keywords are *taken* by the rule that enforces them. What nothing took is refused: a keyword is never dropped.

use crate::diagnostics::{Problems, did_you_mean};
use crate::model::Docs;
use crate::node::{Member, Node, Value};

/// Keywords that assert nothing (JSON Schema validation, section 9; content, section 8), and what a schema says of itself.
const ANNOTATIONS: [&str; 15] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
    "x-rust-name",
];

/// Keywords that some rule takes.
const SUPPORTED: [&str; 20] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "uniqueItems",
];

/// Keywords of draft 2020-12 that no rule takes yet.
const UNSUPPORTED: [&str; 24] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$vocabulary",
    "anyOf",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "maxProperties",
    "minContains",
    "minProperties",
    "multipleOf",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "dependencies",
];

const SENSITIVE: &str = "x-sensitive";

pub(super) fn is_annotation(keyword: &str) -> bool {
    keyword == SENSITIVE || ANNOTATIONS.contains(&keyword)
}

/// The keywords of one schema that nothing has taken yet.
pub(super) struct Keywords<'a> {
    left: Vec<&'a Member>,
}

/// What the annotations of a schema say.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    pub(super) docs: Docs,
    pub(super) sensitive: bool,
    pub(super) deprecated: bool,
    pub(super) rust_name: Option<String>,
}

impl<'a> Keywords<'a> {
    /// None, and a problem on record, where the node is no schema that could become a type.
    pub(super) fn of(node: &'a Node, problems: &mut Problems) -> Option<Keywords<'a>> {
        match &node.value {
            Value::Object(members) => return Some(Keywords { left: members.iter().collect() }),
            Value::Bool(true) => problems
                .error(node.span, "a schema that allows any value is not supported yet")
                .help("say what the value is, at least its `type`"),
            Value::Bool(false) => problems.error(node.span, "nothing can satisfy the schema `false`"),
            _ => problems.error(node.span, format!("a schema is an object, not {}", node.kind())),
        };
        None
    }

    pub(super) fn take(&mut self, keyword: &str) -> Option<&'a Node> {
        let index = self.left.iter().position(|member| member.key == keyword)?;
        Some(&self.left.remove(index).value)
    }

    /// Takes the keyword where its value is of the kind that a rule enforces.
    pub(super) fn take_if(&mut self, keyword: &str, fits: fn(&Node) -> bool) -> Option<&'a Node> {
        let found = self.left.iter().find(|member| member.key == keyword)?;
        if fits(&found.value) { self.take(keyword) } else { None }
    }

    pub(super) fn has(&self, keyword: &str) -> bool {
        self.left.iter().any(|member| member.key == keyword)
    }

    /// Takes all annotations; one of the wrong type is an error.
    pub(super) fn take_notes(&mut self, problems: &mut Problems) -> Option<Notes> {
        let notes = Notes {
            docs: Docs { title: self.text("title", problems)?, description: self.text("description", problems)? },
            sensitive: self.flag(SENSITIVE, problems)?,
            deprecated: self.flag("deprecated", problems)?,
            rust_name: self.text("x-rust-name", problems)?,
        };
        self.left.retain(|member| !is_annotation(&member.key));
        Some(notes)
    }

    /// Refuses what is left, a problem for each keyword. `what` is what the schema describes: "a string".
    pub(super) fn finish(self, what: &str, problems: &mut Problems) -> Option<()> {
        let complete = self.left.is_empty();
        for member in self.left {
            refuse(member, what, problems);
        }
        complete.then_some(())
    }

    fn text(&mut self, keyword: &str, problems: &mut Problems) -> Option<Option<String>> {
        let Some(node) = self.take(keyword) else { return Some(None) };
        match node.as_str() {
            Some(text) => Some(Some(text.to_owned())),
            None => wrong_type(keyword, node, "a string", problems),
        }
    }

    fn flag(&mut self, keyword: &str, problems: &mut Problems) -> Option<bool> {
        let Some(node) = self.take(keyword) else { return Some(false) };
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => wrong_type(keyword, node, "a boolean", problems),
        }
    }
}

/// Puts on record that a keyword's value is of the wrong type.
pub(super) fn wrong_type<T>(keyword: &str, node: &Node, expected: &str, problems: &mut Problems) -> Option<T> {
    problems.error(node.span, format!("`{keyword}` must be {expected}, not {}", node.kind()));
    None
}

fn refuse(member: &Member, what: &str, problems: &mut Problems) {
    let keyword = member.key.as_str();
    if SUPPORTED.contains(&keyword) {
        problems
            .error(member.key_span, format!("`{keyword}` is not supported on {what}"))
            .help("remove it: a keyword that the types can't enforce must not look as if it counted");
        return;
    }
    if UNSUPPORTED.contains(&keyword) {
        problems
            .error(member.key_span, format!("the keyword `{keyword}` is not supported yet"))
            .help("say it with other keywords, or leave it out: a keyword is enforced or refused, never ignored");
        return;
    }
    let known = SUPPORTED.into_iter().chain(ANNOTATIONS).chain(UNSUPPORTED).chain([SENSITIVE]);
    let help = did_you_mean(keyword, known)
        .unwrap_or_else(|| "JSON Schema has no such keyword; put remarks into `$comment`".to_owned());
    problems.error(member.key_span, format!("unknown keyword `{keyword}`")).help(help);
}
