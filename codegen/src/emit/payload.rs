//! One payload version: its struct, what the registry says of it, and the types of its own.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::{clause, prose};
use super::imports::Imports;
use super::{Module, ident, is_deprecated, named, object};
use crate::model::{Docs, Item, ItemKind, Named, Payload, Standing, Subject};

/// The module of a payload version.
pub(super) fn module(payload: &Payload) -> Module {
    let mut imports = Imports::default();
    let mut types =
        payload.items.iter().map(|item| local_type(item, payload, &mut imports)).collect::<Vec<_>>().into_iter();
    let mut items: Vec<TokenStream> = types.next().into_iter().collect();
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
        docs: vec![format!("`{}` version {}: {}.", payload.event_type, payload.version, clause(&payload.description))],
        public: true,
        mentions_deprecated: is_deprecated(payload) || has_deprecated_field(payload),
        items: all,
    }
}

fn has_deprecated_field(payload: &Payload) -> bool {
    payload.items.iter().any(|item| match &item.kind {
        ItemKind::Object(object) => object.fields.iter().any(|field| field.deprecated),
        ItemKind::Named { .. } => false,
    })
}

fn payload_docs(payload: &Payload, own: &Docs) -> Vec<String> {
    let mut docs = vec![prose(docs_text(own).unwrap_or(&payload.description))];
    let mut facts = format!("Owned by {}", payload.owner);
    if !payload.subscribers.is_empty() {
        facts.push_str(&format!("; delivered to {}", listed(&payload.subscribers)));
    }
    facts.push('.');
    if let Some(id) = &payload.schema_id {
        facts.push_str(&format!(" Schema: {}", prose(id)));
    }
    docs.push(facts);
    if payload.standing == Standing::Retired {
        docs.push("Retired: what was stored is still read, and nothing new is published.".to_owned());
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

fn subject_impl(payload: &Payload, imports: &mut Imports) -> TokenStream {
    let name = ident(&payload.rust_name);
    match &payload.subject {
        Subject::Carried { id, path } => {
            let (carries, id) = (imports.runtime("CarriesSubject"), imports.parent(&id.rust_name));
            let path = path.iter().map(|field| ident(field));
            quote! {
                impl #carries for #name {
                    type Subject = #id;
                    fn subject(&self) -> #id {
                        self.#(#path).*
                    }
                }
            }
        }
        Subject::Given { id } => {
            let (needs, id) = (imports.runtime("NeedsSubject"), imports.parent(&id.rust_name));
            quote! {
                impl #needs for #name {
                    type Subject = #id;
                }
            }
        }
    }
}

/// Who may publish it, whether anybody may, and who may subscribe.
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
    impls
}

fn local_type(item: &Item, payload: &Payload, imports: &mut Imports) -> TokenStream {
    match &item.kind {
        ItemKind::Object(object) if item.rust_name == payload.rust_name => {
            let (docs, deprecation) = (payload_docs(payload, &object.docs), deprecation(&payload.standing));
            object::item(&item.rust_name, object, &docs, &deprecation, &payload.items, imports)
        }
        ItemKind::Object(object) => {
            let docs = docs_text(&object.docs).map_or_else(|| format!("`{}`", item.rust_name), prose);
            object::item(&item.rust_name, object, &[docs], &TokenStream::new(), &payload.items, imports)
        }
        ItemKind::Named { kind, property } => {
            let docs = match kind {
                Named::Words(_) => format!("What `{property}` can be."),
                Named::Pattern { pattern, .. } => format!("What `{property}` can be: text that matches `{pattern}`."),
            };
            named::item(&item.rust_name, kind, &[docs], imports)
        }
    }
}
