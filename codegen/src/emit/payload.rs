//! One payload version: its struct, what the registry says of it, and the types of its own.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::{clause, code, prose};
use super::head::Head;
use super::imports::Imports;
use super::{Exposure, Module, checked, ident, is_deprecated, named, object, union};
use crate::model::{Docs, Item, ItemKind, Named, Nullable, Payload, Shape, Standing, Subject};
use crate::settings::Dates;

/// The module of a payload version.
pub(super) fn module(payload: &Payload, dates: Dates) -> Module {
    let mut imports = Imports::with_dates(dates);
    let mut types: Vec<TokenStream> =
        payload.items.iter().map(|item| local_type(item, payload, &mut imports)).collect();
    let mut items = vec![types.remove(payload.root)];
    items.extend([
        payload_impl(payload, &mut imports),
        subject_impl(payload, &mut imports),
        rights(payload, &mut imports),
    ]);
    items.extend(types);
    let mut all = imports.items();
    all.extend(items);
    Module {
        name: payload.module.clone(),
        source: payload.source.clone(),
        docs: vec![module_docs(payload)],
        exposure: Exposure::Public,
        mentions_deprecated: is_deprecated(payload)
            || has_deprecated_field(payload)
            || payload.older.iter().any(|older| older.is_deprecated),
        items: all,
    }
}

fn module_docs(payload: &Payload) -> String {
    let name = format!("`{}` version {}", payload.event_type, payload.version);
    if payload.description.is_empty() {
        format!("{name}.")
    } else {
        format!("{name}: {}.", clause(&payload.description))
    }
}

fn has_deprecated_field(payload: &Payload) -> bool {
    payload.items.iter().any(|item| match &item.kind {
        ItemKind::Object(object) => object.fields.iter().any(|field| field.deprecated),
        ItemKind::Named { .. } | ItemKind::Checked { .. } | ItemKind::Union { .. } => false,
    })
}

fn payload_docs(payload: &Payload, own: &Docs) -> Vec<String> {
    let text = docs_text(own).unwrap_or(&payload.description);
    let mut docs = vec![if text.is_empty() { module_docs(payload) } else { prose(text) }];
    let mut facts = Vec::new();
    if let Some(owner) = &payload.owner {
        let delivered = match &payload.subscribers[..] {
            [] => String::new(),
            subscribers => format!("; delivered to {}", listed(subscribers)),
        };
        facts.push(format!("Owned by {owner}{delivered}."));
    }
    facts.extend(payload.schema_id.as_ref().map(|id| format!("Schema: {}", prose(id))));
    docs.push(facts.join(" "));
    if payload.standing == Standing::Retired {
        docs.push("Retired: what was stored is still read, and nothing new is published.".to_owned());
    }
    if let Some(older) = &payload.downcast {
        docs.push(format!("Subscribers may still count on [`{older}`]: publish it `with_downcast`, which tells the fact in that version, too."));
    }
    docs
}

fn docs_text(docs: &Docs) -> Option<&str> {
    docs.description.as_deref().or(docs.title.as_deref())
}

/// `a`, `a and b`, `a, b and c`
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn deprecation(standing: &Standing) -> TokenStream {
    let Standing::Deprecated { successor } = standing else { return TokenStream::new() };
    let note = match successor {
        Some(successor) => format!("this version goes away; use `{successor}`"),
        None => "this version goes away".to_owned(),
    };
    quote! { #[deprecated = #note] }
}

fn payload_impl(payload: &Payload, imports: &mut Imports) -> TokenStream {
    let (payload_trait, name) = (imports.runtime("Payload"), ident(&payload.rust_name));
    let event_type = &payload.event_type;
    let version = proc_macro2::Literal::u16_unsuffixed(payload.version);
    let tenant = payload.tenant.as_ref().map(|path| {
        let path = path.iter().map(|field| ident(field));
        quote! {
            fn tenant(&self) -> Option<&str> {
                Some(&self.#(#path).*)
            }
        }
    });
    quote! {
        impl #payload_trait for #name {
            const EVENT_TYPE: &'static str = #event_type;
            const VERSION: u16 = #version;
            #tenant
        }
    }
}

/// What it is about, and what is to be said before it can be published.
fn subject_impl(payload: &Payload, imports: &mut Imports) -> TokenStream {
    let Some(subject) = &payload.subject else { return TokenStream::new() };
    let to_say = match (subject, &payload.downcast) {
        (Subject::Carried { .. }, None) => "CarriesSubject",
        (Subject::Carried { .. }, Some(_)) => "NeedsDowncast",
        (Subject::Given { .. }, None) => "NeedsSubject",
        (Subject::Given { .. }, Some(_)) => "NeedsSubjectAndDowncast",
    };
    let (to_say, name) = (imports.runtime(to_say), ident(&payload.rust_name));
    let older = payload.downcast.as_ref().map(|older| {
        let older = imports.parent(older);
        quote! { type Older = #older; }
    });
    match subject {
        Subject::Carried { id, path } => {
            let id = imports.parent(&id.rust_name);
            let path = path.iter().map(|field| ident(field));
            quote! {
                impl #to_say for #name {
                    #older
                    type Subject = #id;
                    fn subject(&self) -> #id {
                        self.#(#path).*
                    }
                }
            }
        }
        Subject::Given { id } => {
            let id = imports.parent(&id.rust_name);
            quote! {
                impl #to_say for #name {
                    #older
                    type Subject = #id;
                }
            }
        }
    }
}

/// Who may publish it, whether anybody may, who may subscribe, and which versions may be read as this one.
fn rights(payload: &Payload, imports: &mut Imports) -> TokenStream {
    let name = ident(&payload.rust_name);
    let mut impls = TokenStream::new();
    for domain in &payload.published_by {
        let (published_by, domain) = (imports.runtime("PublishedBy"), imports.parent(domain));
        impls.extend(quote! { impl #published_by<#domain> for #name {} });
    }
    if payload.standing != Standing::Retired {
        let publishable = imports.runtime("Publishable");
        impls.extend(quote! { impl #publishable for #name {} });
    }
    for domain in &payload.subscribed_by {
        let (subscribed_by, domain) = (imports.runtime("SubscribedBy"), imports.parent(domain));
        impls.extend(quote! { impl #subscribed_by<#domain> for #name {} });
    }
    for older in &payload.older {
        let (supersedes, older) = (imports.runtime("Supersedes"), imports.parent(&older.rust_name));
        impls.extend(quote! { impl #supersedes<#older> for #name {} });
    }
    impls
}

fn local_type(item: &Item, payload: &Payload, imports: &mut Imports) -> TokenStream {
    let is_root = item.rust_name == payload.rust_name;
    let head = Head {
        name: &item.rust_name,
        docs: if is_root { payload_docs(payload, &own_docs(item, &payload.items)) } else { vec![docs_of(item)] },
        attributes: if is_root { deprecation(&payload.standing) } else { TokenStream::new() },
        derives: &item.derives,
    };
    match &item.kind {
        ItemKind::Object(object) => object::item(&head, object, &payload.items, imports),
        ItemKind::Checked { inner, by } => checked::item(&head, inner, by, &payload.items, imports),
        ItemKind::Union { choice, variants } => union::item(&head, choice, variants, &payload.items, imports),
        ItemKind::Named { kind, .. } => named::item(&head, kind, imports),
    }
}

/// What is said of a type that is not the payload's own.
fn docs_of(item: &Item) -> String {
    match &item.kind {
        ItemKind::Object(object) => docs_text(&object.docs).map_or_else(|| format!("`{}`", item.rust_name), prose),
        ItemKind::Checked { .. } => format!("`{}`, by rules that its type alone does not say.", item.rust_name),
        ItemKind::Union { .. } => format!("What `{}` can be.", item.rust_name),
        ItemKind::Named { kind: Named::Words(_), property } => format!("What {} can be.", code(property)),
        ItemKind::Named { kind: Named::Pattern { pattern, .. }, property } => {
            format!("What {} can be: text that matches {}.", code(property), code(pattern))
        }
    }
}

/// What the contract says of the payload, perhaps through a check that is around its fields.
fn own_docs(item: &Item, items: &[Item]) -> Docs {
    match &item.kind {
        ItemKind::Object(object) => object.docs.clone(),
        ItemKind::Checked { inner: Nullable { shape: Shape::Local(index), .. }, .. } => own_docs(&items[*index], items),
        _ => Docs::default(),
    }
}
