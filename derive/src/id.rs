//! `derive(Id)`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, LitStr, Result};

use crate::attr;

/// The runtime shows an id's text in a buffer of 64 bytes, 36 of which are the UUID's.
const LONGEST_PREFIX: usize = 28;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    attr::only_field(input, "struct PersonId(Uuid);")?;
    let prefix = parse_prefix(input)?;
    let id = &input.ident;
    let payload = quote!(::eventwright::payload);

    Ok(quote! {
        impl #id {
            #[doc = concat!("What the text begins with: `", #prefix, "`.")]
            pub const PREFIX: &'static str = #prefix;

            /// Makes a new id: a UUID version 7 (RFC 9562) of now. Ids that one process makes sort in the order in which it made them.
            #[must_use]
            pub fn new() -> Self {
                Self(::eventwright::Uuid::now_v7())
            }

            /// Makes an id of a UUID.
            ///
            /// # Errors
            /// Where it is not an RFC 9562 UUID of version 7.
            pub fn from_uuid(uuid: ::eventwright::Uuid) -> ::core::result::Result<Self, #payload::Invalid> {
                #payload::id::check_version(uuid).map(Self)
            }

            /// The UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> ::eventwright::Uuid {
                self.0
            }
        }

        impl #payload::Id for #id {
            const PREFIX: &'static str = #prefix;

            fn from_uuid(uuid: ::eventwright::Uuid) -> ::core::result::Result<Self, #payload::Invalid> {
                Self::from_uuid(uuid)
            }

            fn as_uuid(&self) -> ::eventwright::Uuid {
                self.0
            }
        }

        impl ::core::fmt::Display for #id {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #payload::id::with_text(#prefix, self.0, |text| f.pad(text))
            }
        }

        impl ::core::fmt::Debug for #id {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(self, f)
            }
        }

        impl ::core::str::FromStr for #id {
            type Err = #payload::Invalid;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                #payload::id::parse(text, #prefix).map(Self)
            }
        }

        impl ::core::convert::TryFrom<&str> for #id {
            type Error = #payload::Invalid;

            fn try_from(text: &str) -> ::core::result::Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl #payload::Read for #id {
            fn read<'de, D: #payload::serde::Deserializer<'de>>(
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                #payload::text::read(json, reader, str::parse)
            }
        }

        impl #payload::Write for #id {
            fn write<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                #payload::id::write(#prefix, self.0, to)
            }
        }

        impl #payload::serde::Serialize for #id {
            fn serialize<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                #payload::Write::write(self, to)
            }
        }

        impl<'de> #payload::serde::Deserialize<'de> for #id {
            fn deserialize<D: #payload::serde::Deserializer<'de>>(input: D) -> ::core::result::Result<Self, D::Error> {
                #payload::text::deserialize(input, str::parse)
            }
        }

        ::eventwright::__sql_text!(#id);
        ::eventwright::__arbitrary!(#id, |source| #payload::arbitrary::id(source));
    })
}

fn parse_prefix(input: &DeriveInput) -> Result<String> {
    let Some(attr) = attr::only(&input.attrs, "id") else {
        return Err(Error::new_spanned(&input.ident, "say what the id begins with: `#[id(prefix = \"per_\")]`"));
    };
    let mut prefix = String::new();
    attr.parse_nested_meta(|meta| {
        if !meta.path.is_ident("prefix") {
            return Err(meta.error("expected `prefix = \"...\"`"));
        }
        let literal: LitStr = meta.value()?.parse()?;
        prefix = literal.value();
        let is_plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !is_plain {
            let expected = format!("expected 1 to {LONGEST_PREFIX} ASCII letters, digits, `_` or `-`");
            return Err(Error::new_spanned(literal, expected));
        }
        Ok(())
    })?;
    if prefix.is_empty() {
        return Err(Error::new_spanned(attr, "expected `#[id(prefix = \"...\")]`"));
    }
    Ok(prefix)
}
