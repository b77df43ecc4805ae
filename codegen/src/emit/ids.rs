//! Id types, one for each prefix.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::{clause, doc};
use super::imports::Imports;
use super::{Module, ident};
use crate::model::{IdType, Model};

/// The module of the id types; none where nothing has an id.
pub(super) fn module(model: &Model) -> Option<Module> {
    let mut imports = Imports::default();
    let own: Vec<TokenStream> =
        model.ids.iter().filter(|id| !id.of_runtime).map(|id| self::id(id, &mut imports)).collect();
    let of_runtime = model.ids.iter().filter(|id| id.of_runtime).map(|id| {
        let name = ident(&id.rust_name);
        quote! { pub use eventwright::#name; }
    });
    let items: Vec<TokenStream> = imports.items().into_iter().chain(of_runtime).chain(own).collect();
    (!items.is_empty()).then(|| Module {
        name: "ids".to_owned(),
        source: model.registry.clone(),
        docs: vec!["Ids: a prefix that says of what, and a UUID version 7.".to_owned()],
        public: false,
        mentions_deprecated: false,
        items,
    })
}

fn id(id: &IdType, imports: &mut Imports) -> TokenStream {
    let (derive, uuid) = (imports.runtime("Id"), imports.runtime("Uuid"));
    let (name, prefix) = (ident(&id.rust_name), &id.prefix);
    let docs = doc(&[format!("{}: `{prefix}` and a UUID version 7.", clause(&id.description))]);
    quote! {
        #docs
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, #derive)]
        #[id(prefix = #prefix)]
        pub struct #name(#uuid);
    }
}
