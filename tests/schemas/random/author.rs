//! Schemas as people write them, over the whole vocabulary of draft 2020-12: small names that recur, so that keywords meet, and rules
//! that something satisfies, mostly.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::words::{ANCHORS, DEFINITIONS, PROSE};

/// How deep schemas stand in each other.
const DEPTH: u8 = 4;

/// How many schemas a document has, about.
const SUBSCHEMAS: u8 = 12;

/// Writes the document of an event type.
pub(crate) fn schema(event: &str, rng: &mut Rng) -> Value {
    Author::new(event, rng).document()
}

/// What a schema is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    Null,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Null => "null",
        }
    }
}

/// Where a schema stands.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) depth: u8,
    /// The first definition that may be referred to here. One before it would apply itself to the same value, for ever.
    from: usize,
    /// Whether this is for a part of the document's value: the root would apply itself to the whole, for ever.
    below: bool,
    /// Whether `#` is another document than the root.
    embedded: bool,
}

impl Spot {
    /// Of a schema for a member or an item of the value.
    pub(crate) fn child(self) -> Self {
        Self { depth: self.depth + 1, from: 0, below: true, ..self }
    }

    /// Of a schema for the same value.
    pub(crate) fn in_place(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    /// Whether nothing may stand below.
    pub(crate) fn is_deep(self) -> bool {
        self.depth >= DEPTH
    }
}

struct Definition {
    name: &'static str,
    kind: Kind,
    anchor: Option<&'static str>,
    /// The file name in an `$id`.
    id: Option<String>,
}

pub(crate) struct Author<'r> {
    pub(crate) rng: &'r mut Rng,
    definitions: Vec<Definition>,
    /// The root's file name, where it has an `$id`.
    root: Option<String>,
    left: u8,
}

impl<'r> Author<'r> {
    fn new(event: &str, rng: &'r mut Rng) -> Self {
        let mut author = Self { rng, definitions: Vec::new(), root: None, left: SUBSCHEMAS };
        if author.one_in(4) {
            author.root = Some(format!("{event}-v1.json"));
        }
        if author.one_in(2) {
            for index in 0..author.rng.usize(1..4) {
                let definition = author.definition(event, index);
                author.definitions.push(definition);
            }
        }
        author
    }

    fn definition(&mut self, event: &str, index: usize) -> Definition {
        let name = DEFINITIONS[index];
        let id = self.root.is_some() && self.one_in(3);
        Definition {
            name,
            kind: if index == 0 { Kind::Object } else { self.kind(1) },
            anchor: self.one_in(4).then_some(ANCHORS[index]),
            id: id.then(|| format!("{event}.{name}.json")),
        }
    }

    fn document(mut self) -> Value {
        let spot = Spot { depth: 0, from: 0, below: false, embedded: false };
        let kind = if self.one_in(5) { self.kind(0) } else { Kind::Object };
        let mut document = match self.of(kind, spot) {
            Value::Object(keywords) => keywords,
            everything_or_nothing => return everything_or_nothing,
        };
        let definitions: Map<String, Value> = (0..self.definitions.len())
            .map(|index| (self.definitions[index].name.to_owned(), self.body(index)))
            .collect();
        if !definitions.is_empty() {
            document.insert("$defs".to_owned(), definitions.into());
        }
        if let Some(root) = &self.root {
            document.insert("$id".to_owned(), format!("https://schemas.test/{root}").into());
        }
        if self.one_in(2) {
            document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        }
        document.into()
    }

    fn body(&mut self, index: usize) -> Value {
        self.left = self.left.max(SUBSCHEMAS / 3);
        let Definition { kind, anchor, id, .. } = &self.definitions[index];
        let (kind, anchor, id) = (*kind, *anchor, id.clone());
        let spot = Spot { depth: 1, from: index + 1, below: false, embedded: id.is_some() };
        // an `$id` or `$anchor` needs an object to stand in
        let mut body = match self.of(kind, spot) {
            Value::Object(keywords) => keywords,
            _ => Map::new(),
        };
        if let Some(anchor) = anchor {
            body.insert("$anchor".to_owned(), anchor.into());
        }
        if let Some(id) = id {
            body.insert("$id".to_owned(), id.into());
        }
        body.into()
    }

    pub(crate) fn one_in(&mut self, times: u32) -> bool {
        self.rng.u32(0..times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }

    /// What a schema at this depth is about: the deeper, the simpler.
    pub(crate) fn kind(&mut self, depth: u8) -> Kind {
        use Kind::{Array, Boolean, Integer, Null, Number, Object, String};
        let simple = depth + 1 >= DEPTH || self.left == 0 || self.rng.u8(0..10) < 6;
        if simple {
            self.pick(&[String, String, String, Integer, Integer, Number, Boolean, Null])
        } else {
            self.pick(&[Object, Object, Object, Array, Array])
        }
    }

    /// A schema about anything.
    pub(crate) fn any(&mut self, spot: Spot) -> Value {
        let kind = self.kind(spot.depth);
        self.of(kind, spot)
    }

    /// A schema about one kind of value.
    pub(crate) fn of(&mut self, kind: Kind, spot: Spot) -> Value {
        self.left = self.left.saturating_sub(1);
        match self.rng.u8(0..100) {
            0..3 if spot.depth > 0 => json!(!self.one_in(4)),
            0 => json!(true),
            3..16 => self.reference(kind, spot).unwrap_or_else(|| self.keywords(kind, spot)),
            16..23 if spot.depth > 0 => self.listed(kind),
            23..27 if !spot.is_deep() && kind == Kind::Object => self.tagged(spot),
            _ => self.keywords(kind, spot),
        }
    }

    fn keywords(&mut self, kind: Kind, spot: Spot) -> Value {
        let mut schema = Map::new();
        if self.rng.u8(0..10) < if spot.depth == 0 { 8 } else { 6 } {
            schema.insert("type".to_owned(), self.types(kind));
        }
        self.rules(kind, spot, &mut schema);
        if self.one_in(16) {
            let other = self.kind(spot.depth);
            self.rules(other, spot, &mut schema);
        }
        if !spot.is_deep() && self.left > 0 {
            self.compose(kind, spot, &mut schema);
        }
        if self.one_in(6) {
            self.annotate(&mut schema);
        }
        schema.into()
    }

    fn rules(&mut self, kind: Kind, spot: Spot, schema: &mut Map<String, Value>) {
        match kind {
            Kind::Object => self.object(spot, schema),
            Kind::Array => self.array(spot, schema),
            Kind::String => self.string(schema),
            Kind::Integer | Kind::Number => self.number(kind, schema),
            Kind::Boolean | Kind::Null => {}
        }
    }

    fn types(&mut self, kind: Kind) -> Value {
        match self.rng.u8(0..10) {
            0 if kind != Kind::Null => json!([kind.name(), "null"]),
            1 if self.one_in(2) => {
                let other = self.kind(0);
                if other == kind { json!([kind.name()]) } else { json!([kind.name(), other.name()]) }
            }
            _ => kind.name().into(),
        }
    }

    /// A `$ref` to a definition that may stand here, alone or beside other keywords; or to the root.
    fn reference(&mut self, kind: Kind, spot: Spot) -> Option<Value> {
        let mut choices: Vec<usize> = (spot.from..self.definitions.len()).collect();
        if self.rng.bool() {
            choices.retain(|index| self.definitions[*index].kind == kind);
        }
        let reference = match self.rng.choice(&choices) {
            Some(index) => self.uri(*index, spot),
            None if !spot.below || !self.one_in(3) => return None,
            None => "#".to_owned(),
        };
        let mut schema = if self.one_in(4) { self.keywords(kind, spot) } else { json!({}) };
        schema["$ref"] = reference.into();
        Some(schema)
    }

    fn uri(&mut self, index: usize, spot: Spot) -> String {
        let by_name = self.rng.bool();
        let Definition { name, anchor, id, .. } = &self.definitions[index];
        let root = if spot.embedded { self.root.as_deref().unwrap_or_default() } else { "" };
        match (id, anchor) {
            (Some(id), Some(anchor)) if by_name => format!("{id}#{anchor}"),
            (Some(id), _) => id.clone(),
            (None, Some(anchor)) if by_name => format!("{root}#{anchor}"),
            (None, _) => format!("{root}#/$defs/{name}"),
        }
    }

    fn annotate(&mut self, schema: &mut Map<String, Value>) {
        for keyword in ["title", "description", "$comment"] {
            if self.one_in(2) {
                schema.insert(keyword.to_owned(), self.pick(&PROSE).into());
            }
        }
        for keyword in ["deprecated", "readOnly", "writeOnly"] {
            if self.one_in(8) {
                schema.insert(keyword.to_owned(), self.rng.bool().into());
            }
        }
    }
}
