//! `derive(Words)`.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Variant};

use crate::attr;

struct Words<'a> {
    /// Variants with their words.
    named: Vec<(&'a Ident, String)>,
    /// The variant for words that have none.
    unrecognized: Option<&'a Ident>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Words { named, unrecognized } = parse(input)?;
    let (variants, words): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let unrecognized: Vec<_> = unrecognized.into_iter().collect();
    let name = &input.ident;
    let payload = quote!(::eventwright::payload);

    Ok(quote! {
        impl #name {
            /// The named values, as declared.
            pub const ALL: &'static [Self] = &[#(Self::#variants),*];

            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #words,)*
                    #(Self::#unrecognized(word) => word.as_str(),)*
                }
            }
        }

        impl #payload::Words for #name {
            const ALL: &'static [Self] = Self::ALL;

            fn named(word: &str) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(match word {
                    #(#words => Self::#variants,)*
                    _ => return ::core::option::Option::None,
                })
            }

            #(
                fn unrecognized(word: #payload::Unrecognized) -> ::core::option::Option<Self> {
                    ::core::option::Option::Some(Self::#unrecognized(word))
                }
            )*

            fn as_str(&self) -> &str {
                self.as_str()
            }

            fn is_unrecognized(&self) -> bool {
                match self {
                    #(Self::#variants => false,)*
                    #(Self::#unrecognized(_) => true,)*
                }
            }
        }

        impl ::core::fmt::Display for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    #(Self::#unrecognized(word) => ::core::fmt::Debug::fmt(word, f),)*
                    _ => ::core::fmt::Debug::fmt(self.as_str(), f),
                }
            }
        }

        impl ::core::str::FromStr for #name {
            type Err = #payload::Invalid;

            fn from_str(word: &str) -> ::core::result::Result<Self, Self::Err> {
                #payload::words::parse(word)
            }
        }

        impl #payload::Read for #name {
            fn read<'de, D: #payload::serde::Deserializer<'de>>(
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                #payload::words::read(json, reader)
            }
        }

        impl #payload::Write for #name {
            fn write<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                #payload::words::write(self, to)
            }
        }

        impl #payload::serde::Serialize for #name {
            fn serialize<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                #payload::words::write(self, to)
            }
        }

        ::eventwright::__arbitrary!(#name, |source| #payload::arbitrary::word(source));
    })
}

fn parse(input: &DeriveInput) -> Result<Words<'_>> {
    attr::no_generics(input)?;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "expected an enum of words"));
    };
    let mut words = Words { named: Vec::new(), unrecognized: None };
    let mut seen = HashMap::new();
    for variant in &data.variants {
        match parse_word(variant)? {
            Some(literal) => {
                let word = literal.value();
                if let Some(other) = seen.insert(word.clone(), &variant.ident) {
                    return Err(Error::new_spanned(literal, format!("`{other}` has this word already")));
                }
                words.named.push((&variant.ident, word));
            }
            None if words.unrecognized.is_some() => {
                return Err(Error::new_spanned(variant, "there is a variant for unrecognized words already"));
            }
            None => words.unrecognized = Some(&variant.ident),
        }
    }
    if words.named.is_empty() {
        return Err(Error::new_spanned(&input.ident, "expected at least one variant with a word"));
    }
    Ok(words)
}

/// A variant's word; none where the variant is for the words that have none.
fn parse_word(variant: &Variant) -> Result<Option<LitStr>> {
    match (attr::only(&variant.attrs, "word"), &variant.fields) {
        (Some(attr), Fields::Unit) => attr.parse_args().map(Some),
        (Some(_), fields) => Err(Error::new_spanned(fields, "a variant with a word has no fields")),
        (None, Fields::Unnamed(fields)) if fields.unnamed.len() == 1 => Ok(None),
        (None, _) => Err(Error::new_spanned(
            variant,
            "give the variant its word, `#[word(\"...\")]`, or make it `Unrecognized(Unrecognized)`",
        )),
    }
}
