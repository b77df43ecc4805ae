//! The schema documents that values are held against as a whole.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;

use super::imports::Imports;
use super::{Exposure, Module};
use crate::model::{Document, Model};
use crate::settings::Formats;

/// The module of the documents; none where types enforce everything.
pub(super) fn module(model: &Model, formats: Formats) -> Option<Module> {
    let documents: BTreeSet<&Document> = model.payloads.iter().flat_map(|payload| &payload.documents).collect();
    if documents.is_empty() {
        return None;
    }
    let mut imports = Imports::default();
    let schemas = imports.runtime("Schemas");
    let documents = documents.into_iter().map(|document| {
        let (uri, json) = (&document.uri, raw(&document.json));
        quote! { (#uri, #json) }
    });
    let annotate = (formats == Formats::Annotate).then(|| quote! { .annotate_formats() });
    let mut items = imports.items();
    items.push(quote! {
        pub(super) static SCHEMAS: #schemas = #schemas::new(&[#(#documents),*])#annotate;
    });
    Some(Module {
        name: "schemas".to_owned(),
        source: model.title.clone(),
        docs: vec![
            "The schemas of values that types alone do not describe: whole documents, each by its URI.".to_owned(),
        ],
        exposure: Exposure::Internal,
        mentions_deprecated: false,
        items,
    })
}

/// A raw string, which shows JSON as it is.
fn raw(text: &str) -> TokenStream {
    let fence = (1..).map(|length| "#".repeat(length)).find(|fence| !text.contains(&format!("\"{fence}")));
    let fence = fence.unwrap_or_default();
    // a literal by its making, whatever the text
    format!("r{fence}\"{text}\"{fence}").parse().unwrap_or_else(|_| quote! { #text })
}
