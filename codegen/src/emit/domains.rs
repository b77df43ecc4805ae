//! Domains, and for each that subscribes to anything an enum of all that it receives.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::docs::{doc, prose};
use super::imports::Imports;
use super::payload_enum::payload_enum;
use super::{Exposure, Module, ident, is_deprecated};
use crate::model::{Domain, Model, Payload};

/// The module of the domains; none where there are none.
pub(super) fn module(model: &Model) -> Option<Module> {
    let mut imports = Imports::default();
    let mut items = Vec::new();
    for domain in &model.domains {
        items.push(marker(domain, &mut imports));
        if !domain.receives.is_empty() {
            let received = domain.receives.iter().map(|index| &model.payloads[*index]);
            items.push(incoming(domain, received, &mut imports));
        }
    }
    let received = model.domains.iter().flat_map(|domain| &domain.receives);
    let mentions_deprecated = received.into_iter().any(|index| is_deprecated(&model.payloads[*index]));
    (!items.is_empty()).then(|| Module {
        name: "domains".to_owned(),
        source: model.title.clone(),
        docs: vec!["Domains, and what each of them receives.".to_owned()],
        exposure: Exposure::Exported,
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

fn incoming<'a>(domain: &Domain, received: impl Iterator<Item = &'a Payload>, imports: &mut Imports) -> TokenStream {
    let domain_name = ident(&domain.rust_name);
    let name = format_ident!("{domain_name}Event");
    let docs = doc(&[format!("What {} is subscribed to.", domain.name)]);
    let subscribed_by = imports.runtime("SubscribedBy");
    let definition = payload_enum(&name, &docs, received, imports);
    quote! {
        #definition

        impl #subscribed_by<#domain_name> for #name {}
    }
}
