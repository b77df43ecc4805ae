//! One enum over all payload versions.

use quote::quote;

use super::imports::Imports;
use super::payload_enum::payload_enum;
use super::{Exposure, Module, ident, is_deprecated};
use crate::model::Model;

/// The module of `AnyEvent`; none where no event type has a payload.
pub(super) fn module(model: &Model) -> Option<Module> {
    if model.payloads.is_empty() {
        return None;
    }
    let mut imports = Imports::default();
    let attrs = quote! {
        /// A payload of any event type, in any version.
        #[non_exhaustive]
    };
    let definition = payload_enum(&ident("AnyEvent"), &attrs, model.payloads.iter(), &mut imports);
    Some(Module {
        name: "any_event".to_owned(),
        source: model.title.clone(),
        docs: vec!["All payloads in one type.".to_owned()],
        exposure: Exposure::Exported,
        mentions_deprecated: model.payloads.iter().any(is_deprecated),
        items: imports.items().into_iter().chain([definition]).collect(),
    })
}
