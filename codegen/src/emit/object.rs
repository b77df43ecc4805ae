//! Objects: structs.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::{code, doc, prose};
use super::head::Head;
use super::ident;
use super::imports::Imports;
use super::shape::shape;
use crate::model::{Field, Item, Object};

/// The struct.
pub(super) fn item(head: &Head<'_>, object: &Object, items: &[Item], imports: &mut Imports) -> TokenStream {
    let name = head.ident();
    let derive = imports.runtime("Object");
    let closed = object.rest.is_none().then(|| quote!(closed));
    let constants = object.constants.iter().map(|(name, text)| quote!(constant(#name, #text)));
    let options: Vec<TokenStream> = closed.into_iter().chain(constants).collect();
    let options = (!options.is_empty()).then(|| quote! { #[object(#(#options),*)] });
    let fields: Vec<TokenStream> = object.fields.iter().map(|field| self::field(field, items, imports)).collect();
    let rest = object.rest.as_ref().map(|name| rest(name, imports));
    let head = head.tokens(&quote!(Clone, PartialEq, #derive));
    quote! {
        #head
        #options
        #[non_exhaustive]
        pub struct #name {
            #(#fields,)*
            #rest
        }
    }
}

fn field(field: &Field, items: &[Item], imports: &mut Imports) -> TokenStream {
    let text = field.docs.description.as_ref().or(field.docs.title.as_ref());
    let docs = doc(&[text.map_or_else(|| code(&field.json), |text| prose(text))]);
    let deprecated = field.deprecated.then(|| quote! { #[deprecated] });
    let name = ident(&field.rust_name);
    let json = &field.json;
    let mut options = Vec::new();
    if !field.required {
        options.push(quote!(optional));
    }
    if field.rust_name.trim_start_matches("r#") != *json {
        options.push(quote!(rename = #json));
    }
    if field.sensitive {
        options.push(quote!(sensitive));
    }
    let options = (!options.is_empty()).then(|| quote! { #[object(#(#options),*)] });
    let ty = field_type(field, items, imports);
    quote! { #docs #deprecated #options pub #name: #ty }
}

fn field_type(field: &Field, items: &[Item], imports: &mut Imports) -> TokenStream {
    let value = shape(&field.ty.shape, items, imports);
    match (field.required, field.ty.null) {
        (true, false) => value,
        (true, true) | (false, false) => quote!(Option<#value>),
        (false, true) => {
            let maybe = imports.runtime("Maybe");
            quote!(#maybe<#value>)
        }
    }
}

fn rest(name: &str, imports: &mut Imports) -> TokenStream {
    let (name, members) = (ident(name), imports.runtime("JsonObject"));
    quote! {
        /// Members that this revision of the contract does not name.
        #[object(rest)]
        pub #name: #members,
    }
}
