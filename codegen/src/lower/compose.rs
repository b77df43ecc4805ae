//! `allOf`, and `$ref` with constraints beside it: schemas that hold together, merged into one.
//!
//! The merge is an intersection of keyword maps, and exact: what it can't express as one map is refused. It looks at one level
//! only. A property that two parts describe becomes an `allOf` of the two, to be merged when its turn comes.

use std::cmp::Ordering;

use super::keywords::is_annotation;
use crate::diagnostics::Problems;
use crate::link::Linked;
use crate::node::{Member, Node, Value};

/// So many schemas referring to one another end in themselves.
const LONGEST_CHAIN: usize = 64;

/// Whether the schema needs [`merged`] before its keywords can be read.
pub(super) fn is_composed(node: &Node) -> bool {
    node.get("allOf").is_some() || node.get("$ref").is_some()
}

/// The one schema that says what all parts say; none, and a problem on record, where there is none.
pub(super) fn merged(node: &Node, linked: &Linked<'_>, problems: &mut Problems) -> Option<Node> {
    Merge { linked, problems }.flat(node, 0).map(|members| Node { span: node.span, value: Value::Object(members) })
}

struct Merge<'a, 'p> {
    linked: &'a Linked<'a>,
    problems: &'p mut Problems,
}

impl Merge<'_, '_> {
    /// The schema's members without `$ref` and `allOf`. Its own come first: they word the annotations.
    fn flat(&mut self, node: &Node, depth: usize) -> Option<Vec<Member>> {
        if depth > LONGEST_CHAIN {
            self.problems.error(node.span, "the schema refers to itself and never says what it is");
            return None;
        }
        let members = match &node.value {
            Value::Object(members) => members,
            Value::Bool(true) => return Some(Vec::new()),
            _ => {
                self.problems.error(node.span, format!("a part of `allOf` must be an object, not {}", node.kind()));
                return None;
            }
        };
        let mut whole: Vec<Member> = members
            .iter()
            .filter(|member| !matches!(member.key.as_str(), "$ref" | "allOf" | "$defs"))
            .cloned()
            .collect();
        if let Some(reference) = node.get("$ref") {
            // one that leads nowhere is on record since link
            let target = self.linked.target(reference)?;
            let part = self.flat(target, depth + 1)?;
            whole = self.both(whole, part)?;
        }
        if let Some(all_of) = node.get("allOf") {
            let Some(parts) = all_of.as_array().filter(|parts| !parts.is_empty()) else {
                self.problems.error(all_of.span, "`allOf` must be a list of schemas that is not empty");
                return None;
            };
            for part in parts {
                let part = self.flat(part, depth + 1)?;
                whole = self.both(whole, part)?;
            }
        }
        Some(whole)
    }

    fn both(&mut self, a: Vec<Member>, b: Vec<Member>) -> Option<Vec<Member>> {
        self.closed_to(&a, &b)?;
        self.closed_to(&b, &a)?;
        let mut whole = a;
        for member in b {
            match whole.iter_mut().find(|mine| mine.key == member.key) {
                Some(mine) => mine.value = self.same_keyword(mine, &member)?,
                None => whole.push(member),
            }
        }
        Some(whole)
    }

    /// `additionalProperties` sees the `properties` beside it only (JSON Schema core, section 10.3.2.3), so a property of the other
    /// part falls under it.
    fn closed_to(&mut self, part: &[Member], other: &[Member]) -> Option<()> {
        let Some(additional) = find(part, "additionalProperties") else { return Some(()) };
        if matches!(additional.value.value, Value::Bool(true)) {
            return Some(());
        }
        let known = find(part, "properties").map(|properties| properties.value.members()).unwrap_or_default();
        let others = find(other, "properties").map(|properties| properties.value.members()).unwrap_or_default();
        let mut fits = true;
        for property in others.iter().filter(|property| find(known, &property.key).is_none()) {
            self.problems
                .error(
                    property.key_span,
                    format!("another part of `allOf` does not allow the property `{}`", property.key),
                )
                .related(additional.key_span, "this part is closed to properties that it does not name")
                .help("close the whole by naming all properties in one schema, or leave the parts open");
            fits = false;
        }
        fits.then_some(())
    }

    fn same_keyword(&mut self, a: &Member, b: &Member) -> Option<Node> {
        let keyword = a.key.as_str();
        if keyword == "x-sensitive" {
            let sensitive = [a, b].into_iter().find(|member| member.value.value == Value::Bool(true));
            return Some(sensitive.unwrap_or(a).value.clone());
        }
        if is_annotation(keyword) || a.value.same_json(&b.value) {
            return Some(a.value.clone());
        }
        match keyword {
            "type" => self.common(a, b, type_list, common_type),
            "enum" => self.common(a, b, |node| node.as_array().map(<[Node]>::to_vec), common_value),
            "required" => self.united(a, b),
            "properties" => self.properties(a, b),
            "items" | "additionalProperties" => self.schemas(a, b),
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" => self.tighter(a, b, Ordering::Greater),
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" => self.tighter(a, b, Ordering::Less),
            "uniqueItems" => {
                let unique = [a, b].into_iter().find(|member| member.value.value == Value::Bool(true));
                unique.map(|member| member.value.clone()).or_else(|| self.refuse(a, b))
            }
            _ => self.refuse(a, b),
        }
    }

    /// What two lists have in common.
    fn common(
        &mut self,
        a: &Member,
        b: &Member,
        list: fn(&Node) -> Option<Vec<Node>>,
        common: fn(&Node, &[Node]) -> Option<Node>,
    ) -> Option<Node> {
        let (Some(mine), Some(theirs)) = (list(&a.value), list(&b.value)) else { return self.refuse(a, b) };
        let both: Vec<Node> = mine.iter().filter_map(|item| common(item, &theirs)).collect();
        if both.is_empty() {
            self.problems
                .error(b.value.span, format!("nothing can satisfy both values of `{}`", b.key))
                .related(a.value.span, "the other one");
            return None;
        }
        Some(Node { span: a.value.span, value: Value::Array(both) })
    }

    fn united(&mut self, a: &Member, b: &Member) -> Option<Node> {
        let (Some(mine), Some(theirs)) = (a.value.as_array(), b.value.as_array()) else { return self.refuse(a, b) };
        let mut all = mine.to_vec();
        all.extend(theirs.iter().filter(|item| !mine.iter().any(|other| other.same_json(item))).cloned());
        Some(Node { span: a.value.span, value: Value::Array(all) })
    }

    fn properties(&mut self, a: &Member, b: &Member) -> Option<Node> {
        let (Value::Object(mine), Value::Object(theirs)) = (&a.value.value, &b.value.value) else {
            return self.refuse(a, b);
        };
        let mut all = mine.clone();
        for property in theirs {
            match all.iter_mut().find(|mine| mine.key == property.key) {
                Some(mine) => mine.value = both_hold(&mine.value, &property.value),
                None => all.push(property.clone()),
            }
        }
        Some(Node { span: a.value.span, value: Value::Object(all) })
    }

    fn schemas(&mut self, a: &Member, b: &Member) -> Option<Node> {
        let is = |member: &Member, wanted: bool| member.value.value == Value::Bool(wanted);
        if is(a, true) || is(b, false) {
            return Some(b.value.clone());
        }
        if is(b, true) || is(a, false) {
            return Some(a.value.clone());
        }
        Some(both_hold(&a.value, &b.value))
    }

    fn tighter(&mut self, a: &Member, b: &Member, wins: Ordering) -> Option<Node> {
        let Some(order) = compared(&a.value, &b.value) else { return self.refuse(a, b) };
        Some(if order == wins { a.value.clone() } else { b.value.clone() })
    }

    fn refuse<T>(&mut self, a: &Member, b: &Member) -> Option<T> {
        self.problems
            .error(b.key_span, format!("`allOf` can't merge two different values of `{}`", b.key))
            .related(a.key_span, "the other one")
            .help("write one schema that says both");
        None
    }
}

fn find<'a>(members: &'a [Member], key: &str) -> Option<&'a Member> {
    members.iter().find(|member| member.key == key)
}

fn both_hold(a: &Node, b: &Node) -> Node {
    let parts = Node { span: a.span, value: Value::Array(vec![a.clone(), b.clone()]) };
    let all_of = Member { key: "allOf".to_owned(), key_span: a.span, value: parts };
    Node { span: a.span, value: Value::Object(vec![all_of]) }
}

fn type_list(node: &Node) -> Option<Vec<Node>> {
    match &node.value {
        Value::String(_) => Some(vec![node.clone()]),
        Value::Array(types) => Some(types.clone()),
        _ => None,
    }
}

fn common_value(item: &Node, list: &[Node]) -> Option<Node> {
    list.iter().any(|other| other.same_json(item)).then(|| item.clone())
}

/// Every integer is a number.
fn common_type(item: &Node, list: &[Node]) -> Option<Node> {
    let named = |name: &str| list.iter().find(|other| other.as_str() == Some(name));
    common_value(item, list).or_else(|| match item.as_str() {
        Some("number") => named("integer").cloned(),
        Some("integer") => named("number").map(|_| item.clone()),
        _ => None,
    })
}

/// Integers by their own value: as floats, two that differ past 2^53 could look equal.
fn compared(a: &Node, b: &Node) -> Option<Ordering> {
    let (Value::Number(a), Value::Number(b)) = (&a.value, &b.value) else { return None };
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}
