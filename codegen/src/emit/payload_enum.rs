//! An enum with a variant for each of several payloads.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::docs::doc;
use super::imports::Imports;
use crate::model::Payload;

/// The enum; `attrs` are its docs and whatever else stands before it.
pub(super) fn payload_enum<'a>(
    name: &Ident,
    attrs: &TokenStream,
    payloads: impl Iterator<Item = &'a Payload>,
    imports: &mut Imports,
) -> TokenStream {
    let incoming = imports.runtime("Incoming");
    let variants = payloads.map(|payload| {
        let docs = doc(&[format!("`{}` version {}.", payload.event_type, payload.version)]);
        let name = imports.parent(&payload.rust_name);
        quote! { #docs #name(#name) }
    });
    // a box around the big ones would be in everybody's way
    quote! {
        #attrs
        #[derive(Clone, Debug, PartialEq, #incoming)]
        #[allow(clippy::large_enum_variant, reason = "payloads differ in size")]
        pub enum #name {
            #(#variants,)*
        }
    }
}
