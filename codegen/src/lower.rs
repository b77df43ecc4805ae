//! Stage 4, *lower*: schemas to the [`Model`].
//!
//! Every keyword of a schema is taken by the rule that enforces it, or left to a check of the whole value against the schema.

mod arrays;
mod catalog;
mod compose;
mod custom;
pub(crate) mod documents;
mod evaluated;
mod explain;
mod keywords;
mod level;
mod naming;
mod numbers;
mod objects;
mod payload;
mod relaxed;
mod root_names;
mod rules;
mod schema;
mod strings;
mod types;
mod unions;

use std::collections::BTreeSet;

use crate::diagnostics::{Problems, did_you_mean};
use crate::link::{Linked, LinkedPayload};
use crate::model::{Domain, EventType, Model, Payload, Subject};
use crate::node::FileId;
use crate::registry;
use crate::settings::{Formats, Integers};
use crate::{Error, Result, names};
use catalog::Catalog;
pub(crate) use custom::Custom;

/// What schemas mean where they leave a choice.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) formats: Formats,
    pub(crate) integers: Integers,
}

/// Builds the model of all event types, or of those that one of `domains` owns or subscribes to; payloads of `refused` files are
/// left out.
///
/// # Errors
/// Where the registry has no such domain. What is wrong with the contracts goes to `problems`.
pub(crate) fn lower(
    linked: &Linked<'_>,
    settings: Settings,
    domains: &[String],
    custom: &Custom,
    refused: &BTreeSet<FileId>,
    problems: &mut Problems,
) -> Result<Model> {
    let selection = Selection::new(linked, domains)?;
    let mut catalog = Catalog::of(linked, problems);
    let linked_payloads: Vec<LinkedPayload> = linked
        .payloads
        .iter()
        .copied()
        .filter(|payload| selection.has(linked.event_type(*payload)) && !refused.contains(&payload.file))
        .collect();
    let (mut payloads, mut explained) = (Vec::new(), Vec::new());
    for payload in linked_payloads {
        let lowered = payload::lower(linked, payload, settings, &selection.domains, &mut catalog, problems);
        if let Some((payload, more)) = lowered {
            payloads.push(payload);
            explained.extend(more);
        }
    }
    leave_out_missing_downcasts(&mut payloads);
    let mut event_types: Vec<EventType> =
        linked.registry.event_types.iter().filter(|event| selection.has(event)).map(event_type).collect();
    event_types.sort_by(|a, b| a.name.cmp(&b.name));
    let everything = domains.is_empty();
    let used = used_ids(&payloads, &catalog);
    let mut model = Model {
        domains: selection.domains.iter().map(|name| domain(linked, name, &payloads)).collect(),
        ids: catalog.ids().filter(|id| everything || used.contains(&id.rust_name)).cloned().collect(),
        shared: catalog.shared().filter(|shared| everything || catalog.is_used(&shared.rust_name)).cloned().collect(),
        event_types,
        payloads,
        title: linked.sources.title.clone(),
        has_registry: linked.document.is_some(),
        explained: explain::sorted(explained),
    };
    // an event type that is there twice would be told again as a name that is
    if !problems.has_errors() {
        root_names::check(&model, linked, problems);
        custom::apply(custom, &mut model)?;
    }
    Ok(model)
}

/// A run that keeps going may have left the older version out, whose file has an error.
fn leave_out_missing_downcasts(payloads: &mut [Payload]) {
    let names: BTreeSet<String> = payloads.iter().map(|payload| payload.rust_name.clone()).collect();
    for payload in payloads {
        payload.downcast.take_if(|older| !names.contains(older));
    }
}

/// What the output is restricted to.
struct Selection {
    /// In the order of names; all domains where the run names none.
    domains: BTreeSet<String>,
}

impl Selection {
    fn new(linked: &Linked<'_>, domains: &[String]) -> Result<Selection> {
        let known = &linked.registry.domains;
        if let Some(unknown) = domains.iter().find(|domain| !known.contains_key(*domain)) {
            let help = did_you_mean(unknown, known.keys().map(String::as_str)).unwrap_or_else(|| {
                format!("its domains are `{}`", known.keys().map(String::as_str).collect::<Vec<_>>().join("`, `"))
            });
            return Err(Error::Config(format!("the registry has no domain `{unknown}`; {help}")));
        }
        let domains =
            if domains.is_empty() { known.keys().cloned().collect() } else { domains.iter().cloned().collect() };
        Ok(Selection { domains })
    }

    fn has(&self, event: &registry::EventType) -> bool {
        // a folder of schemas has no domains
        self.domains.is_empty()
            || std::iter::once(&event.owner).chain(&event.subscribers).any(|domain| self.domains.contains(domain))
    }
}

fn domain(linked: &Linked<'_>, name: &str, payloads: &[Payload]) -> Domain {
    let receives =
        payloads.iter().enumerate().filter(|(_, payload)| payload.subscribers.iter().any(|other| other == name));
    Domain {
        name: name.to_owned(),
        rust_name: names::upper_camel(name),
        description: linked.registry.domains.get(name).map(|domain| domain.description.clone()).unwrap_or_default(),
        receives: receives.map(|(index, _)| index).collect(),
    }
}

fn event_type(event: &registry::EventType) -> EventType {
    EventType {
        name: event.event_type.clone(),
        variant: names::upper_camel(&event.event_type),
        constant: names::screaming(&event.event_type),
        description: event.description.clone(),
    }
}

/// Ids in fields, and those that only the envelope carries.
fn used_ids(payloads: &[Payload], catalog: &Catalog) -> BTreeSet<String> {
    let subjects = payloads.iter().filter_map(|payload| payload.subject.as_ref()).map(|subject| match subject {
        Subject::Carried { id, .. } | Subject::Given { id } => id.rust_name.clone(),
    });
    let fields = catalog.ids().map(|id| &id.rust_name).filter(|name| catalog.is_used(name)).cloned();
    subjects.chain(fields).collect()
}
