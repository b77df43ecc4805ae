//! Domains, and for each that subscribes to anything an enum of all that it receives.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::docs::{doc, prose};
use super::imports::Imports;
use super::{Module, ident, is_deprecated, uneven_variants};
use crate::model::{Domain, Model, Payload};

/// The module of the domains; none where there are none.
pub(super) fn module(model: &Model) -> Option<Module> {
    let mut imports = Imports::default();
    let mut items = Vec::new();
    for domain in &model.domains {
        items.push(marker(domain, &mut imports));
        let received: Vec<&Payload> = domain.receives.iter().map(|index| &model.payloads[*index]).collect();
        if !received.is_empty() {
            items.push(incoming(domain, &received, &mut imports));
        }
    }
    let received = model.domains.iter().flat_map(|domain| &domain.receives);
    let mentions_deprecated = received.into_iter().any(|index| is_deprecated(&model.payloads[*index]));
    (!items.is_empty()).then(|| Module {
        name: "domains".to_owned(),
        source: model.registry.clone(),
        docs: vec!["Domains, and what each of them receives.".to_owned()],
        public: false,
        mentions_deprecated,
        items: imports.items().into_iter().chain(items).collect(),
    })
}

fn marker(domain: &Domain, imports: &mut Imports) -> TokenStream {
    let (domain_trait, name, text) = (imports.runtime("Domain"), ident(&domain.rust_name), &domain.name);
    let docs = doc(&[prose(&domain.description)]);
    quote! {
        #docs
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct #name;

        impl #domain_trait for #name {
            const NAME: &'static str = #text;
        }
    }
}

fn incoming(domain: &Domain, received: &[&Payload], imports: &mut Imports) -> TokenStream {
    let (incoming, kind, subscribed_by) =
        (imports.runtime("Incoming"), imports.runtime("Kind"), imports.runtime("SubscribedBy"));
    let (decode_error, reading) = (imports.runtime("DecodeError"), imports.runtime("Reading"));
    let payload_trait = imports.runtime("Payload");
    let docs = doc(&[format!("What {} is subscribed to.", domain.name)]);
    let domain_name = ident(&domain.rust_name);
    let name = format_ident!("{}Event", domain_name);
    let payloads: Vec<_> = received.iter().map(|payload| imports.parent(&payload.rust_name)).collect();
    let event_types: Vec<&String> = received.iter().map(|payload| &payload.event_type).collect();
    let versions: Vec<_> = received.iter().map(|payload| Literal::u16_unsuffixed(payload.version)).collect();
    let variant_docs =
        received.iter().map(|payload| doc(&[format!("`{}` version {}.", payload.event_type, payload.version)]));
    let allow = uneven_variants();
    quote! {
        #docs
        #[derive(Clone, Debug, PartialEq)]
        #allow
        pub enum #name {
            #(#variant_docs #payloads(#payloads),)*
        }

        impl #incoming for #name {
            const KINDS: &'static [#kind] = &[
                #(#payloads::KINDS[0],)*
            ];

            fn receive(event_type: &str, version: u16, json: &[u8]) -> Result<Self, #decode_error> {
                match (event_type, version) {
                    #((#event_types, #versions) => #payload_trait::decode(json, #reading::Tolerant).map(Self::#payloads),)*
                    _ => Err(#decode_error::unknown(event_type, version)),
                }
            }
        }

        impl #subscribed_by<#domain_name> for #name {}
    }
}
