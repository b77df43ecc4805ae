//! Stage 3, *lint*: the house rules for contracts with a registry. Those that would give wrong or ugly names are errors, matters of
//! taste, and what is surely not meant though it may be said, are warnings.

#[cfg(feature = "examples")]
pub(crate) mod examples;

use std::collections::BTreeSet;

use eventwright::payload::format::NAMES;

use crate::diagnostics::{Problems, did_you_mean};
use crate::link::Linked;
use crate::load::{REGISTRY, Source};
use crate::names;
use crate::node::{Member, Node, Value};
use crate::vocabulary::{Dialect, Judges, keyword_of};

/// Applies all rules.
pub(crate) fn lint(linked: &Linked<'_>, problems: &mut Problems) {
    let Some(document) = linked.document else { return };
    registry_names(linked, document, problems);
    for (file, source) in linked.sources.iter() {
        if let Some(root) = source.root.as_ref().filter(|_| file != REGISTRY) {
            id(source, root, problems);
        }
    }
    for schema in linked.resources.schemas.iter().filter(|schema| schema.node.span.file != REGISTRY) {
        property_names(schema.node, problems);
        required(schema.node, problems);
        pointless(schema.node, schema.dialect, problems);
        format(schema.node, problems);
    }
    for payload in &linked.payloads {
        if let Some(schema) = linked.schema(*payload)
            && schema.get("title").is_none()
        {
            problems
                .error(schema.span, "the payload schema has no `title`")
                .help("say the fact in a few words: it is what readers see");
        }
    }
}

fn registry_names(linked: &Linked<'_>, document: &Node, problems: &mut Problems) {
    let keys = |section: &str| document.get(section).map(Node::members).unwrap_or_default();
    for domain in keys("domains") {
        expect(
            &domain.key,
            is_word(&domain.key),
            domain,
            "a domain's name is one lower-case word, such as `sales`",
            problems,
        );
    }
    for prefix in keys("id_prefixes") {
        let word = prefix.key.strip_suffix('_').is_some_and(|word| is_word(word) && !word.contains('_'));
        expect(&prefix.key, word, prefix, "an id prefix is one lower-case word and `_`, such as `per_`", problems);
        id_type(prefix, problems);
    }
    for shared in keys("shared_types") {
        expect(&shared.key, is_type_name(&shared.key), shared, TYPE_NAME, problems);
    }
    for (index, event) in linked.registry.event_types.iter().enumerate() {
        let name = &event.event_type;
        if name.split('.').count() < 2 || !name.split('.').all(is_word) {
            problems
                .error(
                    linked.registry_span(&format!("/event_types/{index}/event_type")),
                    format!("`{name}` is not an event type's name"),
                )
                .help("names are lower-case words with dots between, what it is about first: `lead.created`");
        }
        for (at, _) in event.versions.iter().enumerate().filter(|(_, version)| version.version == 0) {
            let span = linked.registry_span(&format!("/event_types/{index}/versions/{at}/version"));
            problems.error(span, "versions count from 1");
        }
    }
}

const TYPE_NAME: &str = "a type's name is in UpperCamelCase, such as `PersonId`";

fn id_type(prefix: &Member, problems: &mut Problems) {
    let Some(node) = prefix.value.get("type") else { return };
    let name = node.as_str().unwrap_or_default();
    if prefix.key == "evt_" && name != "EventId" {
        problems
            .error(node.span, "the type of `evt_` is always `EventId`: every event has one")
            .help("write `EventId`");
    } else if !is_type_name(name) {
        problems.error(node.span, format!("`{name}` is not a type's name")).help(TYPE_NAME);
    }
}

fn expect(name: &str, fits: bool, member: &Member, rule: &str, problems: &mut Problems) {
    if !fits {
        problems.error(member.key_span, format!("`{name}` is not a name to use here")).help(rule);
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_type_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && names::is_identifier(name)
}

/// An `$id` is a promise of where the schema can be found.
fn id(source: &Source, root: &Node, problems: &mut Problems) {
    let Some(id) = root.get("$id") else { return };
    if !id.as_str().is_some_and(|text| text.ends_with(&format!("/{}", source.name))) {
        problems
            .error(id.span, "the `$id` does not match the file's path")
            .help(format!("it must end in `/{}`, so that whoever has the one finds the other", source.name));
    }
}

fn property_names(schema: &Node, problems: &mut Problems) {
    for property in schema.get("properties").map(Node::members).unwrap_or_default() {
        if !is_word(&property.key) {
            problems
                .warning(property.key_span, format!("the property `{}` is not in snake_case", property.key))
                .help("the other contracts' properties are");
        }
    }
}

/// A slip in `required` asks for a property that nobody sends.
fn required(schema: &Node, problems: &mut Problems) {
    let Some(properties) = schema.get("properties").map(Node::members) else { return };
    if schema.get("additionalProperties").is_some_and(|node| node.value == Value::Bool(false)) {
        // nothing can satisfy that, which is an error
        return;
    }
    let known: BTreeSet<&str> = properties.iter().map(|property| property.key.as_str()).collect();
    for entry in schema.get("required").and_then(Node::as_array).unwrap_or_default() {
        let name = entry.as_str().unwrap_or_default();
        if !known.contains(name) {
            let near = did_you_mean(name, properties.iter().map(|property| property.key.as_str()));
            problems
                .warning(entry.span, format!("`{name}` is required, but `properties` does not describe it"))
                .help(near.unwrap_or_else(|| format!("describe `{name}` in `properties`")));
        }
    }
}

/// A format that nobody knows asks nothing (JSON Schema validation, section 7.2.3).
fn format(schema: &Node, problems: &mut Problems) {
    let Some(node) = schema.get("format") else { return };
    let name = node.as_str().unwrap_or_default();
    if !NAMES.contains(&name) {
        let near = did_you_mean(name, NAMES);
        problems
            .warning(node.span, format!("the format `{name}` is not known here: any string will do"))
            .help(near.unwrap_or_else(|| format!("the formats are `{}`", NAMES.join("`, `"))));
    }
}

/// Keywords judge values of their own types and let all others pass.
fn pointless(schema: &Node, dialect: Dialect, problems: &mut Problems) {
    let types: Vec<&str> = match schema.get("type") {
        Some(types) => {
            types.as_array().unwrap_or(std::slice::from_ref(types)).iter().filter_map(Node::as_str).collect()
        }
        None => Vec::new(),
    };
    for member in schema.members() {
        let judged: (&[&str], &str) = match keyword_of(&member.key, dialect).map(|keyword| keyword.judges) {
            Some(Judges::Strings) => (&["string"], "strings"),
            Some(Judges::Numbers) => (&["integer", "number"], "numbers"),
            Some(Judges::Arrays) => (&["array"], "arrays"),
            Some(Judges::Objects) => (&["object"], "objects"),
            _ => continue,
        };
        if !types.is_empty() && !types.iter().any(|name| judged.0.contains(name)) {
            problems
                .warning(member.key_span, format!("`{}` says nothing here: it is about {}", member.key, judged.1))
                .help("remove it, or correct the `type`");
        }
    }
}
