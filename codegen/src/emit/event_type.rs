//! Event types by name.

use quote::quote;

use super::docs::{doc, prose};
use super::imports::Imports;
use super::{Exposure, Module, ident};
use crate::model::Model;

/// The module of the event types; none where there are none.
pub(super) fn module(model: &Model) -> Option<Module> {
    if model.event_types.is_empty() {
        return None;
    }
    let mut imports = Imports::default();
    let from_str = imports.standard("std::str::FromStr");
    let fmt = imports.standard("std::fmt");
    let names: Vec<_> = model.event_types.iter().map(|event| &event.name).collect();
    let variants: Vec<_> = model.event_types.iter().map(|event| ident(&event.variant)).collect();
    let constants: Vec<_> = model.event_types.iter().map(|event| ident(&event.constant)).collect();
    let docs: Vec<_> = model.event_types.iter().map(|event| doc(&[prose(&event.description)])).collect();

    let mut items = imports.items();
    items.extend([
        quote! {
            /// An event type of the registry.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[non_exhaustive]
            pub enum EventType {
                #(#docs #variants,)*
            }
        },
        quote! {
            impl EventType {
                /// All event types, in the order of their names.
                pub const ALL: &'static [EventType] = &[#(EventType::#variants),*];

                /// The name in the registry, such as `lead.created`.
                #[must_use]
                pub const fn as_str(self) -> &'static str {
                    match self {
                        #(Self::#variants => #constants,)*
                    }
                }
            }
        },
        quote! {
            impl #fmt::Display for EventType {
                fn fmt(&self, f: &mut #fmt::Formatter<'_>) -> #fmt::Result {
                    f.pad(self.as_str())
                }
            }
        },
        quote! {
            impl #from_str for EventType {
                type Err = UnknownEventType;

                fn from_str(name: &str) -> Result<Self, UnknownEventType> {
                    let mut all = Self::ALL.iter().copied();
                    all.find(|event_type| event_type.as_str() == name).ok_or_else(|| UnknownEventType(name.to_owned()))
                }
            }
        },
        quote! {
            /// The registry has no event type of this name.
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct UnknownEventType(pub String);
        },
        quote! {
            impl #fmt::Display for UnknownEventType {
                fn fmt(&self, f: &mut #fmt::Formatter<'_>) -> #fmt::Result {
                    write!(f, "the registry has no event type `{}`", self.0)
                }
            }
        },
        quote! {
            impl std::error::Error for UnknownEventType {}
        },
        quote! {
            #(#docs pub const #constants: &str = #names;)*
        },
    ]);
    Some(Module {
        name: "event_type".to_owned(),
        source: model.title.clone(),
        docs: vec!["Event types by name.".to_owned()],
        exposure: Exposure::Exported,
        mentions_deprecated: false,
        items,
    })
}
