//! Words and patterns: string types that have a name.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::docs::doc;
use super::ident;
use super::imports::Imports;
use crate::model::{Named, Word};

/// The type, with its docs.
pub(super) fn item(name: &str, kind: &Named, docs: &[String], imports: &mut Imports) -> TokenStream {
    match kind {
        Named::Words(words) => self::words(name, words, docs, imports),
        Named::Pattern { pattern, min, max } => self::pattern(name, pattern, (*min, *max), docs, imports),
    }
}

fn words(name: &str, words: &[Word], docs: &[String], imports: &mut Imports) -> TokenStream {
    let (docs, name) = (doc(docs), ident(name));
    let (derive, unrecognized) = (imports.runtime("Words"), imports.runtime("Unrecognized"));
    let variants = words.iter().map(|word| {
        let (json, name) = (&word.json, ident(&word.rust_name));
        quote! { #[word(#json)] #name }
    });
    quote! {
        #docs
        #[derive(Clone, PartialEq, Eq, Hash, #derive)]
        #[allow(missing_docs, reason = "the words speak for themselves")]
        pub enum #name {
            #(#variants,)*
            /// A value that this revision of the contract does not name: read tolerantly, never published.
            Unrecognized(#unrecognized),
        }
    }
}

fn pattern(
    name: &str,
    pattern: &str,
    (min, max): (u64, Option<u64>),
    docs: &[String],
    imports: &mut Imports,
) -> TokenStream {
    let min = Some(min).filter(|min| *min > 0).map(Literal::u64_unsuffixed).map(|min| quote!(, min_length = #min));
    let max = max.map(Literal::u64_unsuffixed).map(|max| quote!(, max_length = #max));
    let (docs, name) = (doc(docs), ident(name));
    let derive = imports.runtime("Pattern");
    quote! {
        #docs
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, #derive)]
        #[pattern(#pattern #min #max)]
        pub struct #name(String);
    }
}
