//! Arrays: lists, whose items may have to be unique.

use super::keywords::{Keywords, wrong_type};
use super::numbers;
use super::schema::{Path, Types};
use crate::model::{ItemKind, Leaf, Shape};
use crate::names;
use crate::node::{Node, Value};

impl Types<'_, '_> {
    /// Takes the keywords of an array. The second of the pair says whether its items are sensitive.
    pub(super) fn array(&mut self, node: &Node, mut keywords: Keywords<'_>, path: &Path) -> Option<(Shape, bool)> {
        let (min, max) = numbers::lengths("minItems", "maxItems", &mut keywords, self.problems)?;
        let unique = match keywords.take("uniqueItems") {
            None => None,
            Some(Node { value: Value::Bool(false), .. }) => None,
            Some(node @ Node { value: Value::Bool(true), .. }) => Some(node.span),
            Some(other) => return wrong_type("uniqueItems", other, "a boolean", self.problems),
        };
        let Some(items) = keywords.take("items") else {
            self.problems.error(node.span, "the array does not say what its items are").help("add `items`");
            return None;
        };
        keywords.finish("an array", self.problems)?;
        let item = self.on_heap(items, &one_of(path))?;
        if let Some(span) = unique
            && !self.equal_as_json(&item.ty.shape)
        {
            self.problems
                .error(span, "`uniqueItems` is not supported yet for items of this type")
                .help("strings, words, ids, integers, booleans, dates, and lists and maps of them can be unique");
            return None;
        }
        Some((Shape::List { item: Box::new(item.ty), min, max, unique: unique.is_some() }, item.notes.sensitive))
    }

    /// Whether two values are equal in Rust exactly where they are in JSON. A date-time may name one instant in two ways, and a UUID
    /// may be in upper case; a float and an object can't be hashed.
    fn equal_as_json(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Leaf(Leaf::Number | Leaf::DateTime | Leaf::Uuid) => false,
            Shape::Leaf(_) => true,
            Shape::Local(index) => matches!(self.drafts[*index].kind, Some(ItemKind::Named { .. })),
            Shape::List { item, .. } | Shape::Map(item) => self.equal_as_json(&item.shape),
        }
    }
}

/// The path of a list's items: those of `changed_fields` are each a `changed_field`.
fn one_of(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.last_mut() {
        last.name = names::singular(&last.name);
    }
    path
}
