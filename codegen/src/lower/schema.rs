//! One schema to one [`Shape`]; the types that it needs on the way become drafts of the payload's module.
//!
//! Every keyword is taken by the type that enforces it. Where some are left, the type is what the others say, and around it are
//! rules, or a check of the whole value against the schema itself: the type lets more through than the schema, never less.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::catalog::{Catalog, equal};
use super::compose::{self, Unmerged};
use super::keywords::{Keywords, Notes};
use super::level::level;
use super::naming::Draft;
use super::relaxed::{self, Leniency};
use super::strings::{self, Text};
use super::types::{Type, TypeSet};
use super::{Settings, custom, numbers};
use crate::diagnostics::Problems;
use crate::link::{Linked, Target};
use crate::model::{By, Class, Explained, ItemKind, Leaf, Named, Nullable, Shape};
use crate::names;
use crate::node::{FileId, Node, Span, Value};
use crate::vocabulary::is_annotation;

/// Deeper than any schema that a person reads.
const DEEPEST: usize = 32;

/// The types of one payload while its schema is read.
pub(super) struct Types<'a, 'p> {
    pub(super) linked: &'a Linked<'a>,
    pub(super) settings: Settings,
    pub(super) catalog: &'p mut Catalog,
    pub(super) problems: &'p mut Problems,
    pub(super) drafts: Vec<Draft>,
    pub(super) explained: Vec<Explained>,
    /// Types that have a name, by where their schema stands: whoever refers to it means the same type.
    named: BTreeMap<Span, usize>,
    /// Types of strings, by what they accept: equal ones are one.
    strings: HashMap<Named, usize>,
    /// What encloses the schema that is being read.
    around: Vec<Around>,
    /// Schemas that are being read.
    reading: Vec<Span>,
    /// Schemas that were met while they were being read, and have no name to be met by; and those that are known to be.
    pub(super) recursive: BTreeSet<Span>,
    known_recursive: BTreeSet<Span>,
    /// The member that tells the variant which is to be read next from the others, and what it says.
    pub(super) tag: Option<(String, String)>,
    /// How many conditions are around the schema that is being read.
    pub(super) conditions: usize,
    /// Values that only the schema knows, by where that stands.
    unknown: BTreeMap<Span, usize>,
    /// The files that have schemas to check values by.
    pub(super) files: BTreeSet<FileId>,
    leniency: Leniency,
}

/// One thing that encloses a schema.
#[derive(Debug, PartialEq, Eq)]
enum Around {
    Type(usize),
    /// A list or a map: its items live on the heap, so a type may contain itself in them.
    Heap,
}

/// A schema's type and what its annotations say.
pub(super) struct Typed {
    pub(super) ty: Nullable,
    pub(super) notes: Notes,
    /// Whether the type lets through what the schema does not, so that what is around it must check the whole.
    pub(super) whole: bool,
}

impl Typed {
    /// A value of which nothing is known.
    pub(super) fn any() -> Typed {
        Typed { ty: Nullable { shape: Shape::Json, null: false }, notes: Notes::default(), whole: false }
    }
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

/// The path of a part of the schema that is no property: it is named after its role there.
pub(super) fn role(path: &Path, role: &str) -> Path {
    let mut path = path.clone();
    match path.last_mut() {
        Some(last) => last.name = format!("{}_{role}", last.name),
        None => path.push(Step::new(role)),
    }
    path
}

/// What a type lacks of its schema.
enum Needs {
    Nothing,
    /// A check around it.
    Around(By),
    /// A check by whatever is around it, since it was made up and has no place in a document.
    Outer,
}

impl<'a, 'p> Types<'a, 'p> {
    pub(super) fn new(
        linked: &'a Linked<'a>,
        settings: Settings,
        known_recursive: BTreeSet<Span>,
        catalog: &'p mut Catalog,
        problems: &'p mut Problems,
    ) -> Types<'a, 'p> {
        Types {
            linked,
            settings,
            catalog,
            problems,
            drafts: Vec::new(),
            explained: Vec::new(),
            named: BTreeMap::new(),
            strings: HashMap::new(),
            around: Vec::new(),
            reading: Vec::new(),
            recursive: BTreeSet::new(),
            known_recursive,
            tag: None,
            conditions: 0,
            unknown: BTreeMap::new(),
            files: BTreeSet::new(),
            leniency: Leniency::default(),
        }
    }

    /// Lowers a schema; none, and problems on record, where it can't be right.
    pub(super) fn schema(&mut self, node: &Node, path: &Path) -> Option<Typed> {
        if let Some(&index) = self.named.get(&node.span).filter(|_| !compose::is_made_up(node)) {
            return Some(self.again(index, node, path));
        }
        if self.reading.contains(&node.span) && !compose::is_made_up(node) {
            self.recursive.insert(node.span);
            return Some(self.unknown(node, path));
        }
        if self.reading.len() > DEEPEST {
            return Some(self.unknown(node, path));
        }
        if let Some(path) = node.get("x-rust-type") {
            return self.elsewhere(node, path);
        }
        self.reading.push(node.span);
        let typed = match self.known_recursive.contains(&node.span) && !compose::is_made_up(node) {
            true => self.in_a_name(node, path),
            false => self.level(node, path),
        };
        self.reading.pop();
        typed
    }

    /// A type that contains itself must have a name to do so.
    fn in_a_name(&mut self, node: &Node, path: &Path) -> Option<Typed> {
        let index = self.open(node, &Notes::default(), false, path);
        self.enter(index);
        let typed = self.level(node, path);
        self.leave();
        let typed = typed?;
        let by = if typed.whole { self.by_schema(node) } else { By::Name };
        self.drafts[index].kind = Some(ItemKind::Checked { inner: typed.ty, by });
        self.named.insert(node.span, index);
        Some(Typed { notes: typed.notes, ..leaf(Shape::Local(index)) })
    }

    /// A type that the schema says is elsewhere, and enforces it.
    fn elsewhere(&mut self, node: &Node, path: &Node) -> Option<Typed> {
        let text = path.as_str().unwrap_or_default();
        if !custom::is_path(text) {
            self.problems
                .error(path.span, format!("`{text}` is not a path to a Rust type"))
                .help("write the whole path, such as `::money::Amount`");
            return None;
        }
        self.explain_as(node, Class::Elsewhere);
        let notes = Keywords::of(node).take_notes();
        Some(Typed { notes, ..leaf(Shape::Leaf(Leaf::Elsewhere(text.to_owned()))) })
    }

    fn level(&mut self, node: &Node, path: &Path) -> Option<Typed> {
        let level = level(node, &self.linked.resources);
        match level.value {
            Value::Bool(true) => return Some(Typed::any()),
            Value::Bool(false) => return Some(leaf(Shape::Never)),
            _ => {}
        }
        if let Some(reference) = level.get("$ref")
            && level.members().iter().all(|member| member.key == "$ref" || is_annotation(&member.key))
        {
            return self.reference(&level, reference, path);
        }
        if !compose::is_composed(&level) {
            return self.plain(node, &level, path);
        }
        match compose::merged(&level, self.linked, self.problems) {
            Ok((merged, parts)) => {
                parts.iter().for_each(|part| self.explain_part(part));
                self.plain(node, &merged, path)
            }
            // rules say it beside a type
            Err(Unmerged::Inexpressible) => self.plain(node, &level, path),
            Err(Unmerged::Wrong) => None,
        }
    }

    /// A `$ref` with nothing beside it but annotations, which word this use of the type.
    fn reference(&mut self, node: &Node, reference: &Node, path: &Path) -> Option<Typed> {
        let target = match self.linked.target(reference)? {
            Target::Schema(target) => target,
            Target::Metaschema => return Some(self.unknown(node, path)),
        };
        let own = Keywords::of(node).take_notes();
        if target.get("$ref").is_some() && self.in_circle(target) {
            self.problems.error(reference.span, "the `$ref` leads back to itself and never says what it is");
            return None;
        }
        let path = definition(reference).map_or_else(|| path.clone(), |name| vec![Step::new(&name)]);
        let typed = self.schema(target, &path)?;
        Some(Typed { notes: own.or(typed.notes), ..typed })
    }

    fn in_circle(&self, start: &Node) -> bool {
        let mut node = start;
        for _ in 0..DEEPEST {
            let next = node.get("$ref").and_then(|reference| self.linked.target(reference)?.schema());
            let Some(target) = next.filter(|_| node.get("allOf").is_none()) else { return false };
            node = target;
        }
        true
    }

    /// A type that has a name already, or is about to get one.
    fn again(&mut self, index: usize, node: &Node, path: &Path) -> Typed {
        let draft = &self.drafts[index];
        if draft.kind.is_none() && draft.null {
            // whether null passes is not known before the schema has been read
            return self.unknown(node, path);
        }
        let local = Shape::Local(index);
        let shape = if self.contains_itself(index) { Shape::Boxed(Box::new(local)) } else { local };
        let ty = Nullable { shape, null: self.drafts[index].null };
        Typed { ty, notes: Keywords::of(node).take_notes(), whole: false }
    }

    /// Whether a type that is being read would contain itself, with no list and no map between: it would have no size.
    fn contains_itself(&self, index: usize) -> bool {
        let inside = self.around.iter().position(|around| *around == Around::Type(index));
        inside.is_some_and(|inside| !self.around[inside..].contains(&Around::Heap))
    }

    /// A schema without `$ref` and `allOf`: `level` is what `node`, which stands in a file or was made up, says in itself.
    fn plain(&mut self, node: &Node, level: &Node, path: &Path) -> Option<Typed> {
        let mut keywords = Keywords::of(level);
        let notes = keywords.take_notes();
        self.check_rust_name(level, &notes)?;
        let mut types = keywords.get("type").map_or(TypeSet::ALL, TypeSet::named);
        if let Some(values) = values(&keywords) {
            let allowed: Vec<&Node> = values.iter().filter(|value| types.allows(value)).collect();
            types = types.and(TypeSet::of_values(allowed.iter().copied()));
            if types.is_empty() {
                return self.nothing(level, values.is_empty());
            }
            if let Some((words, null)) = strings::words(&allowed) {
                keywords.take("type");
                keywords.take("const").or_else(|| keywords.take("enum"));
                keywords.take_vacuous(types);
                let shape = self.named(node, Named::Words(words), &notes, path);
                let typed = Typed { ty: Nullable { shape, null }, notes, whole: false };
                return Some(self.settle(node, keywords, typed, path));
            }
        }
        keywords.take_vacuous(types);
        if let Some(union) = self.union(node, &mut keywords, types, &notes, path) {
            return union;
        }
        keywords.take("type");
        match types.besides_null()[..] {
            [only] => self.single(node, keywords, only, notes, types.null, path),
            _ => self.choice(node, keywords, types, notes, path),
        }
    }

    /// No value is both listed and of the stated type. An empty list means it, two that contradict each other do not.
    fn nothing(&mut self, level: &Node, is_meant: bool) -> Option<Typed> {
        if is_meant {
            return Some(leaf(Shape::Never));
        }
        self.problems
            .error(level.span, "nothing can satisfy this: no listed value is of the stated type")
            .help("`type` and the listed values must have values in common");
        None
    }

    /// A value of one type.
    pub(super) fn single(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        only: Type,
        notes: Notes,
        null: bool,
        path: &Path,
    ) -> Option<Typed> {
        numbers::check_counts(&keywords, self.problems)?;
        let inner = match only {
            Type::Object => return self.object(node, keywords, notes, null, path),
            Type::Array => self.array(&mut keywords, path)?,
            Type::String => leaf(self.string_shape(node, &mut keywords, &notes, path)?),
            Type::Number(numbers) => {
                let integers = self.settings.integers;
                leaf(Shape::Leaf(numbers::number(numbers, integers, &mut keywords, self.problems)?))
            }
            Type::Boolean => leaf(Shape::Leaf(Leaf::Bool)),
        };
        let notes = Notes { sensitive: notes.sensitive || inner.notes.sensitive, ..notes };
        let ty = Nullable { null, ..inner.ty };
        Some(self.settle(node, keywords, Typed { ty, notes, whole: inner.whole }, path))
    }

    /// A value that only the schema itself knows.
    fn unknown(&mut self, node: &Node, path: &Path) -> Typed {
        if compose::is_made_up(node) {
            return Typed { whole: true, ..Typed::any() };
        }
        self.explain_below(node);
        let notes = Keywords::of(node).take_notes();
        let index = match self.unknown.get(&node.span) {
            Some(index) => *index,
            None => {
                let by = self.by_schema(node);
                let index = self.checked(node, Typed::any().ty, by, &notes, path);
                self.unknown.insert(node.span, index);
                index
            }
        };
        Typed { notes, ..leaf(Shape::Local(index)) }
    }

    /// The type as it is where it enforces the whole schema; else with rules around it, or with a check against the schema. One that
    /// was made up can't be checked by itself: what is around it must be.
    pub(super) fn settle(&mut self, node: &Node, keywords: Keywords<'_>, typed: Typed, path: &Path) -> Typed {
        let by = match self.needs(node, keywords, typed.whole, Vec::new(), path) {
            Needs::Nothing => return typed,
            Needs::Outer => return Typed { whole: true, ..typed },
            Needs::Around(by) => by,
        };
        let index = self.checked(node, typed.ty, by, &typed.notes, path);
        if !compose::is_made_up(node) {
            self.named.insert(node.span, index);
        }
        Typed { notes: typed.notes, ..leaf(Shape::Local(index)) }
    }

    fn needs(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        whole: bool,
        named: Vec<String>,
        path: &Path,
    ) -> Needs {
        let before = keywords.keys();
        let rules = if whole { Vec::new() } else { self.rules(&mut keywords, named, path) };
        let left = keywords.keys();
        let made_up = compose::is_made_up(node);
        if !made_up {
            let left =
                if whole { node.members().iter().map(|member| member.key.clone()).collect() } else { left.clone() };
            self.explain(node, &left, &before);
        }
        if whole || !left.is_empty() {
            return if made_up { Needs::Outer } else { Needs::Around(self.by_schema(node)) };
        }
        if rules.is_empty() { Needs::Nothing } else { Needs::Around(By::Rules(rules)) }
    }

    fn checked(&mut self, node: &Node, inner: Nullable, by: By, notes: &Notes, path: &Path) -> usize {
        self.draft(node, Some(ItemKind::Checked { inner, by }), notes, path)
    }

    /// A type around one that has no name.
    pub(super) fn around(&mut self, node: &Node, inner: Nullable) -> usize {
        self.checked(node, inner, By::Name, &Notes::default(), &Path::new())
    }

    /// A check against the schema in its document, and in the relaxed one where that makes a difference.
    fn by_schema(&mut self, node: &Node) -> By {
        self.files.insert(node.span.file);
        let at = self.linked.location(node.span);
        let relaxed = self.leniency.differs(node, self.linked).then(|| relaxed::uri(&at));
        By::Schema { at, relaxed }
    }

    fn string_shape(&mut self, node: &Node, keywords: &mut Keywords<'_>, notes: &Notes, path: &Path) -> Option<Shape> {
        let span = keywords.get("pattern").map_or(node.span, |pattern| pattern.span);
        Some(match strings::string(keywords, self.settings.formats, self.problems)? {
            Text::Leaf(leaf) => Shape::Leaf(leaf),
            Text::Named(named) => self.named(node, named, notes, path),
            Text::Id(prefix) => Shape::Leaf(self.catalog.id_leaf(&prefix, span, self.problems)?),
        })
    }

    /// A schema whose values live in a list or a map.
    pub(super) fn on_heap(&mut self, node: &Node, path: &Path) -> Option<Typed> {
        self.around.push(Around::Heap);
        let typed = self.schema(node, path);
        self.around.pop();
        typed
    }

    pub(super) fn named(&mut self, node: &Node, kind: Named, notes: &Notes, path: &Path) -> Shape {
        if let Some(leaf) = self.catalog.shared_leaf(&kind) {
            return Shape::Leaf(leaf);
        }
        let key = equal(&kind);
        if let Some(index) = self.strings.get(&key) {
            return Shape::Local(*index);
        }
        let property = path.last().map(|step| step.property.clone()).unwrap_or_default();
        let index = self.draft(node, Some(ItemKind::Named { kind, property }), notes, path);
        self.strings.insert(key, index);
        Shape::Local(index)
    }

    fn draft(&mut self, node: &Node, kind: Option<ItemKind>, notes: &Notes, path: &Path) -> usize {
        let fixed = notes.rust_name.clone().filter(|name| names_a_type(name));
        self.drafts.push(Draft { path: path.clone(), fixed, span: node.span, kind, null: false, fields_of: None });
        self.drafts.len() - 1
    }

    fn object(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        notes: Notes,
        null: bool,
        path: &Path,
    ) -> Option<Typed> {
        let tag = self.tag.take();
        if tag.is_none()
            && let Some(map) = self.map(&mut keywords, path)
        {
            let map = map?;
            let notes = Notes { sensitive: notes.sensitive || map.notes.sensitive, ..notes };
            let typed = Typed { ty: Nullable { null, ..map.ty }, notes, whole: map.whole };
            return Some(self.settle(node, keywords, typed, path));
        }
        let index = self.open(node, &notes, null, path);
        self.enter(index);
        let members = self.members(&mut keywords, tag, &notes, path);
        self.leave();
        let (object, whole) = members?;
        let constants = object.constants.iter().map(|(name, _)| name.clone());
        let named = object.fields.iter().map(|field| field.json.clone()).chain(constants).collect();
        Some(self.close(index, node, keywords, named, ItemKind::Object(object), whole, notes, path))
    }

    /// Begins a type that others may refer to while it is being read.
    pub(super) fn open(&mut self, node: &Node, notes: &Notes, null: bool, path: &Path) -> usize {
        let index = self.draft(node, None, notes, path);
        self.drafts[index].null = null;
        if !compose::is_made_up(node) {
            self.named.insert(node.span, index);
        }
        index
    }

    /// Ends such a type. Whoever met it meant it with all that is around it.
    #[expect(clippy::too_many_arguments, reason = "all that is known of the type, and nothing of it belongs together")]
    pub(super) fn close(
        &mut self,
        index: usize,
        node: &Node,
        keywords: Keywords<'_>,
        named: Vec<String>,
        kind: ItemKind,
        whole: bool,
        notes: Notes,
        path: &Path,
    ) -> Typed {
        let null = self.drafts[index].null;
        let typed = Typed { ty: Nullable { shape: Shape::Local(index), null }, notes, whole: false };
        let by = match self.needs(node, keywords, whole, named, path) {
            Needs::Around(by) => by,
            needs => {
                self.drafts[index].kind = Some(kind);
                return Typed { whole: matches!(needs, Needs::Outer), ..typed };
            }
        };
        let fields = self.draft(node, Some(kind), &Notes::default(), path);
        self.drafts[fields].fields_of = Some(index);
        let inner = Nullable { shape: Shape::Local(fields), null };
        self.drafts[index].kind = Some(ItemKind::Checked { inner, by });
        self.drafts[index].null = false;
        Typed { ty: Nullable { null: false, ..typed.ty }, ..typed }
    }

    /// What comes next is part of the type.
    pub(super) fn enter(&mut self, index: usize) {
        self.around.push(Around::Type(index));
    }

    pub(super) fn leave(&mut self) {
        self.around.pop();
    }

    fn check_rust_name(&mut self, node: &Node, notes: &Notes) -> Option<()> {
        let Some(name) = notes.rust_name.as_deref().filter(|name| !names::is_identifier(name)) else { return Some(()) };
        let span = node.get("x-rust-name").map_or(node.span, |name| name.span);
        self.problems
            .error(span, format!("`{name}` is not a Rust identifier"))
            .help("a field's name is in snake_case, a type's in UpperCamelCase");
        None
    }
}

/// `x-rust-name` names a type in UpperCamelCase and a field in snake_case.
pub(super) fn names_a_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

pub(super) fn leaf(shape: Shape) -> Typed {
    Typed { ty: Nullable { shape, null: false }, notes: Notes::default(), whole: false }
}

/// The values that the schema lists, where it does.
fn values<'n>(keywords: &Keywords<'n>) -> Option<&'n [Node]> {
    match keywords.get("const") {
        Some(value) => Some(std::slice::from_ref(value)),
        None => keywords.get("enum")?.as_array(),
    }
}

/// The name of the definition that a `$ref` leads to; none where it leads to a whole file.
pub(super) fn definition(reference: &Node) -> Option<String> {
    let (_, pointer) = reference.as_str()?.split_once('#')?;
    let last = pointer.rsplit('/').next().filter(|last| !last.is_empty())?;
    Some(crate::node::unescape(last))
}

impl Notes {
    /// These, and where they say nothing, the others.
    pub(super) fn or(self, other: Notes) -> Notes {
        let mut notes = self;
        notes.docs.title = notes.docs.title.or(other.docs.title);
        notes.docs.description = notes.docs.description.or(other.docs.description);
        notes.sensitive |= other.sensitive;
        notes.deprecated |= other.deprecated;
        notes.rust_name = notes.rust_name.or(other.rust_name);
        notes
    }
}
