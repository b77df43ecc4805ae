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
    /// The registry file's name.
    pub(crate) registry: String,
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
    /// `evt_`: the runtime has the type already.
    pub(crate) of_runtime: bool,
}

/// A type that all payloads share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SharedType {
    pub(crate) rust_name: String,
    pub(crate) description: String,
    pub(crate) kind: Named,
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
    pub(crate) owner: String,
    pub(crate) subscribers: Vec<String>,
    /// Rust names of the domains to implement `PublishedBy` and `SubscribedBy` for.
    pub(crate) published_by: Vec<String>,
    pub(crate) subscribed_by: Vec<String>,
    pub(crate) standing: Standing,
    pub(crate) subject: Subject,
    /// The fields that lead to the tenant.
    pub(crate) tenant: Option<Vec<String>>,
    /// The types of the module: first the payload's own struct, then what it needs, in the schema's order.
    pub(crate) items: Vec<Item>,
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
}

/// A string type that has a name: interned, equal ones are one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// A closed list of words.
    Words(Vec<Word>),
    /// A string that matches a regular expression (ECMA 262), and whose length may have bounds.
    Pattern { pattern: String, min: u64, max: Option<u64> },
}

/// One word of a closed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) json: String,
    pub(crate) rust_name: String,
}

/// A JSON object with named members: a struct.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) docs: Docs,
    /// Other members are refused; an open object keeps them.
    pub(crate) closed: bool,
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
    Map(Box<Nullable>),
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
    Number,
    /// A string whose length, in Unicode code points, is within bounds.
    Text {
        min: u64,
        max: Option<u64>,
    },
    Date,
    DateTime,
    Email,
    Uuid,
    /// An id type, by its Rust name.
    Id(String),
    /// A type that all payloads share, by its Rust name.
    Shared(String),
}

/// What the contract says in prose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Docs {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
}
