//! Schemas, definitions and contracts that nothing names: what somebody forgot to register or to refer to would silently do
//! nothing, and nobody would see what is wrong in it.

use std::collections::{BTreeMap, BTreeSet};

use super::Linked;
use crate::diagnostics::{Problems, did_you_mean};
use crate::load::Source;
use crate::node::{FileId, Member, Node, Span};

pub(super) fn check(linked: &Linked<'_>, problems: &mut Problems) {
    let contracts: BTreeSet<&str> = linked.registry.event_types.iter().map(|event| event.contract.as_str()).collect();
    missing_folders(linked, problems);
    if problems.has_errors() {
        // a mistyped path would be told twice, the second time as a file that nobody names
        return;
    }
    definitions(linked, problems);
    let mut named: BTreeSet<FileId> = linked.payloads.iter().map(|payload| payload.file).collect();
    named.extend(linked.refs.targets.values().map(|target| target.span.file));
    let mut nameless_contracts = BTreeSet::new();
    for (file, source) in linked.sources.iter() {
        let Some(contract) = contract_of_payload(source).filter(|_| !named.contains(&file)) else { continue };
        let at = source.root.as_ref().map_or(Span { file, start: 0, end: 0 }, |root: &Node| root.span);
        if contracts.contains(contract) {
            problems.error(at, "no registry entry names this payload schema").help(format!(
                "add a version with `\"payload\": \"{}\"` to the registry, or delete the file",
                source.name
            ));
        } else if nameless_contracts.insert(contract) {
            problems
                .error(at, format!("no event type in the registry names the contract `{contract}`"))
                .help("add its event types to the registry, or delete the folder");
        }
    }
}

/// A definition that only unused definitions refer to is unused as well.
fn definitions(linked: &Linked<'_>, problems: &mut Problems) {
    let mut unused: BTreeMap<FileId, Vec<&Member>> = BTreeMap::new();
    for definition in &linked.refs.definitions {
        unused.entry(definition.value.span.file).or_default().push(definition);
    }
    let mut refs: Vec<(Span, Span)> = linked.refs.targets.iter().map(|(at, target)| (*at, target.span)).collect();
    loop {
        let is_unused =
            |span: Span| unused.get(&span.file).is_some_and(|all| all.iter().any(|one| contains(one, span)));
        let (waiting, followed): (Vec<_>, Vec<_>) = refs.into_iter().partition(|(at, _)| is_unused(*at));
        if followed.is_empty() {
            break;
        }
        for (_, target) in followed {
            if let Some(in_file) = unused.get_mut(&target.file) {
                in_file.retain(|definition| !contains(definition, target));
            }
        }
        refs = waiting;
    }
    for definition in unused.values().flatten() {
        let name = &definition.key;
        problems
            .error(definition.key_span, format!("nothing refers to the definition `{name}`"))
            .help(format!("refer to it as `#/$defs/{name}`, or delete it"));
    }
}

fn contains(definition: &Member, span: Span) -> bool {
    definition.value.span.contains(span)
}

fn missing_folders(linked: &Linked<'_>, problems: &mut Problems) {
    let folders = &linked.sources.folders;
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        if !folders.contains(&event.contract) {
            let help = did_you_mean(&event.contract, folders.iter().map(String::as_str));
            problems
                .error(
                    linked.registry_span(&format!("/event_types/{index}/contract")),
                    format!("there is no contract folder `{}` beside the registry", event.contract),
                )
                .help(
                    help.unwrap_or_else(|| {
                        "create the folder, with a README that says what the events mean".to_owned()
                    }),
                );
        }
    }
}

fn contract_of_payload(source: &Source) -> Option<&str> {
    let (contract, rest) = source.name.split_once('/')?;
    rest.starts_with("schema/payloads/").then_some(contract)
}
