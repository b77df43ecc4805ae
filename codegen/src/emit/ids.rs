//! Id types, one for each prefix.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::clause;
use super::head::Head;
use super::imports::Imports;
use super::{Exposure, Module, export, ident};
use crate::model::{IdType, Model};

/// The module of the id types; none where nothing has an id.
pub(super) fn module(model: &Model) -> Option<Module> {
    let mut imports = Imports::default();
    let own: Vec<TokenStream> =
        model.ids.iter().filter(|id| id.elsewhere.is_none()).map(|id| self::id(id, &mut imports)).collect();
    let elsewhere = model.ids.iter().filter_map(|id| id.elsewhere.as_deref().map(|path| export(path, &id.rust_name)));
    let items: Vec<TokenStream> = imports.items().into_iter().chain(elsewhere).chain(own).collect();
    (!items.is_empty()).then(|| Module {
        name: "ids".to_owned(),
        source: model.title.clone(),
        docs: vec!["Ids: a prefix that says of what, and a UUID version 7.".to_owned()],
        exposure: Exposure::Exported,
        mentions_deprecated: false,
        items,
    })
}

fn id(id: &IdType, imports: &mut Imports) -> TokenStream {
    let (derive, uuid) = (imports.runtime("Id"), imports.runtime("Uuid"));
    let (name, prefix) = (ident(&id.rust_name), &id.prefix);
    let docs = vec![format!("{}: `{prefix}` and a UUID version 7.", clause(&id.description))];
    let head = Head { name: &id.rust_name, docs, attributes: TokenStream::new(), derives: &id.derives };
    let head = head.tokens(&quote!(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, #derive));
    quote! {
        #head
        #[id(prefix = #prefix)]
        pub struct #name(#uuid);
    }
}
