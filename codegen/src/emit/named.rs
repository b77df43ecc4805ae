//! Words and patterns: string types that have a name.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::head::Head;
use super::ident;
use super::imports::Imports;
use crate::model::{Named, Word};

/// The type.
pub(super) fn item(head: &Head<'_>, kind: &Named, imports: &mut Imports) -> TokenStream {
    match kind {
        Named::Words(words) => self::words(head, words, imports),
        Named::Pattern { pattern, is_simple, min, max } => {
            self::pattern(head, pattern, *is_simple, (*min, *max), imports)
        }
    }
}

fn words(head: &Head<'_>, words: &[Word], imports: &mut Imports) -> TokenStream {
    let name = head.ident();
    let (derive, unrecognized) = (imports.runtime("Words"), imports.runtime("Unrecognized"));
    let head = head.tokens(&quote!(Clone, PartialEq, Eq, Hash, #derive));
    let variants = words.iter().map(|word| {
        let (json, name) = (&word.json, ident(&word.rust_name));
        quote! { #[word(#json)] #name }
    });
    quote! {
        #head
        #[allow(missing_docs, reason = "the words speak for themselves")]
        pub enum #name {
            #(#variants,)*
            /// A value that this revision of the contract does not name: read tolerantly, never published.
            Unrecognized(#unrecognized),
        }
    }
}

fn pattern(
    head: &Head<'_>,
    pattern: &str,
    is_simple: bool,
    (min, max): (u64, Option<u64>),
    imports: &mut Imports,
) -> TokenStream {
    let min = Some(min).filter(|min| *min > 0).map(Literal::u64_unsuffixed).map(|min| quote!(, min_length = #min));
    let max = max.map(Literal::u64_unsuffixed).map(|max| quote!(, max_length = #max));
    let regex = (!is_simple).then(|| quote!(, regex));
    let name = head.ident();
    let (derive, inner) = (imports.runtime("Pattern"), imports.runtime("Str"));
    let head = head.tokens(&quote!(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, #derive));
    quote! {
        #head
        #[pattern(#pattern #regex #min #max)]
        pub struct #name(#inner);
    }
}
