//! The names of the output's root: each may mean one thing only.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Problems;
use crate::link::Linked;
use crate::model::Model;
use crate::names;
use crate::node::Span;

pub(super) fn check(model: &Model, linked: &Linked<'_>, problems: &mut Problems) {
    let whole = linked.registry_span("");
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    for fixed in ["AnyEvent", "EventType", "UnknownEventType"] {
        names.insert(fixed.to_owned(), whole);
    }
    let mut add = |name: String, span: Span| {
        if let Some(other) = names.insert(name.clone(), span) {
            let problem = problems.error(span, format!("two things would be named `{name}` in Rust"));
            if other != whole {
                problem.related(other, "the other one");
            }
        }
    };
    for (key, id) in &linked.registry.id_prefixes {
        if model.ids.iter().any(|used| used.rust_name == id.type_name) {
            add(id.type_name.clone(), linked.registry_span(&format!("/id_prefixes/{key}/type")));
        }
    }
    for shared in &model.shared {
        add(shared.rust_name.clone(), linked.registry_span(&format!("/shared_types/{}", shared.rust_name)));
    }
    for domain in &model.domains {
        let span = linked.registry_span(&format!("/domains/{}", domain.name));
        add(domain.rust_name.clone(), span);
        if !domain.receives.is_empty() {
            add(format!("{}Event", domain.rust_name), span);
        }
    }
    let used: BTreeSet<&str> = model.event_types.iter().map(|event| event.name.as_str()).collect();
    let mut places = BTreeMap::new();
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        let span = linked.event_type_span(index);
        places.insert(event.event_type.as_str(), span);
        if used.contains(event.event_type.as_str()) {
            add(names::upper_camel(&event.event_type), span);
        }
    }
    for payload in &model.payloads {
        let span = places.get(payload.event_type.as_str()).copied().unwrap_or(whole);
        add(payload.rust_name.clone(), span);
    }
}
