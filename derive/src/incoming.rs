//! `derive(Incoming)`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Result, Type, Variant};

use crate::attr;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let (variants, payloads): (Vec<&Ident>, Vec<&Type>) = parse(input)?.into_iter().unzip();
    let (name, vis) = (&input.ident, &input.vis);
    let kinds: Vec<TokenStream> = payloads.iter().map(|payload| kind(payload)).collect();
    let decodes = variants
        .iter()
        .zip(&payloads)
        .map(|(variant, payload)| arm(payload, &quote!(decode(json, reading).map(Self::#variant))));
    let violations = payloads.iter().map(|payload| arm(payload, &quote!(violations(json, reading))));
    let allow = quote! { #[allow(deprecated, reason = "deprecated versions are still read")] };

    Ok(quote! {
        #allow
        impl #name {
            /// Reads the payload of the given event type and version from JSON.
            ///
            /// # Errors
            /// Where this enum has no such event type or version, the bytes are not JSON, or they break a rule of the schema under
            /// the given `Reading`.
            #vis fn decode(
                event_type: &str,
                version: u16,
                json: &[u8],
                reading: ::eventwright::Reading,
            ) -> ::core::result::Result<Self, ::eventwright::DecodeError> {
                match (event_type, version) {
                    #(#decodes)*
                    _ => ::core::result::Result::Err(::eventwright::DecodeError::unknown(event_type, version)),
                }
            }

            /// Finds all that is wrong with a payload of the given event type and version; nothing exactly where it can be decoded.
            ///
            /// # Errors
            /// Where this enum has no such event type or version, or the bytes are not JSON.
            #vis fn violations(
                event_type: &str,
                version: u16,
                json: &[u8],
                reading: ::eventwright::Reading,
            ) -> ::core::result::Result<::std::vec::Vec<::eventwright::Violation>, ::eventwright::DecodeError> {
                match (event_type, version) {
                    #(#violations)*
                    _ => ::core::result::Result::Err(::eventwright::DecodeError::unknown(event_type, version)),
                }
            }

            /// Writes the payload as JSON.
            ///
            /// # Errors
            /// Where the payload holds a value that only tolerant reading lets in, such as an unrecognized enum value.
            #vis fn encode(&self) -> ::core::result::Result<::std::string::String, ::eventwright::EncodeError> {
                match self {
                    #(Self::#variants(payload) => ::eventwright::Payload::encode(payload),)*
                }
            }

            /// The payload's event type and version.
            #[must_use]
            #vis const fn kind(&self) -> ::eventwright::Kind {
                match self {
                    #(Self::#variants(_) => #kinds,)*
                }
            }
        }

        #allow
        impl ::eventwright::Incoming for #name {
            const KINDS: &'static [::eventwright::Kind] = &[#(#kinds),*];

            fn receive(
                event_type: &str,
                version: u16,
                json: &[u8],
            ) -> ::core::result::Result<Self, ::eventwright::DecodeError> {
                Self::decode(event_type, version, json, ::eventwright::Reading::Tolerant)
            }

            fn take(
                payload: ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send>,
            ) -> ::core::option::Option<Self> {
                #(
                    let payload = match payload.downcast::<#payloads>() {
                        ::core::result::Result::Ok(payload) => {
                            return ::core::option::Option::Some(Self::#variants(*payload));
                        }
                        ::core::result::Result::Err(other) => other,
                    };
                )*
                ::core::mem::drop(payload);
                ::core::option::Option::None
            }
        }
    })
}

/// The span of the payload's type makes the compiler point there if it is no payload; likewise below.
fn kind(payload: &Type) -> TokenStream {
    quote_spanned!(payload.span()=> ::eventwright::Kind::of::<#payload>())
}

/// What to call of the payload of an event type and version.
fn arm(payload: &Type, call: &TokenStream) -> TokenStream {
    quote_spanned! { payload.span()=>
        (<#payload as ::eventwright::Payload>::EVENT_TYPE, <#payload as ::eventwright::Payload>::VERSION) => {
            <#payload as ::eventwright::Payload>::#call
        }
    }
}

/// The variants with their payloads.
fn parse(input: &DeriveInput) -> Result<Vec<(&Ident, &Type)>> {
    attr::no_generics(input)?;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "expected an enum of payloads"));
    };
    if data.variants.is_empty() {
        return Err(Error::new_spanned(&input.ident, "expected at least one variant with a payload"));
    }
    data.variants.iter().map(parse_variant).collect()
}

fn parse_variant(variant: &Variant) -> Result<(&Ident, &Type)> {
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok((&variant.ident, &fields.unnamed[0].ty)),
        _ => Err(Error::new_spanned(variant, "expected a variant like `LeadCreated(LeadCreated)`")),
    }
}
