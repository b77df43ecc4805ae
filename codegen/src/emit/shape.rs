//! The Rust types of shapes.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::ident;
use super::imports::Imports;
use crate::model::{Item, Leaf, Nullable, Shape};
use crate::settings::Dates;

/// The Rust type of a shape that may be null.
pub(super) fn nullable(ty: &Nullable, items: &[Item], imports: &mut Imports) -> TokenStream {
    let value = shape(&ty.shape, items, imports);
    if ty.null { quote!(Option<#value>) } else { value }
}

/// The Rust type of a shape.
pub(super) fn shape(shape: &Shape, items: &[Item], imports: &mut Imports) -> TokenStream {
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
        Shape::Map { key: None, value } if **value == (Nullable { shape: Shape::Json, null: false }) => {
            runtime("JsonObject", imports)
        }
        Shape::Map { key, value } => {
            let key = key.as_ref().map_or_else(|| quote!(String), |key| self::shape(key, items, imports));
            let value = nullable(value, items, imports);
            let map = imports.standard("std::collections::BTreeMap");
            quote!(#map<#key, #value>)
        }
        Shape::Tuple(all) => {
            let all = all.iter().map(|item| nullable(item, items, imports));
            quote!((#(#all,)*))
        }
        Shape::Never => runtime("Never", imports),
        // what is only null is nothing more than that
        Shape::Other(1) => runtime("Null", imports),
        Shape::Other(types) => {
            let (other, types) = (imports.runtime("Other"), Literal::u8_unsuffixed(*types));
            quote!(#other<#types>)
        }
        Shape::Boxed(inner) => {
            let inner = self::shape(inner, items, imports);
            quote!(Box<#inner>)
        }
        Shape::Json => runtime("Json", imports),
    }
}

fn leaf(leaf: &Leaf, imports: &mut Imports) -> TokenStream {
    match leaf {
        Leaf::Bool => quote!(bool),
        Leaf::Number => runtime("Number", imports),
        Leaf::Integer => runtime("Integer", imports),
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
        Leaf::Date => date(imports),
        Leaf::DateTime => date_time(imports),
        Leaf::Uuid => runtime("Uuid", imports),
        Leaf::Format(name) => runtime(name, imports),
        Leaf::Elsewhere(path) => super::path(path),
        Leaf::Id(name) | Leaf::Shared(name) => {
            let name = imports.parent(name);
            quote!(#name)
        }
    }
}

fn date(imports: &mut Imports) -> TokenStream {
    let date = match imports.dates() {
        Dates::Time => imports.runtime("Date"),
        Dates::Chrono => imports.within_runtime("chrono", "NaiveDate"),
        Dates::Jiff => imports.within_runtime("jiff::civil", "Date"),
    };
    quote!(#date)
}

fn date_time(imports: &mut Imports) -> TokenStream {
    match imports.dates() {
        Dates::Time => runtime("OffsetDateTime", imports),
        Dates::Chrono => {
            let date_time = imports.within_runtime("chrono", "DateTime");
            let offset = imports.within_runtime("chrono", "FixedOffset");
            quote!(#date_time<#offset>)
        }
        Dates::Jiff => runtime("JiffDateTime", imports),
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
