//! Schemas as tolerant reading takes them: closed objects are open, and of words any string will do.
//!
//! What is beneath `oneOf`, `not`, `if` and `contains` stays as it is: there, a schema that allows more makes the whole allow less. But
//! where a property tells the schemas of a `oneOf` apart, all is relaxed in them besides that property.
//!
//! A relaxed document is a copy with a URI of its own. It gives nothing else a name, so that nothing has two: what referred to an
//! `$id` or an anchor refers to a place in a document instead.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::documents::{document, reached};
use super::strings::are_words;
use super::unions::told_apart;
use crate::link::{Linked, Target};
use crate::model::Document;
use crate::node::{FileId, Member, Node, Span, Value};
use crate::vocabulary::{Dialect, Form, keyword_of, subschemas};

/// The place of the same schema in the relaxed document.
pub(super) fn uri(at: &str) -> String {
    format!("relaxed:{at}")
}

/// The files and all that they refer to, relaxed.
pub(super) fn documents(files: &BTreeSet<FileId>, linked: &Linked<'_>) -> Vec<Document> {
    let mut documents = Vec::new();
    for source in reached(files, linked).into_iter().map(|file| linked.sources.get(file)) {
        let Some(root) = &source.root else { continue };
        let dialect = linked.resources.dialect(root.span);
        let json = document(&Relax { linked }.schema(root, true), dialect);
        documents.push(Document { uri: uri(&source.uri), json });
    }
    documents
}

/// Which schemas are others when relaxed.
#[derive(Default)]
pub(super) struct Leniency {
    known: HashMap<Span, bool>,
}

impl Leniency {
    /// Whether there is something to relax in the schema, or in what it refers to. It may say so of what turns out to be beneath a `not`.
    pub(super) fn differs(&mut self, schema: &Node, linked: &Linked<'_>) -> bool {
        // in the order of their distance, each with the index of the one that led to it
        let mut seen = vec![(schema, 0)];
        let mut spans = HashSet::from([schema.span]);
        let mut next = 0;
        while let Some(&(node, _)) = seen.get(next) {
            let known = self.known.get(&node.span).copied();
            if known.unwrap_or_else(|| node.members().iter().any(|member| closes(member) || words(member).is_some())) {
                let on_the_way = std::iter::successors(Some(next), |index| (*index > 0).then(|| seen[*index].1));
                self.known.extend(on_the_way.map(|index| (seen[index].0.span, true)));
                return true;
            }
            if known.is_none() {
                let dialect = linked.resources.dialect(node.span);
                let within = node.members().iter().flat_map(|member| subschemas(member, dialect));
                let targets = references(node).filter_map(|reference| linked.target(reference)?.schema());
                seen.extend(within.chain(targets).filter(|node| spans.insert(node.span)).map(|node| (node, next)));
            }
            next += 1;
        }
        self.known.extend(spans.into_iter().map(|span| (span, false)));
        false
    }
}

struct Relax<'a, 'l> {
    linked: &'l Linked<'a>,
}

impl Relax<'_, '_> {
    fn schema(&self, node: &Node, lenient: bool) -> Node {
        let Value::Object(members) = &node.value else { return node.clone() };
        let dialect = self.linked.resources.dialect(node.span);
        let mut relaxed = Vec::new();
        let mut also = Vec::new();
        for one in members {
            let copy = |value| Member { value, ..one.clone() };
            let span = one.value.span;
            match one.key.as_str() {
                "$id" | "id" | "$anchor" | "$dynamicAnchor" | "title" | "description" | "$comment" => {}
                "$ref" => relaxed.push(copy(self.reference(&one.value, lenient))),
                "$dynamicRef" => also.push(object("$ref", self.reference(&one.value, lenient), span)),
                "not" | "if" | "contains" => relaxed.push(copy(self.schema(&one.value, false))),
                "oneOf" => relaxed.push(copy(self.one_of(&one.value, dialect, lenient))),
                _ if lenient && closes(one) => relaxed.push(copy(Node { span, value: Value::Bool(true) })),
                _ => match words(one).filter(|_| lenient) {
                    Some(types) => also.push(object("type", types, span)),
                    None => relaxed.push(copy(self.value(one, dialect, lenient))),
                },
            }
        }
        let relaxed = Node { span: node.span, value: Value::Object(relaxed) };
        also.into_iter().fold(relaxed, also_holds)
    }

    /// A keyword's value with the schemas in it relaxed.
    fn value(&self, member: &Member, dialect: Dialect, lenient: bool) -> Node {
        let one = |node: &Node| self.schema(node, lenient);
        let value = &member.value;
        let form = keyword_of(&member.key, dialect).map(|keyword| keyword.form);
        let copy = match (form, &value.value) {
            (Some(Form::Schema), _) => return one(value),
            (Some(Form::SchemaOrList), Value::Object(_)) => return one(value),
            (Some(Form::Schemas | Form::SchemaOrList), Value::Array(schemas)) => {
                Value::Array(schemas.iter().map(one).collect())
            }
            (Some(Form::Map | Form::PatternMap | Form::Dependencies), Value::Object(schemas)) => {
                let named = |member: &Member| Member { value: one(&member.value), ..member.clone() };
                Value::Object(schemas.iter().map(named).collect())
            }
            _ => return value.clone(),
        };
        Node { span: value.span, value: copy }
    }

    fn one_of(&self, value: &Node, dialect: Dialect, lenient: bool) -> Node {
        let schemas = value.as_array().unwrap_or_default();
        let Some((tag, values)) = told_apart(schemas, self.linked).filter(|_| lenient) else {
            let schemas = schemas.iter().map(|schema| self.schema(schema, false));
            return Node { span: value.span, value: Value::Array(schemas.collect()) };
        };
        let schemas = schemas.iter().zip(values).map(|(schema, value)| {
            let relaxed = self.schema(schema, true);
            let Some(value) = value else { return relaxed };
            let span = schema.span;
            let values = Node { span, value: Value::Array(vec![text(value, span)]) };
            let says = object("properties", object(&tag, object("enum", values, span), span), span);
            match dialect.ref_stands_alone() && relaxed.get("$ref").is_some() {
                true => object("allOf", Node { span, value: Value::Array(vec![relaxed, says]) }, span),
                false => also_holds(relaxed, says),
            }
        });
        Node { span: value.span, value: Value::Array(schemas.collect()) }
    }

    fn reference(&self, value: &Node, lenient: bool) -> Node {
        let Some(Target::Schema(target)) = self.linked.target(value) else { return value.clone() };
        let at = self.linked.location(target.span);
        text(if lenient { uri(&at) } else { at }, value.span)
    }
}

/// Whether the keyword allows no properties but those that are named.
fn closes(member: &Member) -> bool {
    matches!(member.key.as_str(), "additionalProperties" | "unevaluatedProperties")
        && member.value.value == Value::Bool(false)
}

/// The types of the words that a keyword lists, of which one may be null; none where there are other values among them.
fn words(member: &Member) -> Option<Node> {
    let values = match member.key.as_str() {
        "const" => std::slice::from_ref(&member.value),
        "enum" => member.value.as_array()?,
        _ => return None,
    };
    let types = if are_words(values)? { &["null", "string"][..] } else { &["string"] };
    let span = member.value.span;
    Some(Node { span, value: Value::Array(types.iter().map(|name| text((*name).to_owned(), span)).collect()) })
}

fn references(node: &Node) -> impl Iterator<Item = &Node> {
    let members = node.members().iter().filter(|member| matches!(member.key.as_str(), "$ref" | "$dynamicRef"));
    members.map(|member| &member.value)
}

/// The schema with another one that holds as well.
fn also_holds(mut schema: Node, other: Node) -> Node {
    if let Value::Object(members) = &mut schema.value {
        match members.iter_mut().find(|member| member.key == "allOf").map(|all| &mut all.value.value) {
            Some(Value::Array(all)) => all.push(other),
            _ => {
                let span = other.span;
                members.push(member("allOf", Node { span, value: Value::Array(vec![other]) }));
            }
        }
    }
    schema
}

fn object(key: &str, value: Node, span: Span) -> Node {
    Node { span, value: Value::Object(vec![member(key, value)]) }
}

fn member(key: &str, value: Node) -> Member {
    Member { key: key.to_owned(), key_span: value.span, value }
}

fn text(text: String, span: Span) -> Node {
    Node { span, value: Value::String(text) }
}
