//! Stage 2, *link*: names to what they name, as [`Linked`].
//!
//! The registry, or a folder of schemas, leads to schema files; `$ref`s to subschemas (within a file, across local files, by `$id`,
//! by `$anchor`). A name that leads nowhere is an error, and so is a schema or a contract that nothing names.

mod dynamic;
mod folder;
mod orphans;
mod read;
mod refs;
mod resources;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::{Problems, did_you_mean};
use crate::load::{Contracts, REGISTRY, Sources, normalize};
use crate::node::{FileId, Member, Node, Span};
use crate::registry::{EventType, Registry, Status, Version};
use crate::uri;
use crate::vocabulary::Dialect;
use refs::Refs;
pub(crate) use refs::Target;
pub(crate) use resources::Resources;

/// The contracts with their names resolved.
pub(crate) struct Linked<'a> {
    pub(crate) sources: &'a Sources,
    /// What the registry says; of a folder of schemas, what the names of its files say.
    pub(crate) registry: Registry,
    /// The registry's document: positions of what [`Linked::registry`] says. None for a folder of schemas.
    pub(crate) document: Option<&'a Node>,
    /// In the order of names and versions, whatever the order in the registry.
    pub(crate) payloads: Vec<LinkedPayload>,
    pub(crate) resources: Resources<'a>,
    refs: Refs<'a>,
}

/// A payload version that has a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkedPayload {
    /// Index into the registry's event types.
    pub(crate) event_type: usize,
    /// Index into the event type's versions.
    pub(crate) version: usize,
    pub(crate) file: FileId,
}

impl<'a> Linked<'a> {
    /// What the `$ref` with this value leads to.
    pub(crate) fn target(&self, reference: &Node) -> Option<Target<'a>> {
        self.refs.targets.get(&reference.span).copied()
    }

    /// The file, and those that its schemas refer to, directly or through others.
    pub(crate) fn reached(&self, file: FileId) -> BTreeSet<FileId> {
        refs::reached(&self.refs, file)
    }

    /// Complains about what is ambiguous in the schemas that payloads reach.
    pub(crate) fn check_dynamic(&self, problems: &mut Problems) {
        if !self.resources.dynamic_refs.is_empty() {
            for payload in &self.payloads {
                dynamic::check(self, &self.reached(payload.file), problems);
            }
        }
    }

    /// The URI of a schema: its file's, and the way from there.
    pub(crate) fn location(&self, at: Span) -> String {
        let source = self.sources.get(at.file);
        let pointer = source.root.as_ref().map(|root| root.pointer_of(at)).unwrap_or_default();
        format!("{}#{}", source.uri, uri::fragment(&pointer))
    }

    /// What else than its own URI a file is called in `$ref`s.
    pub(crate) fn aliases(&self, file: FileId) -> impl Iterator<Item = &str> {
        self.refs.aliases.iter().filter(move |(_, of)| **of == file).map(|(uri, _)| uri.as_str())
    }

    /// Definitions that schemas have in `$defs`.
    fn definitions(&self) -> &[&'a Member] {
        &self.resources.definitions
    }

    /// The place in the registry that a pointer leads to; the document where the key is absent.
    pub(crate) fn registry_span(&self, pointer: &str) -> Span {
        let nowhere = Span { file: REGISTRY, start: 0, end: 0 };
        self.document.map_or(nowhere, |document| document.at(pointer).unwrap_or(document).span)
    }

    /// Whether something is in a file of schemas, and so the matter of the payloads that reach it.
    pub(crate) fn is_in_payload(&self, span: Span) -> bool {
        !self.sources.get(span.file).is_registry
    }

    /// Where the event type gets its name.
    pub(crate) fn event_type_span(&self, index: usize) -> Span {
        let file = self.payloads.iter().find(|payload| payload.event_type == index).map(|payload| payload.file);
        match (self.document, file) {
            (None, Some(file)) => Span { file, start: 0, end: 0 },
            _ => self.registry_span(&format!("/event_types/{index}/event_type")),
        }
    }

    pub(crate) fn event_type(&self, payload: LinkedPayload) -> &EventType {
        &self.registry.event_types[payload.event_type]
    }

    pub(crate) fn version(&self, payload: LinkedPayload) -> &Version {
        &self.event_type(payload).versions[payload.version]
    }

    pub(crate) fn schema(&self, payload: LinkedPayload) -> Option<&'a Node> {
        self.sources.get(payload.file).root.as_ref()
    }
}

/// Resolves all names; none where the registry itself can't be read. `dialect` is that of schemas that do not say theirs.
pub(crate) fn link<'a>(
    sources: &'a Sources,
    contracts: &Contracts,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<Linked<'a>> {
    let resources = Resources::of(sources, dialect);
    match contracts {
        Contracts::Registry(_) => {
            let document = sources.get(REGISTRY).root.as_ref()?;
            let registry = read::read(document, problems)?;
            let refs = refs::link(sources, &resources, problems);
            let mut linked =
                Linked { sources, registry, document: Some(document), payloads: Vec::new(), resources, refs };
            check_domains(&linked, problems);
            check_duplicates(&linked, problems);
            check_statuses(&linked, problems);
            linked.payloads = payloads(&linked, problems);
            orphans::check(&linked, problems);
            Some(linked)
        }
        Contracts::Schemas(_) => {
            let (registry, payloads) = folder::read(sources);
            let mut unresolved = Problems::default();
            let refs = refs::link(sources, &resources, &mut unresolved);
            let reached: BTreeSet<FileId> =
                payloads.iter().flat_map(|payload| refs::reached(&refs, payload.file)).collect();
            // a folder has schemas that are nobody's here
            problems.extend(unresolved.within(&reached));
            Some(Linked { sources, registry, document: None, payloads, resources, refs })
        }
    }
}

fn check_domains(linked: &Linked<'_>, problems: &mut Problems) {
    let domains = &linked.registry.domains;
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        let owner = (format!("/event_types/{index}/owner"), &event.owner);
        let subscribers = event.subscribers.iter().enumerate();
        let subscribers = subscribers.map(|(at, name)| (format!("/event_types/{index}/subscribers/{at}"), name));
        for (pointer, domain) in std::iter::once(owner).chain(subscribers) {
            if !domains.contains_key(domain) {
                let help = did_you_mean(domain, domains.keys().map(String::as_str));
                problems
                    .error(linked.registry_span(&pointer), format!("the registry has no domain `{domain}`"))
                    .help(help.unwrap_or_else(|| format!("add `{domain}` to `domains`")));
            }
        }
    }
}

fn check_duplicates(linked: &Linked<'_>, problems: &mut Problems) {
    let mut seen: BTreeMap<(&str, Option<u16>), Span> = BTreeMap::new();
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        let name = event.event_type.as_str();
        let span = linked.registry_span(&format!("/event_types/{index}/event_type"));
        if let Some(first) = seen.insert((name, None), span) {
            problems
                .error(span, format!("the event type `{name}` is in the registry twice"))
                .related(first, "first here")
                .help("remove one entry; further versions go into `versions` of the other");
            continue;
        }
        for (at, version) in event.versions.iter().enumerate() {
            let span = linked.registry_span(&format!("/event_types/{index}/versions/{at}/version"));
            if let Some(first) = seen.insert((name, Some(version.version)), span) {
                problems
                    .error(span, format!("version {} of `{name}` is in the registry twice", version.version))
                    .related(first, "first here");
            }
        }
    }
}

fn check_statuses(linked: &Linked<'_>, problems: &mut Problems) {
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        let status = |at: usize| linked.registry_span(&format!("/event_types/{index}/versions/{at}/status"));
        let mut current = event
            .versions
            .iter()
            .enumerate()
            .filter(|(_, version)| version.status == Status::Current)
            .map(|(at, _)| at);
        if let (Some(first), Some(second)) = (current.next(), current.next()) {
            problems
                .error(status(second), format!("`{}` has two current versions", event.event_type))
                .related(status(first), "the other one")
                .help("mark the older one `deprecated`");
        }
        check_promises(linked, index, problems);
        if event.versions.is_empty() {
            let span = linked.registry_span(&format!("/event_types/{index}/versions"));
            problems
                .error(span, format!("`{}` has no version", event.event_type))
                .help("an event type that is only planned has a version with the status `announced`");
        }
    }
}

/// An event has room for its current version and one older one.
fn check_promises(linked: &Linked<'_>, index: usize, problems: &mut Problems) {
    let event = &linked.registry.event_types[index];
    let place = |at: usize| linked.registry_span(&format!("/event_types/{index}/versions/{at}/status"));
    let of = |status: Status| {
        event.versions.iter().enumerate().filter(move |(_, version)| version.status == status).map(|(at, _)| at)
    };
    let Some(current) = of(Status::Current).next().filter(|_| !event.subscribers.is_empty()) else { return };
    let mut deprecated = of(Status::Deprecated);
    let Some(first) = deprecated.next() else { return };
    if event.versions[first].version > event.versions[current].version {
        problems
            .error(
                place(first),
                format!("`{}` has a deprecated version that is newer than the current one", event.event_type),
            )
            .related(place(current), "the current version")
            .help("mark the newer one `announced`, or `retired` if nobody is to get it any more");
    }
    if let Some(second) = deprecated.next() {
        problems
            .error(place(second), format!("`{}` has two deprecated versions beside the current one", event.event_type))
            .related(place(first), "the other one")
            .help("an event is published in its current version and in one older one: mark the oldest `retired` once no subscriber needs it");
    }
}

fn payloads(linked: &Linked<'_>, problems: &mut Problems) -> Vec<LinkedPayload> {
    let mut payloads = Vec::new();
    let mut named: BTreeMap<FileId, (&str, u16, Span)> = BTreeMap::new();
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        for (at, version) in event.versions.iter().enumerate() {
            let pointer = format!("/event_types/{index}/versions/{at}");
            if let Some(file) = payload_file(linked, event, version, &pointer, problems) {
                let span = linked.registry_span(&format!("{pointer}/payload"));
                let (name, number) = (event.event_type.as_str(), version.version);
                // an entry that is there twice is told as such
                if let Some((_, _, first)) =
                    named.insert(file, (name, number, span)).filter(|other| (other.0, other.1) != (name, number))
                {
                    problems
                        .error(span, "two versions name the same payload schema")
                        .related(first, "the other one")
                        .help("each version has a schema of its own, even where they start out alike");
                }
                payloads.push(LinkedPayload { event_type: index, version: at, file });
            }
        }
    }
    payloads.sort_by_key(|payload| (&linked.event_type(*payload).event_type, linked.version(*payload).version));
    payloads
}

fn payload_file(
    linked: &Linked<'_>,
    event: &EventType,
    version: &Version,
    pointer: &str,
    problems: &mut Problems,
) -> Option<FileId> {
    let Some(payload) = &version.payload else {
        if matches!(version.status, Status::Current | Status::Deprecated) {
            problems
                .error(
                    linked.registry_span(pointer),
                    format!("version {} of `{}` has no payload schema", version.version, event.event_type),
                )
                .help("name its file in `payload`; only an announced or a retired version may have none");
        }
        return None;
    };
    if !linked.sources.folders.contains(&event.contract) {
        // told once, of the contract
        return None;
    }
    let span = linked.registry_span(&format!("{pointer}/payload"));
    let name = normalize(payload);
    if !name.starts_with(&format!("{}/schema/payloads/", event.contract)) {
        problems
            .error(span, format!("the payload schema is not in the contract's folder `{}`", event.contract))
            .help(format!("payload schemas of this event type live in `{}/schema/payloads/`", event.contract));
        return None;
    }
    let file = linked.sources.find(&name);
    if file.is_none() {
        let others = linked.sources.iter().map(|(_, source)| source.name.as_str());
        problems.error(span, format!("there is no file `{payload}` beside the registry")).help(
            did_you_mean(payload, others).unwrap_or_else(|| {
                "write the schema, or correct the path, which is relative to the registry".to_owned()
            }),
        );
    }
    file
}
