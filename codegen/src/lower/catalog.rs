//! The types that the registry names for the whole crate: ids and shared types.

use std::collections::{BTreeMap, BTreeSet};

use super::keywords::Keywords;
use super::strings::{self, Text};
use crate::diagnostics::{Problems, did_you_mean};
use crate::link::Linked;
use crate::model::{IdType, Leaf, Named, SharedType};
use crate::names;
use crate::node::{Node, Span};
use crate::settings::Formats;

/// The crate-wide types, and which of them the payloads used.
pub(super) struct Catalog {
    ids: BTreeMap<String, IdType>,
    shared: Vec<SharedType>,
    used: BTreeSet<String>,
    /// Whether ids get types that no registry names.
    names_ids: bool,
}

impl Catalog {
    pub(super) fn of(linked: &Linked<'_>, problems: &mut Problems) -> Catalog {
        let ids = linked.registry.id_prefixes.iter().map(|(prefix, id)| {
            let id = IdType {
                prefix: prefix.clone(),
                rust_name: id.type_name.clone(),
                description: id.description.clone(),
                elsewhere: (prefix == EVENT_PREFIX).then(of_runtime),
                derives: Vec::new(),
            };
            (prefix.clone(), id)
        });
        let mut catalog = Catalog {
            ids: ids.collect(),
            shared: Vec::new(),
            used: BTreeSet::new(),
            names_ids: linked.document.is_none(),
        };
        catalog.ids.entry(EVENT_PREFIX.to_owned()).or_insert_with(event_id);
        for (name, shared) in &linked.registry.shared_types {
            let schema = linked.document.and_then(|document| document.get("shared_types")?.get(name)?.get("schema"));
            let Some(kind) = schema.and_then(|schema| named(schema, problems)) else { continue };
            if let (Some(other), Some(schema)) = (catalog.find(&kind), schema) {
                problems.error(schema.span, format!("`{name}` and `{}` have the same schema", other.rust_name));
                continue;
            }
            let description = shared.description.clone();
            catalog.shared.push(SharedType {
                rust_name: name.clone(),
                description,
                kind,
                elsewhere: None,
                derives: Vec::new(),
            });
        }
        catalog
    }

    /// In the order of type names.
    pub(super) fn ids(&self) -> impl Iterator<Item = &IdType> {
        let by_name: BTreeMap<&str, &IdType> = self.ids.values().map(|id| (id.rust_name.as_str(), id)).collect();
        by_name.into_values()
    }

    /// In the order of type names.
    pub(super) fn shared(&self) -> impl Iterator<Item = &SharedType> {
        self.shared.iter()
    }

    pub(super) fn is_used(&self, rust_name: &str) -> bool {
        self.used.contains(rust_name)
    }

    /// The shared type that equals the given one, as a leaf.
    pub(super) fn shared_leaf(&mut self, kind: &Named) -> Option<Leaf> {
        let name = self.find(kind)?.rust_name.clone();
        self.used.insert(name.clone());
        Some(Leaf::Shared(name))
    }

    /// The id type with the prefix, as a leaf; where there is none, a problem on record.
    pub(super) fn id_leaf(&mut self, prefix: &str, span: Span, problems: &mut Problems) -> Option<Leaf> {
        if self.names_ids && !self.ids.contains_key(prefix) {
            self.name_id(prefix);
        }
        let name = self.id(prefix, span, problems)?.rust_name.clone();
        self.used.insert(name.clone());
        Some(Leaf::Id(name))
    }

    /// The id type with the prefix; where there is none, a problem on record.
    pub(super) fn id(&self, prefix: &str, span: Span, problems: &mut Problems) -> Option<&IdType> {
        let id = self.find_id(prefix);
        if id.is_none() {
            let help = did_you_mean(prefix, self.ids.keys().map(String::as_str));
            problems
                .error(span, format!("the registry has no id prefix `{prefix}`"))
                .help(help.unwrap_or_else(|| "add it to `id_prefixes`, with the name of its type".to_owned()));
        }
        id
    }

    /// `per_` becomes `PerId`.
    fn name_id(&mut self, prefix: &str) {
        let name = format!("{}Id", names::upper_camel(prefix));
        let is_free = |name: &str| self.ids.values().all(|id| id.rust_name != name);
        let numbered = (2..).map(|number: u32| format!("{name}{number}"));
        let rust_name = std::iter::once(name.clone()).chain(numbered).find(|name| is_free(name)).unwrap_or(name);
        let description = format!("What begins with `{prefix}`.");
        self.ids.insert(
            prefix.to_owned(),
            IdType { prefix: prefix.to_owned(), rust_name, description, elsewhere: None, derives: Vec::new() },
        );
    }

    pub(super) fn find_id(&self, prefix: &str) -> Option<&IdType> {
        self.ids.get(prefix)
    }

    pub(super) fn id_by_name(&self, rust_name: &str) -> Option<&IdType> {
        self.ids.values().find(|id| id.rust_name == rust_name)
    }

    fn find(&self, kind: &Named) -> Option<&SharedType> {
        if self.shared.is_empty() {
            return None;
        }
        let kind = equal(kind);
        self.shared.iter().find(|shared| equal(&shared.kind) == kind)
    }
}

/// Every event has an id, so its type is the runtime's, whether the registry lists it or not.
const EVENT_PREFIX: &str = "evt_";

fn of_runtime() -> String {
    "eventwright::EventId".to_owned()
}

fn event_id() -> IdType {
    IdType {
        prefix: EVENT_PREFIX.to_owned(),
        rust_name: "EventId".to_owned(),
        description: "An event.".to_owned(),
        elsewhere: Some(of_runtime()),
        derives: Vec::new(),
    }
}

/// What named types that accept the same strings have in common; the order of words says nothing.
pub(super) fn equal(kind: &Named) -> Named {
    let mut kind = kind.clone();
    if let Named::Words(words) = &mut kind {
        words.sort_unstable();
    }
    kind
}

fn named(schema: &Node, problems: &mut Problems) -> Option<Named> {
    let mut keywords = Keywords::of(schema);
    keywords.take_notes();
    let is_string = keywords.take("type").is_some_and(|node| node.as_str() == Some("string"));
    let kind = match keywords.take("enum").and_then(Node::as_array) {
        Some(values) => {
            let values: Vec<&Node> = values.iter().collect();
            strings::words(&values).filter(|(_, null)| !null).map(|(words, _)| Named::Words(words))
        }
        None => match strings::string(&mut keywords, Formats::Assert, problems)? {
            Text::Named(named) => Some(named),
            _ => None,
        },
    };
    if kind.is_none() || !is_string || !keywords.left().is_empty() {
        problems
            .error(schema.span, "a shared type is a string with an `enum`, without null, or with a simple `pattern`")
            .help("ids get their types from `id_prefixes`; everything else needs no name");
        return None;
    }
    kind
}
