//! Unions: values that are one thing or another, by `anyOf`, `oneOf` or several `type`s.

use std::collections::{BTreeSet, HashMap};

use super::compose;
use super::keywords::{Keywords, Notes};
use super::level::level;
use super::numbers;
use super::schema::{Path, Typed, Types, definition, leaf, role};
use super::types::{Type, TypeSet};
use crate::link::Linked;
use crate::model::{Choice, ItemKind, Nullable, Shape, Variant};
use crate::names::{self, FreeNames};
use crate::node::{Member, Node, Value};
use crate::vocabulary::{Judges, is_annotation};

/// One of the schemas that a union is of.
struct Branch {
    /// As it stands in the file, or merged with what stands beside the union.
    node: Node,
    /// All that it says, in one map of keywords where that is possible.
    flat: Node,
    tag: Option<String>,
}

impl Types<'_, '_> {
    /// The type of `anyOf` or `oneOf`, where an enum says it better than rules do.
    pub(super) fn union(
        &mut self,
        node: &Node,
        keywords: &mut Keywords<'_>,
        types: TypeSet,
        notes: &Notes,
        path: &Path,
    ) -> Option<Option<Typed>> {
        let key = match (keywords.get("anyOf"), keywords.get("oneOf")) {
            (Some(_), None) => "anyOf",
            (None, Some(_)) => "oneOf",
            _ => return None,
        };
        let base: Vec<Member> =
            keywords.left().iter().filter(|member| member.key != key).map(|member| (*member).clone()).collect();
        let schemas = keywords.get(key)?.as_array()?;
        let (nulls, schemas): (Vec<&Node>, Vec<&Node>) = schemas.iter().partition(|schema| is_null(schema));
        if nulls.len() > 1 || !nulls.is_empty() && (!types.null || !base.is_empty()) {
            return None;
        }
        let mut branches =
            schemas.into_iter().map(|schema| branch(schema, &base, node, self.linked)).collect::<Option<Vec<_>>>()?;
        let tag = tag(&mut branches);
        if branches.is_empty() || !base.is_empty() && tag.is_none() {
            return None;
        }
        if key == "oneOf" && !nulls.is_empty() && branches.iter().any(|branch| stated(&branch.flat).null) {
            return None;
        }
        let null = !nulls.is_empty();
        for member in base.iter().map(|member| member.key.as_str()).chain([key]) {
            keywords.take(member);
        }
        if let ([only], None) = (&branches[..], &tag) {
            // `anyOf` with null is how some write an optional value
            let typed = self.schema(&only.node, path);
            return Some(typed.map(|typed| self.nullable(node, notes, null, typed, path)));
        }
        let choice = match tag {
            Some(tag) => Choice::Tag(tag),
            None if key == "anyOf" || are_disjoint(&branches) => Choice::Any,
            None => Choice::One,
        };
        Some(self.variants(node, branches, choice, notes, null, path))
    }

    fn nullable(&mut self, node: &Node, notes: &Notes, null: bool, typed: Typed, path: &Path) -> Typed {
        let null = null || typed.ty.null;
        let notes = notes.clone().or(typed.notes);
        self.settle(
            node,
            Keywords::default(),
            Typed { ty: Nullable { null, ..typed.ty }, notes, whole: typed.whole },
            path,
        )
    }

    fn variants(
        &mut self,
        node: &Node,
        branches: Vec<Branch>,
        choice: Choice,
        notes: &Notes,
        null: bool,
        path: &Path,
    ) -> Option<Typed> {
        let index = self.open(node, notes, null, path);
        let names = self.variant_names(&branches);
        let mut variants = Vec::new();
        let (mut whole, mut sensitive) = (false, notes.sensitive);
        self.enter(index);
        for (branch, rust_name) in branches.iter().zip(names) {
            if let (Choice::Tag(tag), Some(value), None) = (&choice, &branch.tag, branch.node.get("$ref")) {
                self.tag = Some((tag.clone(), value.clone()));
            }
            let typed = self.schema(&branch.node, &role(path, &rust_name));
            self.tag = None;
            let Some(typed) = typed else {
                self.leave();
                return None;
            };
            whole |= typed.whole;
            sensitive |= typed.notes.sensitive;
            variants.push(Variant { rust_name, tag: branch.tag.clone(), ty: typed.ty });
        }
        self.leave();
        let notes = Notes { sensitive, ..notes.clone() };
        let kind = ItemKind::Union { choice, variants };
        Some(self.close(index, node, Keywords::default(), Vec::new(), kind, whole, notes, path))
    }

    /// A value of several types: a variant for each that is listed or has rules of its own, and one for all others.
    pub(super) fn choice(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        types: TypeSet,
        notes: Notes,
        path: &Path,
    ) -> Option<Typed> {
        // who lists types means each of them; who lists none may mean one
        let is_listed = types != TypeSet::ALL;
        let mut others = types;
        let mut ruled: Vec<(Type, Keywords<'_>)> = Vec::new();
        for one in types.besides_null() {
            let judges = match one {
                Type::Object => Judges::Objects,
                Type::Array => Judges::Arrays,
                Type::String => Judges::Strings,
                Type::Number(_) => Judges::Numbers,
                Type::Boolean => Judges::Nothing,
            };
            let about = keywords.take_about(judges);
            if numbers::contradict(&about) {
                // there is no such value, but there are others
                others = others.without(one);
                continue;
            }
            if is_listed || !about.left().is_empty() {
                ruled.push((one, about));
                others = others.without(one);
            }
        }
        if ruled.is_empty() {
            let shape = match others {
                TypeSet::ALL => Shape::Json,
                others if others.is_empty() => Shape::Never,
                others => Shape::Other(others.mask()),
            };
            return Some(self.settle(node, keywords, Typed { notes, ..leaf(shape) }, path));
        }
        let null = types.null && TypeSet { null: false, ..others }.is_empty();
        let index = self.open(node, &notes, null, path);
        self.enter(index);
        let mut variants = Vec::new();
        let mut whole = false;
        for (one, about) in ruled {
            let rust_name = name_of(one).to_owned();
            let path = role(path, &rust_name);
            let typed = self.single(&compose::made_up(node), about, one, Notes::default(), false, &path);
            let Some(typed) = typed else {
                self.leave();
                return None;
            };
            whole |= typed.whole;
            variants.push(Variant { rust_name, tag: None, ty: typed.ty });
        }
        self.leave();
        if !null && !others.is_empty() {
            let ty = Nullable { shape: Shape::Other(others.mask()), null: false };
            variants.push(Variant { rust_name: "Other".to_owned(), tag: None, ty });
        }
        let kind = ItemKind::Union { choice: Choice::Any, variants };
        Some(self.close(index, node, keywords, Vec::new(), kind, whole, notes, path))
    }

    /// A name for each variant: what the tag says, the definition's name, the type's, or that of a property that no other has.
    fn variant_names(&self, branches: &[Branch]) -> Vec<String> {
        let mut names = FreeNames::default();
        let mut requiring: HashMap<&str, usize> = HashMap::new();
        for name in branches.iter().flat_map(|branch| BTreeSet::from_iter(required(&branch.flat))) {
            *requiring.entry(name).or_default() += 1;
        }
        let name = |branch: &Branch| {
            branch
                .tag
                .as_deref()
                .map(names::upper_camel)
                .or_else(|| branch.node.get("x-rust-name")?.as_str().map(str::to_owned))
                .or_else(|| definition(branch.node.get("$ref")?).map(|name| names::upper_camel(&name)))
                .or_else(|| own_property(&branch.flat, &requiring))
                .or_else(|| match stated(&branch.flat).besides_null()[..] {
                    [one] => Some(name_of(one).to_owned()),
                    _ => None,
                })
                .unwrap_or_else(|| "Variant".to_owned())
        };
        branches.iter().map(|branch| names.take(name(branch), |name, number| format!("{name}{number}"))).collect()
    }
}

/// For each schema of a `oneOf` what it alone says of one property, if they can be told apart by that: its name, and the values, of which
/// null has none.
pub(super) fn told_apart(schemas: &[Node], linked: &Linked<'_>) -> Option<(String, Vec<Option<String>>)> {
    let mut branches = Vec::new();
    for schema in schemas.iter().filter(|schema| !is_null(schema)) {
        branches.push(branch(schema, &[], schema, linked)?);
    }
    if branches.len() + 1 < schemas.len() {
        return None;
    }
    let tag = tag(&mut branches)?;
    let mut values = branches.into_iter().map(|branch| branch.tag);
    let of_schema = |schema: &Node| if is_null(schema) { None } else { values.next().flatten() };
    Some((tag, schemas.iter().map(of_schema).collect()))
}

fn branch(schema: &Node, base: &[Member], around: &Node, linked: &Linked<'_>) -> Option<Branch> {
    let node = if base.is_empty() { schema.clone() } else { beside(base, schema, around) };
    let level = level(&node, &linked.resources).into_owned();
    let flat = match compose::is_composed(&level) {
        true => compose::merged(&level, linked, &mut Default::default()).ok().map(|(merged, _)| merged),
        false => matches!(level.value, Value::Object(_)).then(|| level.clone()),
    };
    match flat {
        Some(flat) => Some(Branch { node, flat, tag: None }),
        // what can't be put in one map is a variant all the same, unless it has to be
        None if base.is_empty() => Some(Branch { node, flat: level, tag: None }),
        None => None,
    }
}

/// The schema with what stands beside the union that it is of.
fn beside(base: &[Member], schema: &Node, around: &Node) -> Node {
    let base = Node { span: around.span, value: Value::Object(base.to_vec()) };
    compose::both_hold(&base, schema)
}

fn stated(flat: &Node) -> TypeSet {
    match (flat.get("type"), flat.get("const"), flat.get("enum").and_then(Node::as_array)) {
        (Some(types), ..) => TypeSet::named(types),
        (None, Some(value), _) => TypeSet::of_values([value]),
        (None, None, Some(values)) => TypeSet::of_values(values),
        _ => TypeSet::ALL,
    }
}

fn is_null(schema: &Node) -> bool {
    schema.members().iter().all(|member| member.key == "type" || is_annotation(&member.key))
        && schema.get("type").and_then(Node::as_str) == Some("null")
}

/// Whether no JSON type is in two of the branches.
fn are_disjoint(branches: &[Branch]) -> bool {
    let masks: Vec<u8> = branches.iter().map(|branch| stated(&branch.flat).mask()).collect();
    masks.iter().enumerate().all(|(index, mask)| masks[..index].iter().all(|other| mask & other == 0))
}

/// The property that all branches require and that says in each of them something else; its values are written to the branches.
fn tag(branches: &mut [Branch]) -> Option<String> {
    let first = branches.first()?;
    let names: Vec<String> = required(&first.flat).map(str::to_owned).collect();
    let tag = names.into_iter().find(|name| {
        let values: Option<BTreeSet<&str>> = branches.iter().map(|branch| constant(&branch.flat, name)).collect();
        values.is_some_and(|values| values.len() == branches.len() && branches.len() > 1)
    })?;
    for branch in branches {
        branch.tag = constant(&branch.flat, &tag).map(str::to_owned);
    }
    Some(tag)
}

fn required(flat: &Node) -> impl Iterator<Item = &str> {
    flat.get("required").and_then(Node::as_array).unwrap_or_default().iter().filter_map(Node::as_str)
}

/// The one string that an object's required property can be.
fn constant<'n>(flat: &'n Node, name: &str) -> Option<&'n str> {
    // a merge leaves a list of one
    let types = flat.get("type").map_or(TypeSet::ALL, TypeSet::named);
    let is_object = !types.null && types.besides_null() == [Type::Object];
    let property =
        flat.get("properties")?.get(name).filter(|_| is_object && required(flat).any(|other| other == name))?;
    let says_more = |key: &str| !matches!(key, "const" | "enum" | "type") && !is_annotation(key);
    if property.members().iter().any(|member| says_more(&member.key)) {
        return None;
    }
    let value = match (property.get("const"), property.get("enum").and_then(Node::as_array)) {
        (Some(value), None) => value,
        (None, Some([only])) => only,
        _ => return None,
    };
    let types = property.get("type").map_or(TypeSet::ALL, TypeSet::named);
    value.as_str().filter(|_| types.string)
}

/// A property that the schema requires and no other does.
fn own_property(flat: &Node, requiring: &HashMap<&str, usize>) -> Option<String> {
    let own = required(flat).find(|name| requiring.get(name) == Some(&1))?;
    Some(names::upper_camel(own))
}

fn name_of(one: Type) -> &'static str {
    match one {
        Type::Boolean => "Bool",
        Type::Number(super::types::Numbers::Whole) => "Integer",
        Type::Number(super::types::Numbers::All) => "Number",
        Type::String => "Text",
        Type::Array => "List",
        Type::Object => "Object",
    }
}
