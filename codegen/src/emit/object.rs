//! Objects: structs.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::docs::{doc, prose};
use super::ident;
use super::imports::Imports;
use crate::model::{Field, Item, Leaf, Nullable, Object, Shape};

/// The struct. `attributes` come between its docs and its derives.
pub(super) fn item(
    name: &str,
    object: &Object,
    docs: &[String],
    attributes: &TokenStream,
    items: &[Item],
    imports: &mut Imports,
) -> TokenStream {
    let (docs, name) = (doc(docs), ident(name));
    let derive = imports.runtime("Object");
    let closed = object.closed.then(|| quote! { #[object(closed)] });
    let fields: Vec<TokenStream> = object.fields.iter().map(|field| self::field(field, items, imports)).collect();
    let rest = (!object.closed).then(|| rest(imports));
    quote! {
        #docs
        #[derive(Clone, PartialEq, #derive)]
        #attributes
        #closed
        #[non_exhaustive]
        pub struct #name {
            #(#fields,)*
            #rest
        }
    }
}

fn field(field: &Field, items: &[Item], imports: &mut Imports) -> TokenStream {
    let text = field.docs.description.as_ref().or(field.docs.title.as_ref());
    let docs = doc(&[text.map_or_else(|| format!("`{}`", field.json), |text| prose(text))]);
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

fn rest(imports: &mut Imports) -> TokenStream {
    let members = imports.runtime("JsonObject");
    quote! {
        /// Members that this revision of the contract does not name.
        #[object(rest)]
        pub rest: #members,
    }
}

fn nullable(ty: &Nullable, items: &[Item], imports: &mut Imports) -> TokenStream {
    let value = shape(&ty.shape, items, imports);
    if ty.null { quote!(Option<#value>) } else { value }
}

fn shape(shape: &Shape, items: &[Item], imports: &mut Imports) -> TokenStream {
    match shape {
        Shape::Leaf(leaf) => self::leaf(leaf, imports),
        Shape::Local(index) => {
            let name = ident(&items[*index].rust_name);
            quote!(#name)
        }
        Shape::List { item, min, max, unique } => {
            let item = nullable(item, items, imports);
            let bounds = lengths(*min, *max);
            match (unique, bounds.is_empty()) {
                (true, _) => {
                    let list = imports.runtime("UniqueList");
                    quote!(#list<#item #(, #bounds)*>)
                }
                (false, true) => quote!(Vec<#item>),
                (false, false) => {
                    let list = imports.runtime("List");
                    quote!(#list<#item #(, #bounds)*>)
                }
            }
        }
        Shape::Map(value) => {
            let value = nullable(value, items, imports);
            let map = imports.standard("std::collections::BTreeMap");
            quote!(#map<String, #value>)
        }
    }
}

fn leaf(leaf: &Leaf, imports: &mut Imports) -> TokenStream {
    match leaf {
        Leaf::Bool => quote!(bool),
        Leaf::Number => quote!(f64),
        Leaf::Int { min: None, max: None } => quote!(i64),
        Leaf::Int { min, max } => {
            let int = imports.runtime("Int");
            let min = min.map_or_else(|| quote!({ i64::MIN }), integer);
            let max = max.map(integer).into_iter();
            quote!(#int<#min #(, #max)*>)
        }
        Leaf::Text { min, max } => {
            let bounds = lengths(*min, *max);
            if bounds.is_empty() {
                return quote!(String);
            }
            let text = imports.runtime("Text");
            quote!(#text<#(#bounds),*>)
        }
        Leaf::Date => runtime("Date", imports),
        Leaf::DateTime => runtime("OffsetDateTime", imports),
        Leaf::Email => runtime("Email", imports),
        Leaf::Uuid => runtime("Uuid", imports),
        Leaf::Id(name) | Leaf::Shared(name) => {
            let name = imports.parent(name);
            quote!(#name)
        }
    }
}

fn runtime(name: &'static str, imports: &mut Imports) -> TokenStream {
    let name = imports.runtime(name);
    quote!(#name)
}

/// Const arguments of a length; those that say nothing are left to the defaults.
fn lengths(min: u64, max: Option<u64>) -> Vec<TokenStream> {
    let plain = |value: u64| {
        let value = Literal::u64_unsuffixed(value);
        quote!(#value)
    };
    match (min, max) {
        (0, None) => Vec::new(),
        (min, None) => vec![plain(min)],
        (min, Some(max)) => vec![plain(min), plain(max)],
    }
}

fn integer(value: i64) -> TokenStream {
    let value = Literal::i64_unsuffixed(value);
    quote!(#value)
}
