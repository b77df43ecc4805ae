//! Arrays: lists, whose items may have to be unique.

use super::keywords::Keywords;
use super::numbers;
use super::schema::{Path, Typed, Types};
use crate::model::{ItemKind, Leaf, Nullable, Shape};
use crate::names;
use crate::node::Value;

impl Types<'_, '_> {
    /// Takes the keywords of an array that its type enforces.
    pub(super) fn array(&mut self, keywords: &mut Keywords<'_>, path: &Path) -> Option<Typed> {
        let (min, max) = numbers::lengths("minItems", "maxItems", keywords, self.problems)?;
        if let Some(tuple) = self.tuple(keywords, min, max, path) {
            return tuple;
        }
        // with `prefixItems` beside it, `items` is about the rest of them
        let items = if keywords.has("prefixItems") { None } else { keywords.take("items") };
        let item = match items {
            Some(items) => self.on_heap(items, &one_of(path))?,
            None => Typed::any(),
        };
        let can_differ = self.equal_as_json(&item.ty.shape);
        let unique = keywords.take_if("uniqueItems", |unique| unique.value == Value::Bool(false) || can_differ);
        let unique = unique.is_some_and(|unique| unique.value == Value::Bool(true));
        let shape = Shape::List { item: Box::new(item.ty), min, max, unique };
        Some(Typed { ty: Nullable { shape, null: false }, ..item })
    }

    /// The items of an array that has exactly those of `prefixItems`.
    fn tuple(&mut self, keywords: &mut Keywords<'_>, min: u64, max: Option<u64>, path: &Path) -> Option<Option<Typed>> {
        let prefix = keywords.get("prefixItems")?.as_array()?;
        let is_closed = keywords.get("items").is_some_and(|items| items.value == Value::Bool(false));
        let length = u64::try_from(prefix.len()).ok()?;
        let is_full = min == length && (is_closed && max.is_none_or(|max| max >= length) || max == Some(length));
        if !is_full || prefix.len() > LONGEST_TUPLE {
            return None;
        }
        keywords.take("prefixItems");
        // no item is beyond
        keywords.take("items");
        let mut whole = false;
        let items = prefix.iter().map(|item| {
            let typed = self.schema(item, &one_of(path))?;
            whole |= typed.whole;
            Some(typed.ty)
        });
        let items: Option<Vec<Nullable>> = items.collect();
        Some(items.map(|items| {
            let ty = Nullable { shape: Shape::Tuple(items), null: false };
            Typed { ty, whole, ..Typed::any() }
        }))
    }

    /// Whether two values are equal in Rust exactly where they are in JSON. A date-time may name one instant in two ways, and a UUID
    /// may be in upper case; an object can't be hashed.
    fn equal_as_json(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Leaf(Leaf::DateTime | Leaf::Uuid | Leaf::Elsewhere(_)) => false,
            Shape::Leaf(_) | Shape::Json => true,
            Shape::Local(index) => matches!(self.drafts[*index].kind, Some(ItemKind::Named { .. })),
            Shape::List { item, .. } => self.equal_as_json(&item.shape),
            Shape::Map { value, .. } => self.equal_as_json(&value.shape),
            Shape::Tuple(_) | Shape::Never | Shape::Other(_) | Shape::Boxed(_) => false,
        }
    }
}

/// The longest tuple that the runtime reads.
const LONGEST_TUPLE: usize = 12;

/// The path of a list's items: those of `changed_fields` are each a `changed_field`.
pub(super) fn one_of(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.last_mut() {
        last.name = names::singular(&last.name);
    }
    path
}
