//! Stage 3, *lint*: the house rules for contracts. Those that would give wrong or ugly names are errors, matters of taste are
//! warnings.

use crate::diagnostics::Problems;
use crate::link::Linked;
use crate::load::{REGISTRY, Source};
use crate::names;
use crate::node::{Member, Node, Value};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Applies all rules.
pub(crate) fn lint(linked: &Linked<'_>, problems: &mut Problems) {
    registry_names(linked, problems);
    for (file, source) in linked.sources.iter() {
        if let Some(root) = source.root.as_ref().filter(|_| file != REGISTRY) {
            dialect(root, problems);
            id(source, root, problems);
            property_names(root, problems);
        }
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

fn registry_names(linked: &Linked<'_>, problems: &mut Problems) {
    let keys = |section: &str| linked.document.get(section).map(Node::members).unwrap_or_default();
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

/// Other drafts give other meanings to the same keywords.
fn dialect(root: &Node, problems: &mut Problems) {
    if let Some(schema) = root.get("$schema")
        && schema.as_str() != Some(DIALECT)
    {
        problems
            .error(schema.span, "this dialect of JSON Schema is not supported")
            .help(format!("contracts are written in draft 2020-12: `{DIALECT}`"));
    }
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

fn property_names(node: &Node, problems: &mut Problems) {
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| property_names(item, problems)),
        Value::Object(members) => {
            for member in members {
                match member.key.as_str() {
                    "enum" | "const" | "default" | "examples" => {}
                    "properties" => member.value.members().iter().for_each(|property| {
                        if !is_word(&property.key) {
                            problems
                                .warning(
                                    property.key_span,
                                    format!("the property `{}` is not in snake_case", property.key),
                                )
                                .help("the other contracts' properties are");
                        }
                        property_names(&property.value, problems);
                    }),
                    _ => property_names(&member.value, problems),
                }
            }
        }
        _ => {}
    }
}
