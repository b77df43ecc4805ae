//! `derive(Object)`.

mod builder;
mod model;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Result};

use model::{Field, Kind, Model};

/// All but the builder's type stands in a nameless scope, so that a struct takes no more names than its own and its builder's.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let model = Model::parse(input)?;
    let builder = builder::definition(&model);
    let fields = fields(&model);
    let object = object(&model);
    let traits = traits(&model);
    let debug = debug(&model);
    let arbitrary = arbitrary(&model);
    let builder_impls = builder::implementations(&model);

    Ok(quote! {
        #builder
        const _: () = {
            #fields
            #object
            #traits
            #debug
            #arbitrary
            #builder_impls
        };
    })
}

/// The struct of options beside the struct. Its name must not hide a type that a field has.
fn fields(model: &Model) -> TokenStream {
    let vis = &model.vis;
    let members = model.fields.iter().map(|field| {
        let (ident, ty) = (field.ident, field.ty);
        match field.kind {
            Kind::Rest => quote!(#ident: #ty),
            Kind::Required | Kind::Optional => quote!(#ident: ::core::option::Option<#ty>),
        }
    });
    quote! {
        #[doc(hidden)]
        #[derive(Default)]
        #vis struct __Fields {
            #(#members),*
        }
    }
}

fn object(model: &Model) -> TokenStream {
    let name = model.name;
    let (constants, reads, rest) = (constants(model), reads(model), rest(model));
    let positions = positions(model);
    let beneath = beneath(model);
    let (values, writes) = (values(model), writes(model));
    let always = always(model);
    quote! {
        impl ::eventwright::payload::Object for #name {
            const FIELDS: &'static [::eventwright::payload::object::Field] = &[#(#constants),*];

            #always

            type Fields = __Fields;

            fn position(name: &str) -> ::core::option::Option<usize> {
                match name {
                    #(#positions)*
                    _ => ::core::option::Option::None,
                }
            }

            fn read_field<'de, A: ::eventwright::payload::object::MapAccess<'de>>(
                fields: &mut __Fields,
                index: usize,
                member: ::eventwright::payload::object::Member<'_, A>,
            ) -> ::core::result::Result<(), A::Error> {
                match index {
                    #(#reads)*
                    _ => member.ignore(),
                }
            }

            #rest

            #beneath

            #[inline]
            fn assemble(fields: __Fields) -> ::core::result::Result<Self, ::eventwright::payload::object::Missing> {
                ::core::result::Result::Ok(Self { #(#values),* })
            }

            fn write_fields<M: ::eventwright::payload::object::SerializeMap>(
                &self,
                to: &mut ::eventwright::payload::object::Members<'_, M>,
            ) -> ::core::result::Result<(), M::Error> {
                #(#writes)*
                ::core::result::Result::Ok(())
            }
        }
    }
}

fn constants(model: &Model) -> Vec<TokenStream> {
    let constant = |field: &Field<'_>| {
        let property = &field.property;
        let new = if field.sensitive { quote!(sensitive) } else { quote!(new) };
        let required = (field.kind == Kind::Required).then(|| quote!(.required()));
        quote!(::eventwright::payload::object::Field::#new(#property)#required)
    };
    model.declared().map(constant).collect()
}

/// Properties that are always the same string.
fn always(model: &Model) -> Option<TokenStream> {
    let (names, values): (Vec<_>, Vec<_>) = model.constants.iter().map(|(name, value)| (name, value)).unzip();
    (!names.is_empty())
        .then(|| quote!(const CONSTANTS: &'static [(&'static str, &'static str)] = &[#((#names, #values)),*];))
}

fn positions(model: &Model) -> Vec<TokenStream> {
    let position = |(index, field): (usize, &Field<'_>)| {
        let property = &field.property;
        quote!(#property => ::core::option::Option::Some(#index),)
    };
    model.declared().enumerate().map(position).collect()
}

/// The span of the field's type makes the compiler point there if it can't be read; likewise below.
fn reads(model: &Model) -> Vec<TokenStream> {
    let read = |(index, field): (usize, &Field<'_>)| {
        let ident = field.ident;
        let read = match field.kind {
            Kind::Optional => quote_spanned!(field.ty.span()=> read_optional),
            Kind::Required | Kind::Rest => quote_spanned!(field.ty.span()=> read),
        };
        quote!(#index => member.#read(&mut fields.#ident),)
    };
    model.declared().enumerate().map(read).collect()
}

/// Where sensitive properties are within those that are not sensitive themselves.
fn beneath(model: &Model) -> Option<TokenStream> {
    let within = |(index, field): (usize, &Field<'_>)| {
        let ty = field.ty;
        let of = match field.kind {
            Kind::Optional => quote_spanned!(ty.span()=> Omittable),
            Kind::Required | Kind::Rest => quote_spanned!(ty.span()=> Read),
        };
        quote!(#index => <#ty as ::eventwright::payload::#of>::beneath_sensitive(steps),)
    };
    let arms: Vec<_> = model.declared().enumerate().filter(|(_, field)| !field.sensitive).map(within).collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn beneath_sensitive_in(
                index: usize,
                steps: ::eventwright::payload::Steps<'_>,
            ) -> ::core::option::Option<usize> {
                match index {
                    #(#arms)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}

fn rest(model: &Model) -> Option<TokenStream> {
    let rest = model.rest()?;
    Some(quote! {
        fn rest(fields: &mut __Fields) -> ::core::option::Option<&mut ::eventwright::JsonObject> {
            ::core::option::Option::Some(&mut fields.#rest)
        }
    })
}

fn values(model: &Model) -> Vec<TokenStream> {
    let value = |field: &Field<'_>| {
        let (ident, property) = (field.ident, &field.property);
        match field.kind {
            Kind::Required => quote!(#ident: ::eventwright::payload::object::taken(fields.#ident, #property)?),
            Kind::Optional => quote!(#ident: fields.#ident.unwrap_or_default()),
            Kind::Rest => quote!(#ident: fields.#ident),
        }
    };
    model.fields.iter().map(value).collect()
}

fn writes(model: &Model) -> Vec<TokenStream> {
    let write = |field: &Field<'_>| {
        let (ident, span) = (field.ident, field.ty.span());
        let name = name(&field.property);
        match field.kind {
            Kind::Required => {
                let write = quote_spanned!(span=> write);
                quote!(to.#write(#name, &self.#ident)?;)
            }
            Kind::Optional => {
                let write = quote_spanned!(span=> write_optional);
                quote!(to.#write(#name, &self.#ident)?;)
            }
            Kind::Rest => quote!(to.write_rest(<Self as ::eventwright::payload::Object>::FIELDS, &self.#ident)?;),
        }
    };
    model.fields.iter().map(write).collect()
}

/// A property's name as it is written, which need not be looked at then if it is plain.
fn name(property: &str) -> TokenStream {
    match property.contains(|char: char| char < ' ' || char == '"' || char == '\\') {
        true => quote!(::eventwright::payload::object::Odd(#property)),
        false => quote!(#property),
    }
}

fn traits(model: &Model) -> TokenStream {
    let name = model.name;
    quote! {
        impl ::eventwright::payload::Read for #name {
            fn read<'de, D: ::eventwright::payload::serde::Deserializer<'de>>(
                json: D,
                reader: &::eventwright::payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                ::eventwright::payload::object::read(json, reader)
            }

            fn beneath_sensitive(steps: ::eventwright::payload::Steps<'_>) -> ::core::option::Option<usize> {
                ::eventwright::payload::object::beneath_sensitive::<Self>(steps)
            }
        }

        impl ::eventwright::payload::Write for #name {
            fn write<S: ::eventwright::payload::serde::Serializer>(
                &self,
                to: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::eventwright::payload::object::write(self, to)
            }
        }

        impl ::eventwright::payload::serde::Serialize for #name {
            fn serialize<S: ::eventwright::payload::serde::Serializer>(
                &self,
                to: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::eventwright::payload::object::write(self, to)
            }
        }
    }
}

fn debug(model: &Model) -> TokenStream {
    let name = model.name;
    let text = name.to_string();
    let fields = model.fields.iter().map(|field| {
        let (ident, label) = (field.ident, field.label());
        match field.kind {
            _ if field.sensitive => quote!(.field(#label, &::eventwright::payload::object::REDACTED)),
            Kind::Rest => quote!(.field(#label, &::eventwright::payload::object::Names(&self.#ident))),
            Kind::Required | Kind::Optional => quote!(.field(#label, &self.#ident)),
        }
    });
    quote! {
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text)#(#fields)*.finish()
            }
        }
    }
}

fn arbitrary(model: &Model) -> TokenStream {
    let name = model.name;
    // a name of the expansion's own, wherever the type comes from
    let source = quote!(source);
    let values = model.fields.iter().map(|field| {
        let (ident, span, ty) = (field.ident, field.ty.span(), field.ty);
        let sample = match field.kind {
            Kind::Required => {
                quote_spanned!(span=> <#ty as ::eventwright::payload::arbitrary::Sample>::sample(#source))
            }
            Kind::Optional => quote_spanned! { span=>
                <#ty as ::eventwright::payload::arbitrary::SampleOptional>::sample_optional(#source)
            },
            Kind::Rest => quote!(::eventwright::payload::arbitrary::rest::<Self>(#source)),
        };
        quote!(#ident: #sample?)
    });
    quote! {
        ::eventwright::__arbitrary!(#name, |source| {
            source.within(|source| ::core::result::Result::Ok(Self { #(#values),* }))
        });
    }
}
