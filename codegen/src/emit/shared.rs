//! Types that all payloads share.

use proc_macro2::TokenStream;

use super::docs::prose;
use super::imports::Imports;
use super::{Module, named};
use crate::model::{Model, Named, SharedType};

/// The module of the shared types; none where there are none.
pub(super) fn module(model: &Model) -> Option<Module> {
    let mut imports = Imports::default();
    let types: Vec<TokenStream> = model
        .shared
        .iter()
        .map(|shared| named::item(&shared.rust_name, &shared.kind, &docs(shared), &mut imports))
        .collect();
    (!types.is_empty()).then(|| Module {
        name: "shared".to_owned(),
        source: model.registry.clone(),
        docs: vec!["Types that several payloads share.".to_owned()],
        public: false,
        mentions_deprecated: false,
        items: imports.items().into_iter().chain(types).collect(),
    })
}

fn docs(shared: &SharedType) -> Vec<String> {
    let mut docs = vec![prose(&shared.description)];
    if let Named::Pattern { pattern, .. } = &shared.kind {
        docs.push(format!("Text that matches `{pattern}`."));
    }
    docs
}
