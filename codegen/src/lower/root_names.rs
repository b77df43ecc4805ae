//! The names of the output's root: each may mean one thing only.

use std::collections::{BTreeMap, BTreeSet};

use super::naming;
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
    let mut add = |name: String, span: Span, problems: &mut Problems| {
        if let Some(other) = names.insert(name.clone(), span) {
            let problem = problems.error(span, format!("two things would be named `{name}` in Rust"));
            if other != whole {
                problem.related(other, "the other one");
            }
        }
    };
    // modules use it beside what they import
    let mut shared = |name: String, span: Span| {
        if naming::is_imported(&name) {
            problems
                .error(span, format!("this would be named `{name}` in Rust, as something that generated code imports"))
                .help("choose another name");
        }
        add(name, span, problems);
    };
    for (key, id) in &linked.registry.id_prefixes {
        if model.ids.iter().any(|used| used.rust_name == id.type_name) {
            shared(id.type_name.clone(), linked.registry_span(&format!("/id_prefixes/{key}/type")));
        }
    }
    for one in &model.shared {
        shared(one.rust_name.clone(), linked.registry_span(&format!("/shared_types/{}", one.rust_name)));
    }
    for domain in &model.domains {
        let span = linked.registry_span(&format!("/domains/{}", domain.name));
        shared(domain.rust_name.clone(), span);
        if !domain.receives.is_empty() {
            shared(format!("{}Event", domain.rust_name), span);
        }
    }
    let used: BTreeSet<&str> = model.event_types.iter().map(|event| event.name.as_str()).collect();
    let mut places = BTreeMap::new();
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        let span = linked.event_type_span(index);
        places.insert(event.event_type.as_str(), span);
        if used.contains(event.event_type.as_str()) {
            add(names::upper_camel(&event.event_type), span, problems);
        }
    }
    for payload in &model.payloads {
        let span = places.get(payload.event_type.as_str()).copied().unwrap_or(whole);
        add(payload.rust_name.clone(), span, problems);
    }
}
