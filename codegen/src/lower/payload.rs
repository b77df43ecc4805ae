//! One payload version.

use std::collections::BTreeSet;

use super::catalog::Catalog;
use super::schema::{Path, Types};
use super::{Settings, documents, naming, relaxed};
use crate::diagnostics::Problems;
use crate::link::{Linked, LinkedPayload};
use crate::model::{
    By, Explained, Field, Item, ItemKind, Leaf, Nullable, Object, Older, Part, Payload, Shape, Standing, Subject,
};
use crate::names;
use crate::node::{Node, Span, unescape};
use crate::registry::{self, Status};

/// Lowers a payload version and tells what became of its constraints; none, and problems on record, where it can't become a type.
pub(super) fn lower(
    linked: &Linked<'_>,
    payload: LinkedPayload,
    settings: Settings,
    domains: &BTreeSet<String>,
    catalog: &mut Catalog,
    problems: &mut Problems,
) -> Option<(Payload, Vec<Explained>)> {
    let (event, version) = (linked.event_type(payload), linked.version(payload));
    let alias = names::upper_camel(&event.event_type);
    let rust_name = version_name(event, version);
    let schema = linked.schema(payload)?;
    let others: BTreeSet<String> = imported(event, catalog).chain(promised(event, version)).collect();
    let mut recursive = BTreeSet::new();
    let (drafts, explained, files, root) = loop {
        let mut types = Types::new(linked, settings, recursive.clone(), catalog, problems);
        let root = root(&mut types, schema)?;
        if types.recursive.is_subset(&recursive) {
            break (types.drafts, types.explained, types.files, root);
        }
        // what turned out to contain itself gets a name to do so by
        recursive.append(&mut types.recursive);
    };
    let items = items(drafts, root, (&alias, &rust_name), others, problems)?;

    let at = |key: &str| linked.registry_span(&format!("/event_types/{}/{key}", payload.event_type));
    let body = Body { items: &items, root, file: linked.sources.get(payload.file).name.as_str() };
    let has_registry = linked.document.is_some();
    let mut documents = documents::of(&files, linked);
    let is_relaxed =
        |item: &Item| matches!(&item.kind, ItemKind::Checked { by: By::Schema { relaxed: Some(_), .. }, .. });
    if items.iter().any(is_relaxed) {
        documents.extend(relaxed::documents(&files, linked));
    }
    let subject = match has_registry {
        true => body.subject(&event.subject, at("subject"), catalog, problems).map(Some),
        false => Some(None),
    };
    let tenant = event.tenant.as_ref().map(|pointer| body.tenant(pointer, at("tenant"), problems));
    let (subject, tenant) = (subject?, tenant.map_or(Some(None), |path| path.map(Some))?);

    let selected = |names: &[String]| -> Vec<String> {
        let selected: BTreeSet<&String> = names.iter().filter(|name| domains.contains(*name)).collect();
        selected.into_iter().map(|name| names::upper_camel(name)).collect()
    };
    let payload = Payload {
        event_type: event.event_type.clone(),
        version: version.version,
        source: linked.sources.get(payload.file).name.clone(),
        module: names::snake(&format!("{}.v{}", event.event_type, version.version)),
        alias: (version.status == Status::Current).then_some(alias),
        rust_name,
        description: event.description.clone(),
        schema_id: schema.get("$id").and_then(Node::as_str).map(str::to_owned),
        owner: has_registry.then(|| event.owner.clone()),
        subscribers: event.subscribers.clone(),
        published_by: selected(std::slice::from_ref(&event.owner)),
        subscribed_by: selected(&event.subscribers),
        standing: standing(event, version.status),
        downcast: promised(event, version),
        older: older(event, version),
        subject,
        tenant,
        items,
        root,
        documents,
    };
    Some((payload, explained))
}

/// `LeadCreatedV1`
fn version_name(event: &registry::EventType, version: &registry::Version) -> String {
    names::upper_camel(&format!("{}.v{}", event.event_type, version.version))
}

/// The version that subscribers of the event type are still promised beside the current one. Link sees to it that there is but one.
fn promised(event: &registry::EventType, version: &registry::Version) -> Option<String> {
    if version.status != Status::Current || event.subscribers.is_empty() {
        return None;
    }
    let older = |other: &&registry::Version| other.status == Status::Deprecated && other.version < version.version;
    event.versions.iter().find(older).map(|older| version_name(event, older))
}

fn older(event: &registry::EventType, version: &registry::Version) -> Vec<Older> {
    let older = event.versions.iter().filter(|other| other.version < version.version);
    older
        .map(|older| Older { rust_name: version_name(event, older), is_deprecated: older.status == Status::Deprecated })
        .collect()
}

fn standing(event: &registry::EventType, status: Status) -> Standing {
    let current = event.versions.iter().find(|version| version.status == Status::Current);
    match status {
        Status::Announced | Status::Current => Standing::Live,
        Status::Deprecated => Standing::Deprecated { successor: current.map(|version| version_name(event, version)) },
        Status::Retired => Standing::Retired,
    }
}

/// Lowers the payload's own schema; which of the drafts is its type. A registry promises who the event is about, so there it is an
/// object.
fn root(types: &mut Types<'_, '_>, schema: &Node) -> Option<usize> {
    let typed = types.schema(schema, &Path::new())?;
    let is_object = |index: usize| match &types.drafts[index].kind {
        Some(ItemKind::Checked { inner, .. }) => matches!(inner.shape, Shape::Local(_)) && !inner.null,
        Some(ItemKind::Object(_)) => true,
        _ => false,
    };
    match typed.ty {
        Nullable { shape: Shape::Local(index), null: false } if is_object(index) || types.linked.document.is_none() => {
            Some(index)
        }
        _ if types.linked.document.is_some() => {
            types.problems.error(schema.span, "a payload must be an object with named members, and not null");
            None
        }
        inner => Some(types.around(schema, inner)),
    }
}

/// The types of the payload's module.
fn items(
    mut drafts: Vec<naming::Draft>,
    root: usize,
    (event, rust_name): (&str, &str),
    imported: BTreeSet<String>,
    problems: &mut Problems,
) -> Option<Vec<Item>> {
    drafts[root].fixed = Some(rust_name.to_owned());
    let mut taken = imported;
    add_crate_types(&drafts, &mut taken);
    let names = naming::resolve(&drafts, event, &taken, problems)?;
    // a type that was not finished has a problem on record
    drafts
        .into_iter()
        .zip(names)
        .map(|(draft, rust_name)| Some(Item { rust_name, kind: draft.kind?, derives: Vec::new() }))
        .collect()
}

/// What the module imports for the registry's sake: its domains, whichever of them the output has, and the subject's id type.
fn imported(event: &registry::EventType, catalog: &Catalog) -> impl Iterator<Item = String> {
    let domains = std::iter::once(&event.owner).chain(&event.subscribers).map(|name| names::upper_camel(name));
    domains.chain(catalog.find_id(&event.subject).map(|id| id.rust_name.clone()))
}

/// Adds the names of the crate-wide types that the drafts use.
fn add_crate_types(drafts: &[naming::Draft], names: &mut BTreeSet<String>) {
    for draft in drafts.iter().filter_map(|draft| draft.kind.as_ref()) {
        draft.each_part(&mut |part| {
            if let Part::Leaf(Leaf::Id(name) | Leaf::Shared(name)) = part {
                names.insert(name.clone());
            }
        });
    }
}

/// A payload's types, to be searched by the registry's pointers.
struct Body<'a> {
    items: &'a [Item],
    root: usize,
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
            // its fields are its own to whoever reads them
            ItemKind::Checked { inner: Nullable { shape: Shape::Local(inner), null: false }, .. } => {
                self.object(*inner)
            }
            ItemKind::Named { .. } | ItemKind::Checked { .. } | ItemKind::Union { .. } => None,
        }
    }

    /// The Rust fields that a pointer leads through, and the last of them: all there in every payload.
    fn field(&self, pointer: &str, span: Span, problems: &mut Problems) -> Option<(Vec<String>, &Field)> {
        let mut path = Vec::new();
        let mut object = self.object(self.root);
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
