//! `derive(Object)`.

mod builder;
mod model;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Result};

use model::{Kind, Model};

/// All but the builder's type stands in a nameless scope, so that a struct takes no more names than its own and its builder's.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let model = Model::parse(input)?;
    let builder = builder::definition(&model);
    let fields = fields(&model);
    let object = object(&model);
    let traits = traits(&model);
    let debug = debug(&model);
    let builder_impls = builder::implementations(&model);

    Ok(quote! {
        #builder
        const _: () = {
            #fields
            #object
            #traits
            #debug
            #builder_impls
        };
    })
}

/// The struct of options beside the struct.
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
        #vis struct Fields {
            #(#members),*
        }
    }
}

fn object(model: &Model) -> TokenStream {
    let name = model.name;
    let declared: Vec<_> = model.fields.iter().filter(|field| !matches!(field.kind, Kind::Rest)).collect();
    let consts = declared.iter().map(|field| {
        let (property, constructor) =
            (&field.property, format_ident!("{}", if field.sensitive { "sensitive" } else { "new" }));
        quote!(::eventwright::payload::object::Field::#constructor(#property))
    });
    let reads = declared.iter().enumerate().map(|(index, field)| {
        let (ident, read) =
            (field.ident, format_ident!("{}", if field.is_optional() { "read_optional" } else { "read" }));
        quote!(#index => member.#read(&mut fields.#ident),)
    });
    let rest = model.rest().map_or_else(
        || {
            quote!({
                let _ = fields;
                ::core::option::Option::None
            })
        },
        |rest| quote!({ ::core::option::Option::Some(&mut fields.#rest) }),
    );
    let assembled = model.fields.iter().map(|field| {
        let (ident, property) = (field.ident, &field.property);
        match field.kind {
            Kind::Required => quote!(#ident: ::eventwright::payload::object::taken(fields.#ident, #property)?),
            Kind::Optional => quote!(#ident: fields.#ident.unwrap_or_default()),
            Kind::Rest => quote!(#ident: fields.#ident),
        }
    });
    let writes = model.fields.iter().map(|field| {
        let (ident, property) = (field.ident, &field.property);
        match field.kind {
            Kind::Required => quote!(to.write(#property, &self.#ident)?;),
            Kind::Optional => quote!(to.write_optional(#property, &self.#ident)?;),
            Kind::Rest => quote!(to.write_rest(<Self as ::eventwright::payload::Object>::FIELDS, &self.#ident)?;),
        }
    });
    quote! {
        impl ::eventwright::payload::Object for #name {
            const FIELDS: &'static [::eventwright::payload::object::Field] = &[#(#consts),*];

            type Fields = Fields;

            fn read_field<'de, A: ::eventwright::payload::object::MapAccess<'de>>(
                fields: &mut Fields,
                index: usize,
                member: ::eventwright::payload::object::Member<'_, A>,
            ) -> ::core::result::Result<(), A::Error> {
                match index {
                    #(#reads)*
                    _ => member.ignore(),
                }
            }

            fn rest(
                fields: &mut Fields,
            ) -> ::core::option::Option<&mut ::eventwright::payload::object::Map<::std::string::String, ::eventwright::payload::object::Value>>
            #rest

            fn assemble(fields: Fields) -> ::core::result::Result<Self, ::eventwright::payload::object::Missing> {
                ::core::result::Result::Ok(Self { #(#assembled),* })
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
