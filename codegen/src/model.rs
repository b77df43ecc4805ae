//! What the bindings will be, as plain data: made by [`lower`](crate::lower), read by [`emit`](crate::emit).
//!
//! Nothing here knows JSON Schema, and nothing here is a token. Names are final Rust identifiers; a Rust keyword is spelt `r#type`.

/// All bindings of a run. Every list is in the order of its names, whatever the order in the files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Model {
    pub(crate) domains: Vec<Domain>,
    pub(crate) ids: Vec<IdType>,
    pub(crate) shared: Vec<SharedType>,
    pub(crate) event_types: Vec<EventType>,
    /// In the order of event types and versions.
    pub(crate) payloads: Vec<Payload>,
    /// What the contracts are called as a whole: the registry file's name.
    pub(crate) title: String,
    /// Whether a registry says who may publish and who subscribes.
    pub(crate) has_registry: bool,
    /// What became of each schema's constraints.
    pub(crate) explained: Vec<Explained>,
}

/// What became of a schema's constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The file, as a person in the working directory of the run would name it.
    pub file: String,
    /// JSON pointer (RFC 6901) of the schema; empty for the whole document.
    pub pointer: String,
    /// The keywords that constrain values, in the schema's order.
    pub keywords: Vec<(String, Class)>,
}

/// What enforces a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The type: no other value can be.
    Typed,
    /// A check in the type, whenever a value is read or made.
    Checked,
    /// A type of yours, which the schema names in `x-rust-type`: whether it enforces the schema is yours to say.
    Elsewhere,
    /// The `jsonschema` crate, which holds the value against the schema itself.
    Whole,
}

impl Explained {
    /// Whether the schema is enforced without the `jsonschema` crate.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.keywords.iter().all(|(_, class)| *class != Class::Whole)
    }
}

/// A domain of the output: `Sales`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) rust_name: String,
    pub(crate) description: String,
    /// The payloads that it is subscribed to, as indices into [`Model::payloads`].
    pub(crate) receives: Vec<usize>,
}

/// An id newtype: `PersonId`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdType {
    pub(crate) prefix: String,
    pub(crate) rust_name: String,
    pub(crate) description: String,
    /// Where the type is already, if the bindings do not make it: `evt_` is the runtime's.
    pub(crate) elsewhere: Option<String>,
    pub(crate) derives: Vec<String>,
}

/// A type that all payloads share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SharedType {
    pub(crate) rust_name: String,
    pub(crate) description: String,
    pub(crate) kind: Named,
    /// Where the type is already, if the bindings do not make it.
    pub(crate) elsewhere: Option<String>,
    pub(crate) derives: Vec<String>,
}

/// An event type, also one without any payload yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventType {
    pub(crate) name: String,
    /// `LeadCreated`
    pub(crate) variant: String,
    /// `LEAD_CREATED`
    pub(crate) constant: String,
    pub(crate) description: String,
}

/// One version of an event type's payload: one module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payload {
    pub(crate) event_type: String,
    pub(crate) version: u16,
    /// The schema's path, relative to the registry.
    pub(crate) source: String,
    /// `lead_created_v1`
    pub(crate) module: String,
    /// `LeadCreatedV1`
    pub(crate) rust_name: String,
    /// `LeadCreated`, where this is the current version.
    pub(crate) alias: Option<String>,
    /// What the registry says of the event type.
    pub(crate) description: String,
    pub(crate) schema_id: Option<String>,
    /// None where there is no registry.
    pub(crate) owner: Option<String>,
    pub(crate) subscribers: Vec<String>,
    /// Rust names of the domains to implement `PublishedBy` and `SubscribedBy` for.
    pub(crate) published_by: Vec<String>,
    pub(crate) subscribed_by: Vec<String>,
    pub(crate) standing: Standing,
    /// The Rust name of an older version that subscribers are still promised, and that events of this one carry besides.
    pub(crate) downcast: Option<String>,
    /// The older versions of the event type.
    pub(crate) older: Vec<Older>,
    /// None where there is no registry.
    pub(crate) subject: Option<Subject>,
    /// The fields that lead to the tenant.
    pub(crate) tenant: Option<Vec<String>>,
    /// The types of the module, in the schema's order.
    pub(crate) items: Vec<Item>,
    /// Which of them is the payload's own.
    pub(crate) root: usize,
    /// Schemas that values are held against as a whole, and all that they refer to.
    pub(crate) documents: Vec<Document>,
}

/// An older version of a payload's event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Older {
    pub(crate) rust_name: String,
    pub(crate) is_deprecated: bool,
}

/// A schema document that is part of the bindings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Document {
    pub(crate) uri: String,
    pub(crate) json: String,
}

/// Where a version stands in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Announced or current.
    Live,
    /// Still published; the name of the current version, where there is one.
    Deprecated { successor: Option<String> },
    /// Read, never published.
    Retired,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The fields that lead to the id.
    Carried { id: IdType, path: Vec<String> },
    /// Whoever publishes says it.
    Given { id: IdType },
}

/// A type of a payload's own module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) rust_name: String,
    pub(crate) kind: ItemKind,
    /// Derives besides those that every such type has.
    pub(crate) derives: Vec<String>,
}

/// What such a type is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ItemKind {
    Object(Object),
    Named {
        kind: Named,
        /// The property that it is the type of.
        property: String,
    },
    /// A type around another.
    Checked {
        inner: Nullable,
        by: By,
    },
    Union {
        choice: Choice,
        variants: Vec<Variant>,
    },
}

/// What a type adds to the one within.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum By {
    /// A name.
    Name,
    /// Rules that no type says.
    Rules(Vec<Rule>),
    /// The whole schema with the URI `at`; `relaxed` is that of what tolerant reading takes instead, where it takes more.
    Schema { at: String, relaxed: Option<String> },
}

/// How many of a union's variants a value may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    Any,
    One,
    /// One, which the member of this name tells.
    Tag(String),
}

/// A variant of a union.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variant {
    pub(crate) rust_name: String,
    /// What the tag says, where there is one.
    pub(crate) tag: Option<String>,
    pub(crate) ty: Nullable,
}

/// A rule about a value of any type. It lets values that it is not about pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    /// JSON types, as the bits of the runtime's `Other`; of numbers perhaps only whole ones.
    Types {
        mask: u8,
        whole: bool,
    },
    /// JSON texts, to one of which the value is equal.
    Values(Vec<String>),
    Not(Predicate),
    AnyOf(Vec<Predicate>),
    OneOf(Vec<Predicate>),
    /// `oneOf` of objects that a property tells apart, and perhaps null.
    Tagged {
        tag: String,
        branches: Vec<(String, Predicate)>,
        null: bool,
    },
    AllOf(Vec<Predicate>),
    When {
        condition: Predicate,
        then: Option<Predicate>,
        otherwise: Option<Predicate>,
    },
    /// A bound on a count, by the name of the runtime's function.
    Count(&'static str, u64),
    /// A bound on a number, by the name of the runtime's function.
    Bound(&'static str, String),
    Format(String),
    /// A type of the payload's module that strings match.
    Matches(Nullable),
    Required(Vec<String>),
    DependentRequired(Vec<(String, Vec<String>)>),
    DependentSchemas(Vec<(String, Predicate)>),
    PropertyNames(Predicate),
    Properties(Vec<(String, Predicate)>),
    Members {
        named: Vec<String>,
        patterns: Vec<(Nullable, Predicate)>,
        others: Option<Predicate>,
    },
    Items {
        prefix: Vec<Predicate>,
        rest: Option<Predicate>,
    },
    Contains {
        item: Predicate,
        min: u64,
        max: Option<u64>,
    },
    Unique,
    /// Of the members, or of the items, that nothing else has seen.
    Unevaluated {
        items: bool,
        rest: Predicate,
        seen: Seen,
    },
}

/// What parts of a schema look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) names: Vec<String>,
    pub(crate) patterns: Vec<Nullable>,
    pub(crate) all_members: bool,
    /// The first so many items.
    pub(crate) prefix: usize,
    /// Items that satisfy one of these.
    pub(crate) contained: Vec<Predicate>,
    pub(crate) all_items: bool,
    pub(crate) conditional: Vec<(SeenIf, Seen)>,
}

/// When a part of a schema looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SeenIf {
    Holds(Predicate),
    Fails(Predicate),
    /// The object has the member.
    Has(String),
}

impl Seen {
    pub(crate) fn add(&mut self, more: Seen) {
        self.names.extend(more.names);
        self.patterns.extend(more.patterns);
        self.all_members |= more.all_members;
        self.prefix = self.prefix.max(more.prefix);
        self.contained.extend(more.contained);
        self.all_items |= more.all_items;
        self.conditional.extend(more.conditional);
    }

    pub(crate) fn add_if(&mut self, condition: SeenIf, more: Seen) {
        if more != Seen::default() {
            self.conditional.push((condition, more));
        }
    }

    fn each_part(&self, show: &mut dyn FnMut(Part<'_>)) {
        self.patterns.iter().for_each(|pattern| pattern.shape.each_part(show));
        self.contained.iter().for_each(|one| one.each_part(show));
        for (condition, seen) in &self.conditional {
            if let SeenIf::Holds(one) | SeenIf::Fails(one) = condition {
                one.each_part(show);
            }
            seen.each_part(show);
        }
    }
}

/// What a value satisfies or not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Predicate {
    Always,
    Never,
    /// The value is of the type.
    Is(Nullable),
    /// All rules hold.
    All(Vec<Rule>),
}

/// A string type that has a name: interned, equal ones are one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Named {
    /// A closed list of words.
    Words(Vec<Word>),
    /// A string that matches a regular expression (ECMA 262), and whose length may have bounds.
    Pattern { pattern: String, is_simple: bool, min: u64, max: Option<u64> },
}

/// One word of a closed list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Word {
    pub(crate) json: String,
    pub(crate) rust_name: String,
}

/// A JSON object with named members: a struct.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) docs: Docs,
    /// Members that always are there with the same text: their names and texts.
    pub(crate) constants: Vec<(String, String)>,
    /// The field that keeps other members; a closed object has none, and refuses them.
    pub(crate) rest: Option<String>,
    /// In the schema's order.
    pub(crate) fields: Vec<Field>,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) json: String,
    pub(crate) rust_name: String,
    pub(crate) docs: Docs,
    /// False: may be absent, which is not null.
    pub(crate) required: bool,
    /// Never shown in `Debug` or in errors.
    pub(crate) sensitive: bool,
    pub(crate) deprecated: bool,
    pub(crate) ty: Nullable,
}

/// A shape that may be null, or not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nullable {
    pub(crate) shape: Shape,
    pub(crate) null: bool,
}

/// The Rust type that a subschema becomes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Leaf(Leaf),
    /// A type of the payload's module, by its index in [`Payload::items`].
    Local(usize),
    List {
        item: Box<Nullable>,
        min: u64,
        max: Option<u64>,
        unique: bool,
    },
    /// An object whose keys are data.
    Map {
        /// What the keys match; none where any key will do.
        key: Option<Box<Shape>>,
        value: Box<Nullable>,
    },
    /// An array of exactly these items.
    Tuple(Vec<Nullable>),
    /// Nothing.
    Never,
    /// Any JSON of these types, as the bits of the runtime's `Other`.
    Other(u8),
    /// A type that contains itself, on the heap.
    Boxed(Box<Shape>),
    /// Any JSON.
    Json,
}

/// A value without parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Leaf {
    Bool,
    /// A 64-bit integer within bounds, both inclusive.
    Int {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// An integer of any size.
    Integer,
    /// Any number, exactly.
    Number,
    /// A string whose length, in Unicode code points, is within bounds.
    Text {
        min: u64,
        max: Option<u64>,
    },
    Date,
    DateTime,
    Uuid,
    /// A string in a format, by the name of the runtime's type.
    Format(&'static str),
    /// An id type, by its Rust name.
    Id(String),
    /// A type that all payloads share, by its Rust name.
    Shared(String),
    /// A type from elsewhere, by its path.
    Elsewhere(String),
}

/// What the contract says in prose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Docs {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
}

/// What a type is made of, or held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'m> {
    Leaf(&'m Leaf),
    Rule(&'m Rule),
}

impl ItemKind {
    /// Shows all that the type is made of and held against, at any depth, but for the module's other types.
    pub(crate) fn each_part(&self, show: &mut dyn FnMut(Part<'_>)) {
        match self {
            ItemKind::Object(object) => object.fields.iter().for_each(|field| field.ty.shape.each_part(show)),
            ItemKind::Named { .. } => {}
            ItemKind::Checked { inner, by } => {
                inner.shape.each_part(show);
                if let By::Rules(rules) = by {
                    rules.iter().for_each(|rule| rule.each_part(show));
                }
            }
            ItemKind::Union { variants, .. } => variants.iter().for_each(|variant| variant.ty.shape.each_part(show)),
        }
    }
}

impl Shape {
    fn each_part(&self, show: &mut dyn FnMut(Part<'_>)) {
        match self {
            Shape::Leaf(leaf) => show(Part::Leaf(leaf)),
            Shape::List { item, .. } => item.shape.each_part(show),
            Shape::Map { key, value } => {
                if let Some(key) = key {
                    key.each_part(show);
                }
                value.shape.each_part(show);
            }
            Shape::Tuple(items) => items.iter().for_each(|item| item.shape.each_part(show)),
            Shape::Boxed(shape) => shape.each_part(show),
            Shape::Local(_) | Shape::Never | Shape::Other(_) | Shape::Json => {}
        }
    }
}

impl Rule {
    fn each_part(&self, show: &mut dyn FnMut(Part<'_>)) {
        show(Part::Rule(self));
        match self {
            Rule::Not(one) | Rule::PropertyNames(one) | Rule::Contains { item: one, .. } => one.each_part(show),
            Rule::AnyOf(all) | Rule::OneOf(all) | Rule::AllOf(all) => all.iter().for_each(|one| one.each_part(show)),
            Rule::When { condition, then, otherwise } => {
                [Some(condition), then.as_ref(), otherwise.as_ref()]
                    .into_iter()
                    .flatten()
                    .for_each(|one| one.each_part(show));
            }
            Rule::Matches(ty) => ty.shape.each_part(show),
            Rule::DependentSchemas(entries) | Rule::Properties(entries) | Rule::Tagged { branches: entries, .. } => {
                entries.iter().for_each(|(_, one)| one.each_part(show));
            }
            Rule::Members { patterns, others, .. } => {
                patterns.iter().map(|(_, one)| one).chain(others).for_each(|one| one.each_part(show));
                patterns.iter().for_each(|(pattern, _)| pattern.shape.each_part(show));
            }
            Rule::Items { prefix, rest } => prefix.iter().chain(rest).for_each(|one| one.each_part(show)),
            Rule::Unevaluated { rest, seen, .. } => {
                rest.each_part(show);
                seen.each_part(show);
            }
            Rule::Types { .. }
            | Rule::Values(_)
            | Rule::Count(..)
            | Rule::Bound(..)
            | Rule::Format(_)
            | Rule::Required(_)
            | Rule::DependentRequired(_)
            | Rule::Unique => {}
        }
    }
}

impl Predicate {
    fn each_part(&self, show: &mut dyn FnMut(Part<'_>)) {
        match self {
            Predicate::Always | Predicate::Never => {}
            Predicate::Is(ty) => ty.shape.each_part(show),
            Predicate::All(rules) => rules.iter().for_each(|rule| rule.each_part(show)),
        }
    }
}
