//! What a module uses from elsewhere: collected while its items are made, so that nothing unused is imported.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::ident;

/// The imports of one module.
#[derive(Default)]
pub(super) struct Imports {
    standard: BTreeSet<&'static str>,
    runtime: BTreeSet<&'static str>,
    parent: BTreeSet<String>,
}

impl Imports {
    /// A name of the crate `eventwright`.
    pub(super) fn runtime(&mut self, name: &'static str) -> Ident {
        self.runtime.insert(name);
        ident(name)
    }

    /// A name of the bindings' root.
    pub(super) fn parent(&mut self, name: &str) -> Ident {
        self.parent.insert(name.to_owned());
        ident(name)
    }

    /// A type of the standard library, by its path, such as `std::collections::BTreeMap`.
    pub(super) fn standard(&mut self, path: &'static str) -> Ident {
        self.standard.insert(path);
        ident(path.rsplit("::").next().unwrap_or(path))
    }

    /// The `use` items: the standard library, the runtime, the bindings themselves.
    pub(super) fn items(&self) -> Vec<TokenStream> {
        let mut items: Vec<TokenStream> = self
            .standard
            .iter()
            .map(|path| {
                let path = path.split("::").map(ident);
                quote! { use #(#path)::*; }
            })
            .collect();
        let runtime = self.runtime.iter().map(|name| ident(name)).collect::<Vec<_>>();
        let parent = self.parent.iter().map(|name| ident(name)).collect::<Vec<_>>();
        items.extend(list(&quote!(eventwright), &runtime));
        items.extend(list(&quote!(super), &parent));
        items
    }
}

fn list(from: &TokenStream, names: &[Ident]) -> Option<TokenStream> {
    match names {
        [] => None,
        [name] => Some(quote! { use #from::#name; }),
        names => Some(quote! { use #from::{#(#names),*}; }),
    }
}
