//! A folder of payload schemas without a registry: the files' names say what event types there are.

use std::collections::BTreeMap;

use super::LinkedPayload;
use crate::load::Sources;
use crate::node::FileId;
use crate::registry::{EventType, Registry, Status, Version};

/// The event types of the schemas that stand directly in the folder, in the order of names and versions. Schemas in folders below
/// are there for others to refer to.
pub(super) fn read(sources: &Sources) -> (Registry, Vec<LinkedPayload>) {
    let mut files: BTreeMap<&str, BTreeMap<u16, FileId>> = BTreeMap::new();
    for (file, source) in sources.iter().filter(|(_, source)| !source.name.contains('/')) {
        let stem = source.name.strip_suffix(".json").unwrap_or(&source.name);
        let (name, version) = name_and_version(stem);
        files.entry(name).or_default().insert(version, file);
    }
    let mut payloads = Vec::new();
    let event_types = files.into_iter().enumerate().map(|(event_type, (name, files))| {
        let newest = files.len() - 1;
        let versions = files.into_iter().enumerate().map(|(version, (number, file))| {
            payloads.push(LinkedPayload { event_type, version, file });
            let status = if version == newest { Status::Current } else { Status::Announced };
            Version { version: number, status, payload: Some(sources.get(file).name.clone()) }
        });
        EventType {
            event_type: name.to_owned(),
            versions: versions.collect(),
            description: String::new(),
            owner: String::new(),
            subscribers: Vec::new(),
            contract: String::new(),
            subject: String::new(),
            tenant: None,
        }
    });
    let event_types = event_types.collect();
    let none = Registry {
        schema: None,
        domains: BTreeMap::new(),
        id_prefixes: BTreeMap::new(),
        shared_types: BTreeMap::new(),
        event_types,
    };
    (none, payloads)
}

/// `lead.created-v2` is version 2 of `lead.created`; any other name is version 1 of itself.
fn name_and_version(stem: &str) -> (&str, u16) {
    let versioned = stem.rsplit_once("-v").and_then(|(name, version)| {
        let plain = !version.starts_with(['0', '+']) && !name.is_empty();
        Some((name, version.parse().ok().filter(|_| plain)?))
    });
    versioned.unwrap_or((stem, 1))
}
