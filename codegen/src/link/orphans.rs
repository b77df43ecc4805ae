//! Schemas and contracts that nothing names: a file that somebody forgot to register would silently do nothing.

use std::collections::BTreeSet;

use super::Linked;
use crate::diagnostics::{Problems, did_you_mean};
use crate::load::Source;
use crate::node::{FileId, Node, Span};

pub(super) fn check(linked: &Linked<'_>, problems: &mut Problems) {
    let contracts: BTreeSet<&str> = linked.registry.event_types.iter().map(|event| event.contract.as_str()).collect();
    missing_folders(linked, problems);
    if problems.has_errors() {
        // a mistyped path would be told twice, the second time as a file that nobody names
        return;
    }
    let mut named: BTreeSet<FileId> = linked.payloads.iter().map(|payload| payload.file).collect();
    named.extend(linked.refs.values().map(|target| target.span.file));
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
