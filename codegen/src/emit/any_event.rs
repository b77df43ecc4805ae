//! One enum over all payload versions.

use proc_macro2::Literal;
use quote::quote;

use super::docs::doc;
use super::imports::Imports;
use super::{Module, is_deprecated, uneven_variants};
use crate::model::Model;

/// The module of `AnyEvent`; none where no event type has a payload.
pub(super) fn module(model: &Model) -> Option<Module> {
    if model.payloads.is_empty() {
        return None;
    }
    let mut imports = Imports::default();
    let (decode_error, encode_error) = (imports.runtime("DecodeError"), imports.runtime("EncodeError"));
    let (payload_trait, reading, kind) =
        (imports.runtime("Payload"), imports.runtime("Reading"), imports.runtime("Kind"));
    // its `KINDS`
    imports.runtime("Incoming");
    let payloads: Vec<_> = model.payloads.iter().map(|payload| imports.parent(&payload.rust_name)).collect();
    let event_types: Vec<_> = model.payloads.iter().map(|payload| &payload.event_type).collect();
    let versions: Vec<_> = model.payloads.iter().map(|payload| Literal::u16_unsuffixed(payload.version)).collect();
    let docs =
        model.payloads.iter().map(|payload| doc(&[format!("`{}` version {}.", payload.event_type, payload.version)]));
    let allow = uneven_variants();

    let mut items = imports.items();
    items.extend([
        quote! {
            /// A payload of any event type, in any version.
            #[derive(Clone, Debug, PartialEq)]
            #allow
            #[non_exhaustive]
            pub enum AnyEvent {
                #(#docs #payloads(#payloads),)*
            }
        },
        quote! {
            impl AnyEvent {
                /// Reads a payload of the given event type and version from JSON.
                ///
                /// # Errors
                /// Where the registry has no such event type or version, the bytes are not JSON, or they break a rule of the
                /// schema under the given [`Reading`].
                pub fn decode(
                    event_type: &str,
                    version: u16,
                    json: &[u8],
                    reading: #reading,
                ) -> Result<Self, #decode_error> {
                    match (event_type, version) {
                        #((#event_types, #versions) => #payload_trait::decode(json, reading).map(Self::#payloads),)*
                        _ => Err(#decode_error::unknown(event_type, version)),
                    }
                }

                /// Writes the payload as JSON.
                ///
                /// # Errors
                /// Where the payload holds a value that only tolerant reading lets in, such as an unrecognized enum value.
                pub fn encode(&self) -> Result<String, #encode_error> {
                    match self {
                        #(Self::#payloads(payload) => payload.encode(),)*
                    }
                }

                /// The payload's event type and version.
                #[must_use]
                pub const fn kind(&self) -> #kind {
                    match self {
                        #(Self::#payloads(_) => #payloads::KINDS[0],)*
                    }
                }
            }
        },
    ]);
    Some(Module {
        name: "any_event".to_owned(),
        source: model.registry.clone(),
        docs: vec!["All payloads in one type.".to_owned()],
        public: false,
        mentions_deprecated: model.payloads.iter().any(is_deprecated),
        items,
    })
}
