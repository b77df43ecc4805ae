//! The builder of a struct.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::model::{Field, Kind, Model};

/// The builder's type: what is set so far, and a parameter for each required field.
pub(super) fn definition(model: &Model) -> TokenStream {
    let (name, vis, builder) = (model.name, model.vis, builder_name(model));
    let states = states(model);
    let doc = format!("Builds a [`{name}`], once all required fields are set.");
    quote! {
        #[doc = #doc]
        #[must_use = "nothing is made before `.build()`"]
        #vis struct #builder<#(#states),*> {
            fields: <#name as ::eventwright::payload::Object>::Fields,
            states: ::core::marker::PhantomData<(#(#states,)*)>,
        }
    }
}

pub(super) fn implementations(model: &Model) -> TokenStream {
    let (name, vis, builder) = (model.name, model.vis, builder_name(model));
    let states = states(model);
    let unset = required(model).map(|_| quote!(::eventwright::payload::object::Unset));
    let requirements = required(model).map(|field| requirement(model, field));
    let bounds = required(model).map(bound);
    let setters = model.fields.iter().map(|field| setter(model, field));

    quote! {
        #[allow(non_camel_case_types, missing_docs, reason = "its types are named after fields, and only the compiler's messages show them")]
        mod required {
            #(#requirements)*
        }

        impl #name {
            /// Begins to build one.
            #vis fn builder() -> #builder<#(#unset),*> {
                #builder {
                    fields: ::core::default::Default::default(),
                    states: ::core::marker::PhantomData,
                }
            }
        }

        impl<#(#states),*> #builder<#(#states),*> {
            #(#setters)*

            /// Makes the struct. Every required field must be set.
            #vis fn build(self) -> #name
            where
                #(#bounds),*
            {
                ::eventwright::payload::object::built(self.fields)
            }
        }
    }
}

/// A trait with the field's name that `Set` alone has, so that the compiler can say which field is not set.
fn requirement(model: &Model, field: &Field<'_>) -> TokenStream {
    let (name, ident) = (model.name, field.ident);
    let message = format!("required field `{}` of `{name}` is not set", field.label());
    let label = format!("`{}` is not set", field.label());
    let note = format!("call `.{ident}(…)` before `.build()`");
    quote! {
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        pub trait #ident {}
        impl #ident for ::eventwright::payload::object::Set {}
    }
}

/// The span of the field makes the compiler point there, and not at the derive.
fn bound(field: &Field<'_>) -> TokenStream {
    let (state, ident) = (state(field), field.ident);
    quote_spanned!(ident.span()=> #state: required::#ident)
}

fn setter(model: &Model, field: &Field<'_>) -> TokenStream {
    let (ident, ty, vis) = (field.ident, field.ty, model.vis);
    let docs = docs(field);
    let (parameter, value) = argument(field);
    match field.kind {
        Kind::Required => {
            let builder = builder_name(model);
            let states = required(model).map(|other| {
                if other.property == field.property {
                    quote!(::eventwright::payload::object::Set)
                } else {
                    state(other)
                }
            });
            quote! {
                #docs
                #vis fn #ident(mut self, #ident: #parameter) -> #builder<#(#states),*> {
                    self.fields.#ident = ::core::option::Option::Some(#value);
                    #builder { fields: self.fields, states: ::core::marker::PhantomData }
                }
            }
        }
        Kind::Optional => quote! {
            #docs
            #vis fn #ident(mut self, #ident: #parameter) -> Self {
                self.fields.#ident = ::core::option::Option::Some(#value);
                self
            }
        },
        Kind::Rest => quote! {
            #docs
            #vis fn #ident(mut self, #ident: #ty) -> Self {
                self.fields.#ident = #ident;
                self
            }
        },
    }
}

fn docs(field: &Field<'_>) -> TokenStream {
    let docs = &field.docs;
    if docs.is_empty() {
        return quote!(#[doc = "Sets the field."]);
    }
    quote!(#(#docs)*)
}

/// A setter's parameter type and its field's value. Where a conversion saves the caller noise, there is one; elsewhere the exact
/// type makes for better errors.
fn argument(field: &Field<'_>) -> (TokenStream, TokenStream) {
    let (ident, ty) = (field.ident, field.ty);
    let converts = field
        .type_name()
        .is_some_and(|name| ["String", "Option", "Maybe", "Vec", "Box"].iter().any(|known| name == known));
    if !converts {
        return (quote!(#ty), quote!(#ident));
    }
    let trait_ = quote!(::eventwright::payload::object::IntoField);
    (quote!(impl #trait_<#ty>), quote!(#trait_::into_field(#ident)))
}

fn builder_name(model: &Model) -> Ident {
    format_ident!("{}Builder", model.name)
}

fn required<'m, 'a>(model: &'m Model<'a>) -> impl Iterator<Item = &'m Field<'a>> {
    model.fields.iter().filter(|field| field.kind == Kind::Required)
}

fn states(model: &Model) -> Vec<TokenStream> {
    required(model).map(state).collect()
}

/// The type parameter for a field: `_LeadId` for `lead_id`. Without the underscore it could hide a field's type.
fn state(field: &Field<'_>) -> TokenStream {
    let mut name = String::new();
    for word in field.label().split('_') {
        let mut chars = word.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.extend(chars);
    }
    let state = format_ident!("_{name}");
    quote!(#state)
}
