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
    named.extend(linked.refs.targets.values().filter_map(|target| target.schema()).map(|node| node.span.file));
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
    // what has a dynamic anchor is found by whoever comes by
    let is_found = |definition: &&Member| definition.value.get("$dynamicAnchor").is_none();
    let definitions = Definitions::of(linked.definitions().iter().copied().filter(is_found).collect());
    // what is in a definition counts once something leads to that
    let mut waiting: BTreeMap<Option<usize>, Vec<Span>> = BTreeMap::new();
    for (at, target) in &linked.refs.targets {
        if let Some(target) = target.schema() {
            waiting.entry(definitions.around(*at)).or_default().push(target.span);
        }
    }
    let mut used = vec![false; definitions.sorted.len()];
    let mut next = waiting.remove(&None).unwrap_or_default();
    while let Some(target) = next.pop() {
        let mut around = definitions.around(target);
        while let Some(index) = around.filter(|index| !std::mem::replace(&mut used[*index], true)) {
            next.extend(waiting.remove(&Some(index)).unwrap_or_default());
            around = definitions.parents[index];
        }
    }
    for (definition, _) in definitions.sorted.iter().zip(used).filter(|(_, used)| !used) {
        let name = &definition.key;
        problems
            .warning(definition.key_span, format!("nothing refers to the definition `{name}`"))
            .help(format!("refer to it as `#/$defs/{name}`, or delete it"));
    }
}

/// Definitions in the order of where they begin.
struct Definitions<'a> {
    sorted: Vec<&'a Member>,
    /// Of each, the innermost around it.
    parents: Vec<Option<usize>>,
}

impl<'a> Definitions<'a> {
    fn of(mut sorted: Vec<&'a Member>) -> Definitions<'a> {
        sorted.sort_by_key(|definition| definition.value.span);
        let mut definitions = Definitions { sorted, parents: Vec::new() };
        for index in 0..definitions.sorted.len() {
            let before = index.checked_sub(1);
            let parent = definitions.innermost(before, definitions.sorted[index].value.span);
            definitions.parents.push(parent);
        }
        definitions
    }

    /// The innermost definition around a place.
    fn around(&self, span: Span) -> Option<usize> {
        let after = self.sorted.partition_point(|definition| {
            let other = definition.value.span;
            (other.file, other.start) <= (span.file, span.start)
        });
        self.innermost(after.checked_sub(1), span)
    }

    fn innermost(&self, mut index: Option<usize>, span: Span) -> Option<usize> {
        while let Some(inner) = index.filter(|index| !self.sorted[*index].value.span.contains(span)) {
            index = self.parents[inner];
        }
        index
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
