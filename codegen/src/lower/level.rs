//! One schema in the words of draft 2020-12, whatever its dialect.
//!
//! Only the schema's own level is put into other words: what stands in it keeps its place and its dialect.

use std::borrow::Cow;

use super::compose;
use crate::link::Resources;
use crate::node::{Member, Node, Value};
use crate::vocabulary::Dialect;

/// The schema as draft 2020-12 says it. Whoever looks for keywords looks here.
pub(super) fn level<'n>(node: &'n Node, resources: &Resources<'_>) -> Cow<'n, Node> {
    let level = modern(node, resources.dialect(node.span));
    match resources.without(node.span.file) {
        Some(keyword) if !compose::is_made_up(node) => Cow::Owned(without(keyword, &level)),
        _ => level,
    }
}

/// The schema without a keyword, or for `null` without that name in its `type`.
fn without(keyword: &str, level: &Node) -> Node {
    let mut level = level.clone();
    if let Value::Object(members) = &mut level.value {
        members.retain(|member| member.key != keyword);
        for types in members.iter_mut().filter(|member| keyword == "null" && member.key == "type") {
            if let Value::Array(names) = &mut types.value.value {
                names.retain(|name| name.as_str() != Some("null"));
            }
        }
    }
    level
}

fn modern(node: &Node, dialect: Dialect) -> Cow<'_, Node> {
    if dialect == Dialect::Draft202012 || !matches!(node.value, Value::Object(_)) {
        return dynamic(node);
    }
    if let Some(reference) = node.members().iter().find(|member| member.key == "$ref") {
        return Cow::Owned(Node { span: node.span, value: Value::Object(vec![reference.clone()]) });
    }
    let has_list = node.get("items").is_some_and(|items| items.as_array().is_some());
    let mut members = Vec::new();
    for member in node.members() {
        match member.key.as_str() {
            "items" if has_list => {
                // an empty list, which draft 2020-12 does not allow, says nothing
                members.extend(Some(renamed(member, "prefixItems")).filter(|list| list.value.as_array() != Some(&[])));
            }
            "additionalItems" if has_list => members.push(renamed(member, "items")),
            "additionalItems" => {}
            "dependencies" => dependencies(member, &mut members),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if dialect == Dialect::Draft4 => {
                members.extend(bound(member, node));
            }
            _ => members.push(member.clone()),
        }
    }
    Cow::Owned(Node { span: node.span, value: Value::Object(members) })
}

/// A `$dynamicRef` that is let through is a `$ref`.
fn dynamic(node: &Node) -> Cow<'_, Node> {
    if node.get("$dynamicRef").is_none() || node.get("$ref").is_some() {
        return Cow::Borrowed(node);
    }
    let rename = |member: &Member| if member.key == "$dynamicRef" { renamed(member, "$ref") } else { member.clone() };
    Cow::Owned(Node { span: node.span, value: Value::Object(node.members().iter().map(rename).collect()) })
}

fn renamed(member: &Member, key: &str) -> Member {
    Member { key: key.to_owned(), ..member.clone() }
}

fn dependencies(member: &Member, members: &mut Vec<Member>) {
    let (required, schemas): (Vec<Member>, Vec<Member>) =
        member.value.members().iter().cloned().partition(|one| one.value.as_array().is_some());
    for (key, part) in [("dependentRequired", required), ("dependentSchemas", schemas)] {
        if !part.is_empty() {
            let value = Node { span: member.value.span, value: Value::Object(part) };
            members.push(Member { key: key.to_owned(), key_span: member.key_span, value });
        }
    }
}

/// Draft-04 says beside a bound that it is exclusive.
fn bound(member: &Member, node: &Node) -> Option<Member> {
    let exclusive = match member.key.as_str() {
        "minimum" => "exclusiveMinimum",
        "maximum" => "exclusiveMaximum",
        _ => return None,
    };
    let is_exclusive = node.get(exclusive).is_some_and(|flag| flag.value == Value::Bool(true));
    Some(if is_exclusive { renamed(member, exclusive) } else { member.clone() })
}
