//! The root: declares the modules and exports what people name.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Exposure, MENTIONS_DEPRECATED, Module, ident, is_deprecated};
use crate::model::{Model, Payload};

/// The root. The modules' declarations are [`write`](crate::write)'s: files and inline modules look different.
pub(super) fn module(model: &Model, modules: &[Module]) -> Module {
    let private = modules.iter().filter(|module| module.exposure == Exposure::Exported).map(|module| {
        let name = ident(&module.name);
        quote! { pub use #name::*; }
    });
    let exports = private.chain(model.payloads.iter().map(export)).collect();
    Module {
        name: "mod".to_owned(),
        source: model.title.clone(),
        docs: vec![
            "Typed bindings of the event contracts.".to_owned(),
            "Each payload version has a module of its own with the types that only it uses. The current version of a payload is \
             also exported under its name without the version."
                .to_owned(),
        ],
        exposure: Exposure::Public,
        mentions_deprecated: false,
        items: exports,
    }
}

fn export(payload: &Payload) -> TokenStream {
    let (module, name) = (ident(&payload.module), ident(&payload.rust_name));
    let allow = is_deprecated(payload).then(|| quote! { #[allow(deprecated, reason = #MENTIONS_DEPRECATED)] });
    match payload.alias.as_deref().map(ident) {
        Some(alias) => quote! { #allow pub use #module::{#name, #name as #alias}; },
        None => quote! { #allow pub use #module::#name; },
    }
}
