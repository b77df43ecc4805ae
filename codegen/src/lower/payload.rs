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
    let (root, items) = types(linked, schema, &alias, &rust_name, catalog, problems)?;

    let at = |key: &str| linked.registry_span(&format!("/event_types/{}/{key}", payload.event_type));
    let body = Body { root: &root, items: &items, file: linked.sources.get(payload.file).name.as_str() };
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
        root,
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

/// The payload's own struct, and the other types of its module.
fn types(
    linked: &Linked<'_>,
    schema: &Node,
    event: &str,
    rust_name: &str,
    catalog: &mut Catalog,
    problems: &mut Problems,
) -> Option<(Object, Vec<Item>)> {
    let mut types = Types::new(linked, catalog, problems);
    let typed = types.schema(schema, &Path::new())?;
    let (false, Shape::Local(root)) = (typed.ty.null, typed.ty.shape) else {
        types.problems.error(schema.span, "a payload must be an object with named members, and not null");
        return None;
    };
    let mut drafts = types.drafts;
    // whether a type was finished: where one was not, a problem is on record
    let complete = drafts.iter().all(|draft| draft.kind.is_some());
    drafts[root].fixed = Some(rust_name.to_owned());
    let taken = crate_types(&drafts);
    let names = naming::resolve(&drafts, event, &taken, problems)?;
    let mut items: Vec<Item> = drafts
        .into_iter()
        .zip(names)
        .filter_map(|(draft, rust_name)| draft.kind.map(|kind| Item { rust_name, kind }))
        .collect();
    let root_item = complete.then(|| items.remove(root))?;
    let ItemKind::Object(root_object) = root_item.kind else { return None };
    let mut root_object = root_object;
    for object in std::iter::once(&mut root_object).chain(items.iter_mut().filter_map(as_object)) {
        object.fields.iter_mut().for_each(|field| move_up(&mut field.ty.shape, root));
    }
    Some((root_object, items))
}

fn as_object(item: &mut Item) -> Option<&mut Object> {
    match &mut item.kind {
        ItemKind::Object(object) => Some(object),
        ItemKind::Named { .. } => None,
    }
}

/// The payload's own struct is no item, so those behind it move up by one.
fn move_up(shape: &mut Shape, root: usize) {
    match shape {
        Shape::Local(index) if *index > root => *index -= 1,
        Shape::List { item, .. } | Shape::Map(item) => move_up(&mut item.shape, root),
        Shape::Local(_) | Shape::Leaf(_) => {}
    }
}

/// Names of the crate-wide types that the drafts use.
fn crate_types(drafts: &[naming::Draft]) -> BTreeSet<String> {
    fn collect(shape: &Shape, names: &mut BTreeSet<String>) {
        match shape {
            Shape::Leaf(Leaf::Id(name) | Leaf::Shared(name)) => {
                names.insert(name.clone());
            }
            Shape::List { item, .. } | Shape::Map(item) => collect(&item.shape, names),
            Shape::Leaf(_) | Shape::Local(_) => {}
        }
    }
    let mut names = BTreeSet::new();
    for draft in drafts {
        if let Some(ItemKind::Object(object)) = &draft.kind {
            object.fields.iter().for_each(|field| collect(&field.ty.shape, &mut names));
        }
    }
    names
}

/// A payload's types, to be searched by the registry's pointers.
struct Body<'a> {
    root: &'a Object,
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

    /// The Rust fields that a pointer leads through, and the last of them: all there in every payload.
    fn field(&self, pointer: &str, span: Span, problems: &mut Problems) -> Option<(Vec<String>, &Field)> {
        let mut path = Vec::new();
        let mut object = Some(self.root);
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
                Shape::Local(index) => match &self.items[index].kind {
                    ItemKind::Object(object) => Some(object),
                    ItemKind::Named { .. } => None,
                },
                _ => None,
            };
            last = Some(field);
        }
        last.map(|field| (path, field))
    }
}
