//! Unions: enums over what a value can be.

use proc_macro2::TokenStream;
use quote::quote;

use super::head::Head;
use super::ident;
use super::imports::Imports;
use super::shape::nullable;
use crate::model::{Choice, Item, Variant};

/// The enum.
pub(super) fn item(
    head: &Head<'_>,
    choice: &Choice,
    variants: &[Variant],
    items: &[Item],
    imports: &mut Imports,
) -> TokenStream {
    let name = head.ident();
    let derive = imports.runtime("Union");
    let choice = match choice {
        Choice::Any => quote!(any),
        Choice::One => quote!(one),
        Choice::Tag(tag) => quote!(tag = #tag),
    };
    let variants = variants.iter().map(|variant| {
        let (name, ty) = (ident(&variant.rust_name), nullable(&variant.ty, items, imports));
        let tag = variant.tag.as_ref().map(|tag| quote! { #[tag(#tag)] });
        quote! { #tag #name(#ty) }
    });
    let head = head.tokens(&quote!(Clone, PartialEq, #derive));
    quote! {
        #head
        #[union(#choice)]
        #[allow(missing_docs, clippy::large_enum_variant, reason = "the variants' types say what they are")]
        pub enum #name {
            #(#variants,)*
        }
    }
}
