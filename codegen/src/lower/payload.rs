//! One payload version.

use std::collections::BTreeSet;

use super::catalog::Catalog;
use super::naming;
use super::schema::{Path, Types};
use crate::diagnostics::Problems;
use crate::link::{Linked, LinkedPayload};
use crate::model::{Field, Item, ItemKind, Leaf, Object, Payload, Shape, Standing, Subject};
use crate::names;
use crate::node::{Node, Span, unescape};
use crate::registry::{self, Status};

/// Lowers a payload version; none, and problems on record, where it can't become a type.
pub(super) fn lower(
    linked: &Linked<'_>,
    payload: LinkedPayload,
    domains: &BTreeSet<String>,
    catalog: &mut Catalog,
    problems: &mut Problems,
) -> Option<Payload> {
    let (event, version) = (linked.event_type(payload), linked.version(payload));
    let alias = names::upper_camel(&event.event_type);
    let rust_name = format!("{alias}V{}", version.version);
    let schema = linked.schema(payload)?;
    let others: BTreeSet<String> = imported(event, catalog).collect();
    let items = types(linked, schema, (&alias, &rust_name), others, catalog, problems)?;

    let at = |key: &str| linked.registry_span(&format!("/event_types/{}/{key}", payload.event_type));
    let body = Body { items: &items, file: linked.sources.get(payload.file).name.as_str() };
    let subject = body.subject(&event.subject, at("subject"), catalog, problems);
    let tenant = event.tenant.as_ref().map(|pointer| body.tenant(pointer, at("tenant"), problems));
    let (subject, tenant) = (subject?, tenant.map_or(Some(None), |path| path.map(Some))?);

    let selected = |names: &[String]| -> Vec<String> {
        let selected: BTreeSet<&String> = names.iter().filter(|name| domains.contains(*name)).collect();
        selected.into_iter().map(|name| names::upper_camel(name)).collect()
    };
    Some(Payload {
        event_type: event.event_type.clone(),
        version: version.version,
        source: linked.sources.get(payload.file).name.clone(),
        module: names::snake(&format!("{}.v{}", event.event_type, version.version)),
        alias: (version.status == Status::Current).then_some(alias),
        rust_name,
        description: event.description.clone(),
        schema_id: schema.get("$id").and_then(Node::as_str).map(str::to_owned),
        owner: event.owner.clone(),
        subscribers: event.subscribers.clone(),
        published_by: selected(std::slice::from_ref(&event.owner)),
        subscribed_by: selected(&event.subscribers),
        standing: standing(event, version.status),
        subject,
        tenant,
        items,
    })
}

fn standing(event: &registry::EventType, status: Status) -> Standing {
    let current = event.versions.iter().find(|version| version.status == Status::Current);
    match status {
        Status::Announced | Status::Current => Standing::Live,
        Status::Deprecated => Standing::Deprecated {
            successor: current.map(|version| format!("{}V{}", names::upper_camel(&event.event_type), version.version)),
        },
        Status::Retired => Standing::Retired,
    }
}

/// The types of the payload's module, its own struct first.
fn types(
    linked: &Linked<'_>,
    schema: &Node,
    (event, rust_name): (&str, &str),
    imported: BTreeSet<String>,
    catalog: &mut Catalog,
    problems: &mut Problems,
) -> Option<Vec<Item>> {
    let mut types = Types::new(linked, catalog, problems);
    let typed = types.schema(schema, &Path::new())?;
    // an object's draft is made before those of its members
    let (Shape::Local(0), false) = (typed.ty.shape, typed.ty.null) else {
        types.problems.error(schema.span, "a payload must be an object with named members, and not null");
        return None;
    };
    let mut drafts = types.drafts;
    drafts[0].fixed = Some(rust_name.to_owned());
    let mut taken = imported;
    add_crate_types(&drafts, &mut taken);
    let names = naming::resolve(&drafts, event, &taken, problems)?;
    // a type that was not finished has a problem on record
    drafts.into_iter().zip(names).map(|(draft, rust_name)| Some(Item { rust_name, kind: draft.kind? })).collect()
}

/// What the module imports for the registry's sake: its domains, whichever of them the output has, and the subject's id type.
fn imported(event: &registry::EventType, catalog: &Catalog) -> impl Iterator<Item = String> {
    let domains = std::iter::once(&event.owner).chain(&event.subscribers).map(|name| names::upper_camel(name));
    domains.chain(catalog.find_id(&event.subject).map(|id| id.rust_name.clone()))
}

/// Adds the names of the crate-wide types that the drafts use.
fn add_crate_types(drafts: &[naming::Draft], names: &mut BTreeSet<String>) {
    fn collect(shape: &Shape, names: &mut BTreeSet<String>) {
        match shape {
            Shape::Leaf(Leaf::Id(name) | Leaf::Shared(name)) => {
                names.insert(name.clone());
            }
            Shape::List { item, .. } | Shape::Map(item) => collect(&item.shape, names),
            Shape::Leaf(_) | Shape::Local(_) => {}
        }
    }
    for draft in drafts {
        if let Some(ItemKind::Object(object)) = &draft.kind {
            object.fields.iter().for_each(|field| collect(&field.ty.shape, names));
        }
    }
}

/// A payload's types, to be searched by the registry's pointers.
struct Body<'a> {
    items: &'a [Item],
    file: &'a str,
}

impl Body<'_> {
    fn subject(&self, subject: &str, span: Span, catalog: &Catalog, problems: &mut Problems) -> Option<Subject> {
        if !subject.starts_with('/') {
            let id = catalog.id(subject, span, problems)?.clone();
            return Some(Subject::Given { id });
        }
        let (path, field) = self.field(subject, span, problems)?;
        let id = match &field.ty.shape {
            Shape::Leaf(Leaf::Id(name)) => catalog.id_by_name(name).cloned(),
            _ => None,
        };
        let Some(id) = id else {
            problems
                .error(span, format!("the subject `{subject}` is not an id in `{}`", self.file))
                .help("a subject is a string with the pattern of one of the registry's `id_prefixes`");
            return None;
        };
        Some(Subject::Carried { id, path })
    }

    fn tenant(&self, pointer: &str, span: Span, problems: &mut Problems) -> Option<Vec<String>> {
        let (path, field) = self.field(pointer, span, problems)?;
        if !matches!(field.ty.shape, Shape::Leaf(Leaf::Text { .. })) {
            problems.error(span, format!("the tenant `{pointer}` is not a plain string in `{}`", self.file));
            return None;
        }
        Some(path)
    }

    fn object(&self, index: usize) -> Option<&Object> {
        match &self.items.get(index)?.kind {
            ItemKind::Object(object) => Some(object),
            ItemKind::Named { .. } => None,
        }
    }

    /// The Rust fields that a pointer leads through, and the last of them: all there in every payload.
    fn field(&self, pointer: &str, span: Span, problems: &mut Problems) -> Option<(Vec<String>, &Field)> {
        let mut path = Vec::new();
        let mut object = self.object(0);
        let mut last = None;
        for token in pointer.split('/').skip(1) {
            let token = unescape(token);
            let Some(field) = object.and_then(|object| object.fields.iter().find(|field| field.json == token)) else {
                let names = object.into_iter().flat_map(|object| object.fields.iter().map(|field| field.json.as_str()));
                let help = crate::diagnostics::did_you_mean(&token, names);
                problems
                    .error(span, format!("`{pointer}` leads nowhere: `{}` has no property `{token}` there", self.file))
                    .help(help.unwrap_or_else(|| {
                        "name a required property, or an id prefix where the payload has none".to_owned()
                    }));
                return None;
            };
            if !field.required || field.ty.null {
                let how = if field.required { "may be null" } else { "may be absent" };
                problems
                    .error(
                        span,
                        format!("`{pointer}` is not there in every payload: `{token}` {how} in `{}`", self.file),
                    )
                    .help("make it required and not null, or name an id prefix: the publisher then says the id");
                return None;
            }
            path.push(field.rust_name.clone());
            object = match field.ty.shape {
                Shape::Local(index) => self.object(index),
                _ => None,
            };
            last = Some(field);
        }
        last.map(|field| (path, field))
    }
}
