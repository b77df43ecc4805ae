//! `derive(Union)`.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, GenericArgument, LitStr, PathArguments, Result, Type};

use crate::attr;

/// How the variants are told apart.
enum Kind {
    /// `#[union(any)]`
    Any,
    /// `#[union(one)]`
    One,
    /// `#[union(tag = "kind")]`
    Tag(LitStr),
}

struct Variant<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    tag: Option<LitStr>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let kind = parse_kind(input)?;
    let variants = parse_variants(input, &kind)?;
    let name = &input.ident;
    let union = union(name, &variants);
    let traits = traits(name, &kind, &variants);
    let debug = debug(name, &variants);
    let froms = froms(name, &variants);
    let arbitrary = arbitrary(name, &variants);

    Ok(quote! {
        const _: () = {
            #union
            #traits
            #debug
            #froms
            #arbitrary
        };
    })
}

/// The spans of the payloads' types make the compiler point there if they can't be read.
fn union(name: &Ident, variants: &[Variant<'_>]) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    let names = variants.iter().map(Variant::name);
    let reads = variants.iter().enumerate().map(|(index, Variant { ident, ty, .. })| {
        let read = quote_spanned!(ty.span()=> <#ty as ::eventwright::payload::Read>::read(json, reader));
        // the last one stands for all that is no index
        let index = if index + 1 < variants.len() { quote!(#index) } else { quote!(_) };
        quote!(#index => #read.map(Self::#ident),)
    });
    let writes = variants.iter().map(|Variant { ident, ty, .. }| {
        let write = quote_spanned!(ty.span()=> <#ty as ::eventwright::payload::Write>::write(value, to));
        quote!(Self::#ident(value) => #write,)
    });
    quote! {
        impl #payload::union::Union for #name {
            const VARIANTS: &'static [&'static str] = &[#(#names),*];

            fn read_variant<'de, D: #payload::serde::Deserializer<'de>>(
                index: usize,
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                match index {
                    #(#reads)*
                }
            }

            fn write_variant<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                match self {
                    #(#writes)*
                }
            }
        }
    }
}

fn traits(name: &Ident, kind: &Kind, variants: &[Variant<'_>]) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    let types = variants.iter().map(|variant| variant.ty);
    let read = match kind {
        Kind::Any => quote!(#payload::union::any(json, reader)),
        Kind::One => quote!(#payload::union::one(json, reader)),
        Kind::Tag(tag) => quote!(#payload::union::tagged(#tag, json, reader)),
    };
    let write = match kind {
        Kind::One => quote!(#payload::union::write_one(self, to)),
        Kind::Any | Kind::Tag(_) => quote!(#payload::union::Union::write_variant(self, to)),
    };
    quote! {
        impl #payload::Read for #name {
            fn read<'de, D: #payload::serde::Deserializer<'de>>(
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                #read
            }

            /// What is sensitive in one variant may be so in a value that is of none.
            fn beneath_sensitive(steps: #payload::Steps<'_>) -> ::core::option::Option<usize> {
                [#(<#types as #payload::Read>::beneath_sensitive(steps)),*].into_iter().flatten().max()
            }
        }

        impl #payload::Write for #name {
            fn write<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                #write
            }
        }

        impl #payload::serde::Serialize for #name {
            fn serialize<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                #payload::Write::write(self, to)
            }
        }
    }
}

fn debug(name: &Ident, variants: &[Variant<'_>]) -> TokenStream {
    let arms = variants.iter().map(|Variant { ident, .. }| {
        let text = ident.to_string();
        quote!(Self::#ident(value) => f.debug_tuple(#text).field(value).finish(),)
    });
    quote! {
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    #(#arms)*
                }
            }
        }
    }
}

fn arbitrary(name: &Ident, variants: &[Variant<'_>]) -> TokenStream {
    // a name of the expansion's own, wherever the type comes from
    let source = quote!(source);
    let samples = variants.iter().map(|Variant { ident, ty, .. }| {
        let sample = quote_spanned!(ty.span()=> <#ty as ::eventwright::payload::arbitrary::Sample>::sample(#source));
        quote!(|source| #sample.map(Self::#ident))
    });
    quote! {
        ::eventwright::__arbitrary!(#name, |source| {
            ::eventwright::payload::arbitrary::union(source, &[#(#samples),*])
        });
    }
}

/// Conversions from payload types that occur once; from what is in a box, too.
fn froms(name: &Ident, variants: &[Variant<'_>]) -> TokenStream {
    let mut counts = HashMap::<String, usize>::new();
    for ty in variants.iter().flat_map(|variant| [Some(variant.ty), boxed(variant.ty)]).flatten() {
        *counts.entry(ty.to_token_stream().to_string()).or_default() += 1;
    }
    let occurs_once = |ty: &Type| counts.get(&ty.to_token_stream().to_string()) == Some(&1);
    let from = |ty: &Type, ident: &Ident, value: TokenStream| {
        occurs_once(ty).then(|| {
            quote! {
                impl ::core::convert::From<#ty> for #name {
                    fn from(value: #ty) -> Self {
                        Self::#ident(#value)
                    }
                }
            }
        })
    };
    let whole = variants.iter().map(|Variant { ident, ty, .. }| from(ty, ident, quote!(value)));
    let unboxed = variants.iter().map(|Variant { ident, ty, .. }| {
        boxed(ty).and_then(|ty| from(ty, ident, quote!(::std::boxed::Box::new(value))))
    });
    whole.chain(unboxed).flatten().collect()
}

/// The `T` of a `Box<T>`: a macro sees only the name.
fn boxed(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Box" => match arguments.args.first()? {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

impl Variant<'_> {
    /// What it is called in JSON, or in errors.
    fn name(&self) -> String {
        self.tag.as_ref().map_or_else(|| self.ident.to_string(), LitStr::value)
    }
}

fn parse_kind(input: &DeriveInput) -> Result<Kind> {
    const EXPECTED: &str =
        "say how variants are told apart: `#[union(any)]`, `#[union(one)]` or `#[union(tag = \"kind\")]`";

    let Some(attr) = attr::only(&input.attrs, "union") else {
        return Err(Error::new_spanned(&input.ident, EXPECTED));
    };
    let mut kind = None;
    attr.parse_nested_meta(|meta| {
        if kind.is_some() {
            return Err(meta.error("expected one of `any`, `one` and `tag = \"...\"`"));
        }
        kind = Some(if meta.path.is_ident("any") {
            Kind::Any
        } else if meta.path.is_ident("one") {
            Kind::One
        } else if meta.path.is_ident("tag") {
            Kind::Tag(meta.value()?.parse()?)
        } else {
            return Err(meta.error("expected `any`, `one` or `tag = \"...\"`"));
        });
        Ok(())
    })?;
    kind.ok_or_else(|| Error::new_spanned(attr, EXPECTED))
}

fn parse_variants<'a>(input: &'a DeriveInput, kind: &Kind) -> Result<Vec<Variant<'a>>> {
    attr::no_generics(input)?;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "expected an enum of payload types"));
    };
    if data.variants.is_empty() {
        return Err(Error::new_spanned(&input.ident, "expected at least one variant with a payload type"));
    }
    let mut tags = HashMap::new();
    data.variants
        .iter()
        .map(|variant| {
            let variant = parse_variant(variant, kind)?;
            if let Some(tag) = &variant.tag
                && let Some(other) = tags.insert(tag.value(), variant.ident)
            {
                return Err(Error::new_spanned(tag, format!("`{other}` has this tag already")));
            }
            Ok(variant)
        })
        .collect()
}

fn parse_variant<'a>(variant: &'a syn::Variant, kind: &Kind) -> Result<Variant<'a>> {
    let ty = match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => &fields.unnamed[0].ty,
        _ => return Err(Error::new_spanned(variant, "expected a variant like `Phone(Phone)`")),
    };
    let tag = match (kind, attr::only(&variant.attrs, "tag")) {
        (Kind::Tag(_), Some(attr)) => Some(attr.parse_args()?),
        (Kind::Tag(_), None) => return Err(Error::new_spanned(variant, "give the variant its tag: `#[tag(\"...\")]`")),
        (_, Some(attr)) => return Err(Error::new_spanned(attr, "tags are for `#[union(tag = \"...\")]`")),
        (_, None) => None,
    };
    Ok(Variant { ident: &variant.ident, ty, tag })
}
