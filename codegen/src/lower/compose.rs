//! `allOf`, and `$ref` with constraints beside it: schemas that hold together, merged into one.
//!
//! The merge is an intersection of keyword maps, and exact: where one map can't express it, there is no merged schema. It looks at
//! one level only. A property that two parts describe becomes an `allOf` of the two, to be merged when its turn comes.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::level::level;
use crate::diagnostics::Problems;
use crate::link::{Linked, Target};
use crate::node::{Member, Node, Span, Value};
use crate::vocabulary::is_annotation;

/// So many schemas referring to one another end in themselves.
const LONGEST_CHAIN: usize = 64;

/// Why there is no merged schema.
pub(super) enum Unmerged {
    /// It takes more than one map of keywords to say it.
    Inexpressible,
    /// It can't be right, which is on record.
    Wrong,
}

type Merged<T> = Result<T, Unmerged>;

/// Whether the schema needs [`merged`] before its keywords can be read.
pub(super) fn is_composed(node: &Node) -> bool {
    node.get("allOf").is_some() || node.get("$ref").is_some()
}

/// The one schema that says what all parts say, and the parts.
pub(super) fn merged<'a>(node: &Node, linked: &'a Linked<'a>, problems: &mut Problems) -> Merged<(Node, Vec<Part>)> {
    let mut merge = Merge { linked, problems, parts: Vec::new() };
    let members = merge.flat(node, 0)?;
    Ok((Node { span: node.span, value: Value::Object(members) }, merge.parts))
}

/// A schema that is part of a merged one: where it stands, and its keywords.
pub(super) struct Part {
    pub(super) span: Span,
    pub(super) keywords: Vec<String>,
}

/// Whether the schema was made up by a merge, and stands in no file.
pub(super) fn is_made_up(node: &Node) -> bool {
    node.members().first().is_some_and(|member| member.key_span == node.span)
}

/// A schema in place of the given one that stands in no file.
pub(super) fn made_up(node: &Node) -> Node {
    both_hold(node, node)
}

/// Where the whole has its properties: many parts may each add some.
type Places = HashMap<String, usize>;

struct Merge<'a, 'p> {
    linked: &'a Linked<'a>,
    problems: &'p mut Problems,
    parts: Vec<Part>,
}

impl Merge<'_, '_> {
    /// The schema's members without `$ref` and `allOf`. Its own come first: they word the annotations.
    fn flat(&mut self, node: &Node, depth: usize) -> Merged<Vec<Member>> {
        if depth > LONGEST_CHAIN {
            self.problems.error(node.span, "the schema refers to itself and never says what it is");
            return Err(Unmerged::Wrong);
        }
        if depth > 0 && !is_made_up(node) {
            let keywords = node.members().iter().map(|member| member.key.clone()).collect();
            self.parts.push(Part { span: node.span, keywords });
        }
        let level = level(node, &self.linked.resources);
        let members = match &level.value {
            Value::Object(members) => members,
            Value::Bool(true) => return Ok(Vec::new()),
            _ => return Err(Unmerged::Inexpressible),
        };
        let mut whole: Vec<Member> = members
            .iter()
            .filter(|member| !matches!(member.key.as_str(), "$ref" | "allOf" | "$defs" | "definitions" | "$id"))
            .cloned()
            .collect();
        let mut places = Places::new();
        if let Some(reference) = level.get("$ref") {
            let target = match self.linked.target(reference) {
                Some(Target::Schema(target)) => target,
                Some(Target::Metaschema) => return Err(Unmerged::Inexpressible),
                // one that leads nowhere is on record since link
                None => return Err(Unmerged::Wrong),
            };
            let part = self.flat(target, depth + 1)?;
            self.add(part, &mut whole, &mut places)?;
        }
        for part in level.get("allOf").and_then(Node::as_array).unwrap_or_default() {
            let part = self.flat(part, depth + 1)?;
            self.add(part, &mut whole, &mut places)?;
        }
        Ok(whole)
    }

    /// Adds what a part says to the whole.
    fn add(&mut self, part: Vec<Member>, whole: &mut Vec<Member>, places: &mut Places) -> Merged<()> {
        if !sees_the_same(whole, &part) || !sees_the_same(&part, whole) {
            return Err(Unmerged::Inexpressible);
        }
        for member in part {
            match whole.iter_mut().find(|mine| mine.key == member.key) {
                Some(mine) if member.key == "properties" && !mine.value.same_json(&member.value) => {
                    properties(&mut mine.value, member.value, places);
                }
                Some(mine) => mine.value = self.same_keyword(mine, &member)?,
                None => whole.push(member),
            }
        }
        Ok(())
    }

    fn same_keyword(&mut self, a: &Member, b: &Member) -> Merged<Node> {
        let keyword = a.key.as_str();
        if keyword == "x-sensitive" || keyword == "uniqueItems" {
            let set = [a, b].into_iter().find(|member| member.value.value == Value::Bool(true));
            return Ok(set.unwrap_or(a).value.clone());
        }
        if is_annotation(keyword) || a.value.same_json(&b.value) {
            return Ok(a.value.clone());
        }
        match keyword {
            "type" => self.common(a, b, common_type),
            "enum" => self.common(a, b, common_value),
            "required" => Ok(united(&a.value, &b.value)),
            "items" | "additionalProperties" => Ok(schemas(&a.value, &b.value)),
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" => Ok(tighter(a, b, Ordering::Greater)),
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" => Ok(tighter(a, b, Ordering::Less)),
            _ => Err(Unmerged::Inexpressible),
        }
    }

    /// What two lists have in common.
    fn common(&mut self, a: &Member, b: &Member, common: fn(&Node, &[Node]) -> Option<Node>) -> Merged<Node> {
        let theirs = list(&b.value);
        let words: HashSet<&str> = theirs.iter().filter_map(Node::as_str).collect();
        let common = |item: &Node| match item.as_str() {
            Some(word) if words.contains(word) => Some(item.clone()),
            _ => common(item, theirs),
        };
        let both: Vec<Node> = list(&a.value).iter().filter_map(common).collect();
        if both.is_empty() {
            self.problems
                .error(b.value.span, format!("nothing can satisfy both values of `{}`", b.key))
                .related(a.value.span, "the other one");
            return Err(Unmerged::Wrong);
        }
        Ok(Node { span: a.value.span, value: Value::Array(both) })
    }
}

/// `additionalProperties` and `items` see the keywords beside them only (JSON Schema core, sections 10.3.2.3 and 10.3.1.2), so
/// what another part names falls under them.
fn sees_the_same(part: &[Member], other: &[Member]) -> bool {
    let narrows = |key: &str| find(part, key).is_some_and(|member| member.value.value != Value::Bool(true));
    let names = |members| {
        let properties = find(members, "properties").map(|properties| properties.value.members()).unwrap_or_default();
        properties.iter().map(|property| property.key.as_str()).collect::<HashSet<&str>>()
    };
    let same_properties = || names(other).is_subset(&names(part));
    let has_patterns = find(part, "patternProperties").or(find(other, "patternProperties")).is_some();
    let same_prefix = match (find(part, "prefixItems"), find(other, "prefixItems")) {
        (None, None) => true,
        (Some(a), Some(b)) => a.value.same_json(&b.value),
        _ => false,
    };
    let are_apart = |group: &[&str]| {
        let has = |members: &[Member]| group.iter().any(|key| find(members, key).is_some());
        !has(part) || !has(other)
    };
    GROUPS.iter().all(|group| are_apart(group))
        && (!narrows("additionalProperties") || !has_patterns && same_properties())
        && (!narrows("items") || same_prefix)
}

/// Keywords that mean something together, and so only with those of their own part.
const GROUPS: [&[&str]; 2] = [&["if", "then", "else"], &["contains", "minContains", "maxContains"]];

fn find<'a>(members: &'a [Member], key: &str) -> Option<&'a Member> {
    members.iter().find(|member| member.key == key)
}

/// The names of both lists.
fn united(a: &Node, b: &Node) -> Node {
    let known: HashSet<&str> = list(a).iter().filter_map(Node::as_str).collect();
    let new = list(b).iter().filter(|item| !item.as_str().is_some_and(|name| known.contains(name)));
    Node { span: a.span, value: Value::Array(list(a).iter().chain(new).cloned().collect()) }
}

fn properties(whole: &mut Node, part: Node, places: &mut Places) {
    let (Value::Object(whole), Value::Object(part)) = (&mut whole.value, part.value) else { return };
    for (place, mine) in whole.iter().enumerate().skip(places.len()) {
        places.insert(mine.key.clone(), place);
    }
    for property in part {
        match places.get(&property.key) {
            Some(place) => hold_too(&mut whole[*place].value, property.value),
            None => {
                places.insert(property.key.clone(), whole.len());
                whole.push(property);
            }
        }
    }
}

/// Makes a schema say what another says, too. One that was made so takes it in: many of them would stand too deep in each other.
fn hold_too(mine: &mut Node, other: Node) {
    let was_made = is_made_up(mine);
    match &mut mine.value {
        Value::Object(members) if was_made => {
            if let Some(Member { value: Node { value: Value::Array(parts), .. }, .. }) = members.first_mut() {
                parts.push(other);
            }
        }
        _ => *mine = both_hold(mine, &other),
    }
}

fn schemas(a: &Node, b: &Node) -> Node {
    let is = |node: &Node, wanted: bool| node.value == Value::Bool(wanted);
    match () {
        () if is(a, true) || is(b, false) => b.clone(),
        () if is(b, true) || is(a, false) => a.clone(),
        () => both_hold(a, b),
    }
}

/// A schema that says what both say.
pub(super) fn both_hold(a: &Node, b: &Node) -> Node {
    let parts = Node { span: a.span, value: Value::Array(vec![a.clone(), b.clone()]) };
    let all_of = Member { key: "allOf".to_owned(), key_span: a.span, value: parts };
    Node { span: a.span, value: Value::Object(vec![all_of]) }
}

fn tighter(a: &Member, b: &Member, wins: Ordering) -> Node {
    match (&a.value.value, &b.value.value) {
        (Value::Number(mine), Value::Number(theirs)) if mine.cmp(theirs) == wins => a.value.clone(),
        _ => b.value.clone(),
    }
}

/// A single name stands for a list of it.
fn list(node: &Node) -> &[Node] {
    node.as_array().unwrap_or(std::slice::from_ref(node))
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
