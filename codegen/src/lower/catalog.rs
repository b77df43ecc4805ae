//! The types that the registry names for the whole crate: ids and shared types.

use std::collections::{BTreeMap, BTreeSet};

use super::keywords::Keywords;
use super::strings::{self, Text};
use crate::diagnostics::{Problems, did_you_mean};
use crate::link::Linked;
use crate::model::{IdType, Leaf, Named, SharedType};
use crate::node::{Node, Span};

/// The crate-wide types, and which of them the payloads used.
pub(super) struct Catalog {
    ids: BTreeMap<String, IdType>,
    shared: Vec<SharedType>,
    used: BTreeSet<String>,
}

impl Catalog {
    pub(super) fn of(linked: &Linked<'_>, problems: &mut Problems) -> Catalog {
        let ids = linked.registry.id_prefixes.iter().map(|(prefix, id)| {
            let id = IdType {
                prefix: prefix.clone(),
                rust_name: id.type_name.clone(),
                description: id.description.clone(),
                of_runtime: prefix == EVENT_PREFIX,
            };
            (prefix.clone(), id)
        });
        let mut catalog = Catalog { ids: ids.collect(), shared: Vec::new(), used: BTreeSet::new() };
        catalog.ids.entry(EVENT_PREFIX.to_owned()).or_insert_with(event_id);
        for (name, shared) in &linked.registry.shared_types {
            let schema = linked.document.get("shared_types").and_then(|types| types.get(name)?.get("schema"));
            let Some(kind) = schema.and_then(|schema| named(schema, problems)) else { continue };
            if let (Some(other), Some(schema)) = (catalog.find(&kind), schema) {
                problems.error(schema.span, format!("`{name}` and `{}` have the same schema", other.rust_name));
                continue;
            }
            let description = shared.description.clone();
            catalog.shared.push(SharedType { rust_name: name.clone(), description, kind });
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

    pub(super) fn find_id(&self, prefix: &str) -> Option<&IdType> {
        self.ids.get(prefix)
    }

    pub(super) fn id_by_name(&self, rust_name: &str) -> Option<&IdType> {
        self.ids.values().find(|id| id.rust_name == rust_name)
    }

    fn find(&self, kind: &Named) -> Option<&SharedType> {
        self.shared.iter().find(|shared| same(&shared.kind, kind))
    }
}

/// Every event has an id, so its type is the runtime's, whether the registry lists it or not.
const EVENT_PREFIX: &str = "evt_";

fn event_id() -> IdType {
    IdType {
        prefix: EVENT_PREFIX.to_owned(),
        rust_name: "EventId".to_owned(),
        description: "An event.".to_owned(),
        of_runtime: true,
    }
}

/// Whether two named types accept the same strings; the order of words says nothing.
pub(super) fn same(a: &Named, b: &Named) -> bool {
    match (a, b) {
        (Named::Words(a), Named::Words(b)) => a.len() == b.len() && a.iter().all(|word| b.contains(word)),
        (Named::Pattern { .. }, Named::Pattern { .. }) => a == b,
        _ => false,
    }
}

fn named(schema: &Node, problems: &mut Problems) -> Option<Named> {
    let mut keywords = Keywords::of(schema, problems)?;
    keywords.take_notes(problems)?;
    let is_string = keywords.take("type").is_some_and(|node| node.as_str() == Some("string"));
    let kind = match keywords.take("enum").and_then(Node::as_array) {
        Some(values) => {
            let values: Vec<&Node> = values.iter().collect();
            let (words, null) = strings::words(&values, problems)?;
            (!null && !words.is_empty()).then_some(Named::Words(words))
        }
        None => match strings::string(&mut keywords, problems)? {
            Text::Named(named) => Some(named),
            _ => None,
        },
    };
    keywords.finish("a shared type", problems)?;
    if kind.is_none() || !is_string {
        problems
            .error(schema.span, "a shared type is a string with an `enum`, without null, or with a `pattern`")
            .help("ids get their types from `id_prefixes`; everything else needs no name");
        return None;
    }
    kind
}
