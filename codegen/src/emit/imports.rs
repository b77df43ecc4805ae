//! What a module uses from elsewhere: collected while its items are made, so that nothing unused is imported.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::ident;
use crate::settings::Dates;

/// The imports of one module.
#[derive(Default)]
pub(super) struct Imports {
    standard: BTreeSet<&'static str>,
    runtime: BTreeSet<&'static str>,
    /// By the path of the module that they are in.
    within_runtime: BTreeMap<&'static str, BTreeSet<&'static str>>,
    dates: Dates,
    parent: BTreeSet<String>,
}

impl Imports {
    /// None yet, of a module whose dates are of this crate.
    pub(super) fn with_dates(dates: Dates) -> Self {
        Self { dates, ..Self::default() }
    }

    /// The crate whose dates the module uses.
    pub(super) fn dates(&self) -> Dates {
        self.dates
    }

    /// A name of the crate `eventwright`.
    pub(super) fn runtime(&mut self, name: &'static str) -> Ident {
        self.runtime.insert(name);
        ident(name)
    }

    /// A name of a module of the crate `eventwright`, by the module's path, such as `jiff::civil`.
    pub(super) fn within_runtime(&mut self, module: &'static str, name: &'static str) -> Ident {
        self.within_runtime.entry(module).or_default().insert(name);
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
        for (module, names) in &self.within_runtime {
            let module = module.split("::").map(ident);
            let names: Vec<Ident> = names.iter().map(|name| ident(name)).collect();
            items.extend(list(&quote!(eventwright::#(#module)::*), &names));
        }
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
