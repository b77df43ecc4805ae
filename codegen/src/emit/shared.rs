//! Types that all payloads share.

use proc_macro2::TokenStream;

use super::docs::{code, prose};
use super::head::Head;
use super::imports::Imports;
use super::{Exposure, Module, export, named};
use crate::model::{Model, Named, SharedType};

/// The module of the shared types; none where there are none.
pub(super) fn module(model: &Model) -> Option<Module> {
    let mut imports = Imports::default();
    let types: Vec<TokenStream> = model
        .shared
        .iter()
        .map(|shared| match &shared.elsewhere {
            Some(path) => export(path, &shared.rust_name),
            None => {
                let (name, docs) = (&shared.rust_name, docs(shared));
                let head = Head { name, docs, attributes: TokenStream::new(), derives: &shared.derives };
                named::item(&head, &shared.kind, &mut imports)
            }
        })
        .collect();
    (!types.is_empty()).then(|| Module {
        name: "shared".to_owned(),
        source: model.title.clone(),
        docs: vec!["Types that several payloads share.".to_owned()],
        exposure: Exposure::Exported,
        mentions_deprecated: false,
        items: imports.items().into_iter().chain(types).collect(),
    })
}

fn docs(shared: &SharedType) -> Vec<String> {
    let mut docs = vec![prose(&shared.description)];
    if let Named::Pattern { pattern, .. } = &shared.kind {
        docs.push(format!("Text that matches {}.", code(pattern)));
    }
    docs
}
