//! How a type begins: its docs, its attributes and its name.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::docs::doc;
use super::ident;

/// What stands before a type's own parts.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    /// Paragraphs.
    pub(super) docs: Vec<String>,
    /// Between the derives and those of the type's kind.
    pub(super) attributes: TokenStream,
    /// Paths of derives besides those that every type of the kind has.
    pub(super) derives: &'a [String],
}

impl Head<'_> {
    pub(super) fn ident(&self) -> Ident {
        ident(self.name)
    }

    /// Docs, the given derives and those asked for, and attributes.
    pub(super) fn tokens(&self, derives: &TokenStream) -> TokenStream {
        let (docs, attributes) = (doc(&self.docs), &self.attributes);
        let more = self.derives.iter().map(|path| super::path(path));
        quote! {
            #docs
            #[derive(#derives #(, #more)*)]
            #attributes
        }
    }
}
