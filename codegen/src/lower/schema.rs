//! One schema to one [`Shape`]; the types that it needs on the way become drafts of the payload's module.

use std::collections::BTreeMap;

use super::catalog::{Catalog, same};
use super::compose;
use super::keywords::{Keywords, Notes, is_annotation, wrong_type};
use super::naming::Draft;
use super::numbers;
use super::strings::{self, Text};
use crate::diagnostics::Problems;
use crate::link::Linked;
use crate::model::{ItemKind, Leaf, Named, Nullable, Shape};
use crate::names;
use crate::node::{Node, Span, Value};

/// Deeper than any schema that a person reads.
const DEEPEST: usize = 64;

/// The types of one payload while its schema is read.
pub(super) struct Types<'a, 'p> {
    pub(super) linked: &'a Linked<'a>,
    pub(super) catalog: &'p mut Catalog,
    pub(super) problems: &'p mut Problems,
    pub(super) drafts: Vec<Draft>,
    /// Objects by where their schema stands: whoever refers to it means the same type.
    objects: BTreeMap<Span, usize>,
    /// What encloses the schema that is being read.
    around: Vec<Around>,
}

/// One thing that encloses a schema.
#[derive(Debug, PartialEq, Eq)]
enum Around {
    Object(usize),
    /// A list or a map: its items live on the heap, so a type may contain itself in them.
    Heap,
}

/// A schema's type and what its annotations say.
pub(super) struct Typed {
    pub(super) ty: Nullable,
    pub(super) notes: Notes,
}

/// Where a schema stands: properties from the payload down.
pub(super) type Path = Vec<Step>;

/// One property on the way.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) property: String,
    /// What a type is named after: the property, or of a list's items one of them.
    pub(super) name: String,
}

impl Step {
    pub(super) fn new(property: &str) -> Step {
        Step { property: property.to_owned(), name: property.to_owned() }
    }
}

impl<'a, 'p> Types<'a, 'p> {
    pub(super) fn new(linked: &'a Linked<'a>, catalog: &'p mut Catalog, problems: &'p mut Problems) -> Types<'a, 'p> {
        Types { linked, catalog, problems, drafts: Vec::new(), objects: BTreeMap::new(), around: Vec::new() }
    }

    /// Lowers a schema; none, and problems on record, where it can't become a type.
    pub(super) fn schema(&mut self, node: &Node, path: &Path) -> Option<Typed> {
        if self.around.len() > DEEPEST {
            self.problems.error(node.span, format!("schemas are nested more than {DEEPEST} levels deep here")).help(
                "a schema that contains itself through `allOf` never ends: let it refer to itself by `$ref` alone",
            );
            return None;
        }
        if let Some(reference) = node.get("$ref")
            && node.members().iter().all(|member| member.key == "$ref" || is_annotation(&member.key))
        {
            return self.reference(node, reference, path);
        }
        if compose::is_composed(node) {
            let merged = compose::merged(node, self.linked, self.problems)?;
            return self.plain(&merged, self.is_in_file(node), path);
        }
        self.plain(node, true, path)
    }

    /// A `$ref` with nothing beside it but annotations, which word this use of the type.
    fn reference(&mut self, node: &Node, reference: &Node, path: &Path) -> Option<Typed> {
        let target = self.linked.target(reference)?;
        let mut beside = Keywords::of(node, self.problems)?;
        let own = beside.take_notes(self.problems)?;
        if target.get("$ref").is_some() && self.in_circle(target) {
            self.problems.error(reference.span, "the `$ref` leads back to itself and never says what it is");
            return None;
        }
        let path = definition(reference).map_or_else(|| path.clone(), |name| vec![Step::new(&name)]);
        let typed = self.schema(target, &path)?;
        Some(Typed { ty: typed.ty, notes: own.or(typed.notes) })
    }

    fn in_circle(&self, start: &Node) -> bool {
        let mut node = start;
        for _ in 0..DEEPEST {
            let Some(target) = node.get("$ref").and_then(|reference| self.linked.target(reference)) else {
                return false;
            };
            node = target;
        }
        true
    }

    /// A schema without `$ref` and `allOf`. One that stands in a file is the same type for all who refer to it.
    fn plain(&mut self, node: &Node, in_file: bool, path: &Path) -> Option<Typed> {
        let mut keywords = Keywords::of(node, self.problems)?;
        let notes = keywords.take_notes(self.problems)?;
        self.check_rust_name(node, &notes)?;
        let types = self.types(&mut keywords)?;
        if keywords.has("enum") || keywords.has("const") {
            let ty = self.words(node, keywords, types.as_deref(), &notes, path)?;
            return Some(Typed { ty, notes });
        }
        let types = types.or_else(|| self.no_type(node))?;
        let null = types.contains(&"null");
        let mut others = types.iter().copied().filter(|name| *name != "null");
        let (Some(name), None) = (others.next(), others.next()) else {
            self.problems
                .error(
                    node.get("type").map_or(node.span, |types| types.span),
                    "a value of several types is not supported yet",
                )
                .help("one type, alone or with \"null\", is");
            return None;
        };
        let (shape, inner_sensitive) = match name {
            "object" => self.object(node, keywords, in_file, &notes, path)?,
            "array" => self.array(node, keywords, path)?,
            "string" => (self.string(node, keywords, &notes, path)?, false),
            name => (Shape::Leaf(self.number_or_boolean(name, keywords)?), false),
        };
        let notes = Notes { sensitive: notes.sensitive || inner_sensitive, ..notes };
        Some(Typed { ty: Nullable { shape, null }, notes })
    }

    fn types<'n>(&mut self, keywords: &mut Keywords<'n>) -> Option<Option<Vec<&'n str>>> {
        const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        let Some(node) = keywords.take("type") else { return Some(None) };
        let names = match &node.value {
            Value::String(_) => std::slice::from_ref(node),
            Value::Array(names) if !names.is_empty() => names,
            _ => return wrong_type("type", node, "a type's name or a list of them", self.problems),
        };
        let mut types = Vec::new();
        for name in names {
            let Some(known) = name.as_str().filter(|text| TYPES.contains(text)) else {
                let problem = self.problems.error(name.span, "there is no such type in JSON Schema");
                let near = name.as_str().and_then(|text| crate::diagnostics::did_you_mean(text, TYPES));
                problem.help(near.unwrap_or_else(|| format!("the types are `{}`", TYPES.join("`, `"))));
                return None;
            };
            types.push(known);
        }
        Some(Some(types))
    }

    fn no_type<T>(&mut self, node: &Node) -> Option<T> {
        self.problems.error(node.span, "the schema does not say its `type`").help(
            "without `type`, a keyword such as `properties` lets every value of another type pass; say `\"type\": \"object\"`",
        );
        None
    }

    fn words(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        types: Option<&[&str]>,
        notes: &Notes,
        path: &Path,
    ) -> Option<Nullable> {
        let values = match keywords.take("const") {
            Some(value) => vec![value],
            None => match keywords.take("enum") {
                Some(Node { value: Value::Array(values), .. }) => values.iter().collect(),
                Some(other) => return wrong_type("enum", other, "a list", self.problems),
                None => Vec::new(),
            },
        };
        keywords.finish("a list of values", self.problems)?;
        let (words, null) = strings::words(&values, self.problems)?;
        let allowed = |name: &str| types.is_none_or(|types| types.contains(&name));
        if words.is_empty() || !allowed("string") {
            self.problems
                .error(node.span, "no string can satisfy this schema")
                .help("`type` and the listed values must have strings in common");
            return None;
        }
        let shape = self.named(node, Named::Words(words), notes, path);
        Some(Nullable { shape, null: null && allowed("null") })
    }

    fn string(&mut self, node: &Node, mut keywords: Keywords<'_>, notes: &Notes, path: &Path) -> Option<Shape> {
        let text = strings::string(&mut keywords, self.problems)?;
        let what = match &text {
            Text::Leaf(Leaf::Text { .. }) => "a string",
            Text::Leaf(_) => "a string with a `format`",
            Text::Named(_) | Text::Id(_) => "a string with a `pattern`",
        };
        keywords.finish(what, self.problems)?;
        Some(match text {
            Text::Leaf(leaf) => Shape::Leaf(leaf),
            Text::Named(named) => self.named(node, named, notes, path),
            Text::Id(prefix) => {
                let span = node.get("pattern").map_or(node.span, |pattern| pattern.span);
                Shape::Leaf(self.catalog.id_leaf(&prefix, span, self.problems)?)
            }
        })
    }

    fn number_or_boolean(&mut self, name: &str, mut keywords: Keywords<'_>) -> Option<Leaf> {
        let (leaf, what) = match name {
            "integer" => (numbers::integer(&mut keywords, self.problems)?, "an integer"),
            "number" => (Leaf::Number, "a number"),
            _ => (Leaf::Bool, "a boolean"),
        };
        keywords.finish(what, self.problems)?;
        Some(leaf)
    }

    /// A schema whose values live in a list or a map.
    pub(super) fn on_heap(&mut self, node: &Node, path: &Path) -> Option<Typed> {
        self.around.push(Around::Heap);
        let typed = self.schema(node, path);
        self.around.pop();
        typed
    }

    fn named(&mut self, node: &Node, kind: Named, notes: &Notes, path: &Path) -> Shape {
        if let Some(leaf) = self.catalog.shared_leaf(&kind) {
            return Shape::Leaf(leaf);
        }
        let equal = self
            .drafts
            .iter()
            .position(|draft| matches!(&draft.kind, Some(ItemKind::Named { kind: other, .. }) if same(other, &kind)));
        Shape::Local(equal.unwrap_or_else(|| {
            let property = path.last().map(|step| step.property.clone()).unwrap_or_default();
            self.draft(node, Some(ItemKind::Named { kind, property }), notes, path)
        }))
    }

    fn draft(&mut self, node: &Node, kind: Option<ItemKind>, notes: &Notes, path: &Path) -> usize {
        let fixed = notes.rust_name.clone().filter(|name| names_a_type(name));
        self.drafts.push(Draft { path: path.clone(), fixed, span: node.span, kind });
        self.drafts.len() - 1
    }

    fn object(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        in_file: bool,
        notes: &Notes,
        path: &Path,
    ) -> Option<(Shape, bool)> {
        if let Some(map) = self.map(&mut keywords, path) {
            keywords.finish("an object whose keys are data", self.problems)?;
            let value = map?;
            return Some((Shape::Map(Box::new(value.ty)), value.notes.sensitive));
        }
        if let Some(&index) = self.objects.get(&node.span).filter(|_| in_file) {
            self.may_contain(index, node)?;
            return Some((Shape::Local(index), false));
        }
        let index = self.draft(node, None, notes, path);
        if in_file {
            self.objects.insert(node.span, index);
        }
        self.around.push(Around::Object(index));
        let object = self.members(node, keywords, notes, path);
        self.around.pop();
        self.drafts[index].kind = Some(ItemKind::Object(object?));
        Some((Shape::Local(index), false))
    }

    /// A struct that contains itself has no size, unless a list or a map is between.
    fn may_contain(&mut self, index: usize, node: &Node) -> Option<()> {
        let Some(inside) = self.around.iter().position(|around| *around == Around::Object(index)) else {
            return Some(());
        };
        if self.around[inside..].contains(&Around::Heap) {
            return Some(());
        }
        self.problems
            .error(node.span, "an object that contains itself directly is not supported yet")
            .help("an object may contain a list or a map of its own kind");
        None
    }

    fn check_rust_name(&mut self, node: &Node, notes: &Notes) -> Option<()> {
        let Some(name) = notes.rust_name.as_deref().filter(|name| !names::is_identifier(name)) else { return Some(()) };
        let span = node.get("x-rust-name").map_or(node.span, |name| name.span);
        self.problems
            .error(span, format!("`{name}` is not a Rust identifier"))
            .help("a field's name is in snake_case, a type's in UpperCamelCase");
        None
    }

    /// Whether the node is a file's own, not one that a merge made up.
    fn is_in_file(&self, node: &Node) -> bool {
        let root = self.linked.sources.get(node.span.file).root.as_ref();
        root.and_then(|root| root.at(&root.pointer_of(node.span))).is_some_and(|own| std::ptr::eq(own, node))
    }
}

/// `x-rust-name` names a type in UpperCamelCase and a field in snake_case.
pub(super) fn names_a_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// The name of the definition that a `$ref` leads to; none where it leads to a whole file.
fn definition(reference: &Node) -> Option<String> {
    let (_, pointer) = reference.as_str()?.split_once('#')?;
    let last = pointer.rsplit('/').next().filter(|last| !last.is_empty())?;
    Some(crate::node::unescape(last))
}

impl Notes {
    /// These, and where they say nothing, the others.
    fn or(self, other: Notes) -> Notes {
        let mut notes = self;
        notes.docs.title = notes.docs.title.or(other.docs.title);
        notes.docs.description = notes.docs.description.or(other.docs.description);
        notes.sensitive |= other.sensitive;
        notes.deprecated |= other.deprecated;
        notes.rust_name = notes.rust_name.or(other.rust_name);
        notes
    }
}
