//! The event-types registry, as its file says it.
//!
//! The types are the format: they read the registry, and with the feature `registry-schema` the registry's own JSON Schema is
//! derived from them, so editors complete and check what the generator accepts.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Event types, who owns them, who subscribes to them, and the payload schema of each version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Where the registry's own JSON Schema is; for editors.
    #[serde(rename = "$schema")]
    #[cfg_attr(feature = "registry-schema", schemars(transform = without_null))]
    pub schema: Option<String>,
    /// The domains that own or subscribe to event types, by name.
    pub domains: BTreeMap<String, Domain>,
    /// Id types, by the prefix that their text form begins with, such as `per_`.
    #[serde(default)]
    pub id_prefixes: BTreeMap<String, IdPrefix>,
    /// Enums and patterned strings that are one Rust type wherever an equal schema occurs, by the type's name.
    #[serde(default)]
    pub shared_types: BTreeMap<String, SharedType>,
    /// The event types.
    pub event_types: Vec<EventType>,
}

/// A domain that owns or subscribes to event types.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// What the domain is responsible for.
    pub description: String,
}

/// An id type: a prefix and a UUID version 7.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdPrefix {
    /// The Rust type's name, such as `PersonId`. `evt_` is always `EventId`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What such an id identifies.
    pub description: String,
}

/// An enum or a patterned string that several event types share.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SharedType {
    /// What the values mean.
    pub description: String,
    /// The JSON Schema that a subschema must equal, annotations and null aside, to become this type.
    pub schema: serde_json::Value,
}

/// An event type: one kind of fact.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventType {
    /// The name, lower case and dotted, such as `lead.created`.
    pub event_type: String,
    /// The fact that such an event states.
    pub description: String,
    /// The domain that publishes it, alone.
    pub owner: String,
    /// The domains that it is delivered to.
    #[serde(default)]
    pub subscribers: Vec<String>,
    /// The contract's folder, beside the registry file.
    pub contract: String,
    /// What such an event is about: a JSON pointer to a required id in the payload (`/lead_id`), or an id prefix (`fsm_`) where
    /// the payload carries none. Events of one subject are delivered in order.
    pub subject: String,
    /// A JSON pointer to the required string in the payload that the envelope's tenant_id mirrors.
    #[cfg_attr(feature = "registry-schema", schemars(transform = without_null))]
    pub tenant: Option<String>,
    /// The payload's schema versions.
    pub versions: Vec<Version>,
}

/// One version of an event type's payload.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The schema version, from 1.
    #[cfg_attr(feature = "registry-schema", schemars(range(min = 1)))]
    pub version: u16,
    /// Where the version stands in its life.
    pub status: Status,
    /// The payload's JSON Schema file, relative to the registry file. An announced or a retired version may have none.
    #[cfg_attr(feature = "registry-schema", schemars(transform = without_null))]
    pub payload: Option<String>,
}

/// Where a version stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "registry-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Promised, not published yet.
    Announced,
    /// The version to publish; at most one of an event type.
    Current,
    /// Still published while subscribers move to its successor.
    Deprecated,
    /// No longer published; what was stored is still read.
    Retired,
}

/// The registry's JSON Schema (draft 2020-12), pretty-printed, with a newline at the end.
#[cfg(feature = "registry-schema")]
#[must_use]
pub fn registry_schema() -> String {
    let schema = schemars::schema_for!(Registry);
    format!("{:#}\n", schema.as_value())
}

/// An optional key is left out; null is no other way to say so.
#[cfg(feature = "registry-schema")]
fn without_null(schema: &mut schemars::Schema) {
    schema.insert("type".to_owned(), "string".into());
}
