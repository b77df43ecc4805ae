//! [`Json`] as the crate `jsonschema` looks at it.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet, btree_map};
use std::ptr;
use std::slice;

use jsonschema::JsonType;
use jsonschema::json::{self, NodeIdentity};
use serde_json::Value;

use super::keywords::{from_schema, to_schema};
use crate::payload::{Json, Number};

/// The representation of values that [`Json`] is.
#[derive(Debug)]
pub struct Exact;

/// One look at a value, for a verdict or for the reason of one.
///
/// Verdicts are remembered, so that they take bounded time; reasons are not. A schema that refers to itself from two branches has
/// twice as many reasons at each level, so who looks for one gets tired: from then on, no value has parts.
#[derive(Debug)]
pub struct Run<'a> {
    root: &'a Json,
    /// How many more times a part may be looked into.
    looks: Option<Cell<u32>>,
}

impl<'a> Run<'a> {
    /// A look for a verdict.
    #[must_use]
    pub fn unlimited(root: &'a Json) -> Self {
        Self { root, looks: None }
    }

    /// A look for a reason, at most as many values deep and wide.
    pub(super) fn limited(root: &'a Json, looks: u32) -> Self {
        Self { root, looks: Some(Cell::new(looks)) }
    }

    /// The value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { value: self.root, run: self }
    }

    /// Whether the look ended before its end.
    pub(super) fn is_tired(&self) -> bool {
        self.looks.as_ref().is_some_and(|looks| looks.get() == 0)
    }

    fn look(&self) -> bool {
        let Some(looks) = &self.looks else {
            return true;
        };
        looks.set(looks.get().saturating_sub(1));
        looks.get() > 0
    }
}

/// A value within one that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    pub(super) value: &'a Json,
    run: &'a Run<'a>,
}

impl<'a> Node<'a> {
    fn part(self, value: &'a Json) -> Self {
        Self { value, ..self }
    }

    fn to_value(self, value: &Json) -> Value {
        if !self.run.look() && !ptr::eq(value, self.run.root) {
            return Value::Null;
        }
        match value {
            Json::Array(items) => items.iter().map(|item| self.to_value(item)).collect(),
            Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), self.to_value(value))).collect(),
            scalar => to_schema(scalar),
        }
    }
}

impl json::Json for Exact {
    type Node<'a> = Node<'a>;
    type PreparedKey = String;
    type StringBuffer = Json;

    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut Json, string: &str, f: impl FnOnce(Node<'_>) -> T) -> T {
        *buffer = Json::String(string.to_owned());
        f(Run::unlimited(buffer).root())
    }
}

impl<'a> json::Node<'a, Exact> for Node<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = &'a Number;

    fn as_object(&self) -> Option<Members<'a>> {
        let members = self.value.as_object()?;
        self.run.look().then_some(Members { node: *self, members })
    }

    fn as_array(&self) -> Option<Items<'a>> {
        let Json::Array(items) = self.value else {
            return None;
        };
        self.run.look().then_some(Items { node: *self, items })
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.value.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<&'a Number> {
        self.value.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        self.value.as_bool()
    }

    fn is_null(&self) -> bool {
        self.value.is_null()
    }

    fn json_type(&self) -> JsonType {
        match self.value {
            Json::Null => JsonType::Null,
            Json::Bool(_) => JsonType::Boolean,
            Json::Number(_) => JsonType::Number,
            Json::String(_) => JsonType::String,
            Json::Array(_) => JsonType::Array,
            Json::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        *self.value == from_schema(expected)
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Node::to_value(*self, self.value))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(ptr::from_ref(self.value).addr()))
    }
}

/// An object's members.
#[derive(Debug)]
pub struct Members<'a> {
    node: Node<'a>,
    members: &'a BTreeMap<String, Json>,
}

impl<'a> json::Object<'a, Exact> for Members<'a> {
    type Node = Node<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.members.len()
    }

    fn get(&self, key: &String) -> Option<Node<'a>> {
        self.members.get(key).map(|value| self.node.part(value))
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter { node: self.node, members: self.members.iter() }
    }
}

/// Goes through an object's members.
#[derive(Debug)]
pub struct MembersIter<'a> {
    node: Node<'a>,
    members: btree_map::Iter<'a, String, Json>,
}

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.members.next().map(|(name, value)| (name.as_str(), self.node.part(value)))
    }
}

/// An array's items.
#[derive(Debug)]
pub struct Items<'a> {
    node: Node<'a>,
    items: &'a [Json],
}

impl<'a> json::Array<'a, Exact> for Items<'a> {
    type Node = Node<'a>;
    type ElementsIter = ItemsIter<'a>;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn elements(&self) -> ItemsIter<'a> {
        ItemsIter { node: self.node, items: self.items.iter() }
    }

    fn is_unique(&self) -> bool {
        let mut seen = HashSet::with_capacity(self.items.len());
        self.items.iter().all(|item| seen.insert(item))
    }
}

/// Goes through an array's items.
#[derive(Debug)]
pub struct ItemsIter<'a> {
    node: Node<'a>,
    items: slice::Iter<'a, Json>,
}

impl<'a> Iterator for ItemsIter<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.items.next().map(|item| self.node.part(item))
    }
}

impl json::JsonNumber for &Number {
    fn as_u64(&self) -> Option<u64> {
        Number::as_u64(self)
    }

    fn as_i64(&self) -> Option<i64> {
        Number::as_i64(self)
    }

    /// Only where the number is what the float is printed as: what is compared with a float of the schema is compared exactly.
    fn as_f64(&self) -> Option<f64> {
        let float = Number::as_f64(self);
        (Number::try_from(float).as_ref() == Ok(*self)).then_some(float)
    }

    fn as_str(&self) -> Cow<'_, str> {
        self.text()
    }

    /// For messages, which we don't show.
    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        let float = || serde_json::Number::from_f64(Number::as_f64(self));
        Cow::Owned(self.text().parse().ok().or_else(float).unwrap_or(0.into()))
    }

    fn is_integer(&self) -> bool {
        Number::is_integer(self)
    }

    /// `type: integer` of draft 4.
    fn is_written_as_integer(&self) -> bool {
        !self.text().contains(['.', 'e', 'E'])
    }
}
