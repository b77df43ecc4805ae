//! `derive(Checked)`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{DeriveInput, Error, LitStr, Path, Result, Type};

use crate::attr;

/// What a value is held against.
enum Against {
    /// `schemas = super::SCHEMAS, at = "https://example.org/order.json#/properties/total"`, and perhaps the place of a more lenient one,
    /// `relaxed = "…"`
    Schema { schemas: Path, at: LitStr, relaxed: Option<LitStr> },
    /// `rules`, which an `impl Ruled` says
    Rules,
    /// The type is a name only.
    Nothing,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let inner = &attr::only_field(input, "struct Total(Json);")?.ty;
    let name = &input.ident;
    let payload = quote!(::eventwright::payload);
    let ways_in = match parse(input)? {
        Against::Schema { schemas, at, relaxed } => {
            let made = match relaxed {
                Some(relaxed) => quote!(with_relaxed(&#schemas, #at, #relaxed)),
                None => quote!(new(&#schemas, #at)),
            };
            let rule = quote!(static RULE: #payload::checked::Rule = #payload::checked::Rule::#made;);
            checked(name, inner, &rule, &quote!(#payload::checked), &quote!(judged(Self::new, source)))
        }
        Against::Rules => {
            let rule = quote!(static RULE: #payload::rules::Rules = #payload::rules::Rules::of::<#name>(););
            checked(name, inner, &rule, &quote!(#payload::rules), &quote!(ruled(&RULE, Self::new, source)))
        }
        Against::Nothing => unchecked(name, inner),
    };

    Ok(quote! {
        const _: () = {
            #ways_in

            impl #name {
                /// The value, taken out.
                #[must_use]
                pub fn into_inner(self) -> #inner {
                    self.0
                }
            }

            impl ::core::convert::From<#name> for #inner {
                fn from(value: #name) -> Self {
                    value.0
                }
            }

            impl ::core::ops::Deref for #name {
                type Target = #inner;

                fn deref(&self) -> &#inner {
                    &self.0
                }
            }

            impl ::core::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::fmt::Debug::fmt(&self.0, f)
                }
            }

            impl #payload::Write for #name {
                fn write<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                    #payload::Write::write(&self.0, to)
                }
            }

            impl #payload::serde::Serialize for #name {
                fn serialize<S: #payload::serde::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                    #payload::Write::write(&self.0, to)
                }
            }
        };
    })
}

/// A type of values that `rule`, a static `RULE`, allows, by the functions of the module that it is of. `sample` is the call that makes
/// one at random.
fn checked(name: &Ident, inner: &Type, rule: &TokenStream, module: &TokenStream, sample: &TokenStream) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    let beneath = beneath(inner);
    quote! {
        #rule

        impl #name {
            /// Makes a value of one that its schema has yet to allow.
            ///
            /// # Errors
            /// Where it breaks a rule of the schema, or has no form in JSON.
            pub fn new(value: #inner) -> ::core::result::Result<Self, #payload::Invalid> {
                #module::check(&RULE, &value)?;
                ::core::result::Result::Ok(Self(value))
            }
        }

        impl ::core::convert::TryFrom<#inner> for #name {
            type Error = #payload::Invalid;

            fn try_from(value: #inner) -> ::core::result::Result<Self, Self::Error> {
                Self::new(value)
            }
        }

        impl #payload::Read for #name {
            fn read<'de, D: #payload::serde::Deserializer<'de>>(
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                #module::read(&RULE, json, reader).map(Self)
            }

            #beneath
        }

        ::eventwright::__arbitrary!(#name, |source| #payload::arbitrary::#sample);
    }
}

/// A name and nothing more.
fn unchecked(name: &Ident, inner: &Type) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    let beneath = beneath(inner);
    quote! {
        impl #name {
            /// Gives the value its name.
            #[must_use]
            pub fn new(value: #inner) -> Self {
                Self(value)
            }
        }

        impl ::core::convert::From<#inner> for #name {
            fn from(value: #inner) -> Self {
                Self(value)
            }
        }

        impl #payload::Read for #name {
            fn read<'de, D: #payload::serde::Deserializer<'de>>(
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                #payload::Read::read(json, reader).map(Self)
            }

            #beneath
        }

        ::eventwright::__arbitrary!(#name, |source| #payload::arbitrary::named(Self::new, source));
    }
}

/// The name hides what the type hides.
fn beneath(inner: &Type) -> TokenStream {
    quote! {
        fn beneath_sensitive(steps: ::eventwright::payload::Steps<'_>) -> ::core::option::Option<usize> {
            <#inner as ::eventwright::payload::Read>::beneath_sensitive(steps)
        }
    }
}

fn parse(input: &DeriveInput) -> Result<Against> {
    const EXPECTED: &str = "expected `#[checked(rules)]` or `#[checked(schemas = SCHEMAS, at = \"https://…\")]`";

    let Some(attr) = attr::only(&input.attrs, "checked") else { return Ok(Against::Nothing) };
    let (mut schemas, mut at, mut relaxed, mut rules) = (None, None, None, false);
    attr.parse_nested_meta(|meta| {
        if meta.path.is_ident("schemas") {
            schemas = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("at") {
            at = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("relaxed") {
            relaxed = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("rules") {
            rules = true;
        } else {
            return Err(
                meta.error("expected `rules`, `schemas = SCHEMAS`, `at = \"https://…\"` or `relaxed = \"https://…\"`")
            );
        }
        Ok(())
    })?;
    match (schemas, at, rules) {
        (Some(schemas), Some(at), false) => Ok(Against::Schema { schemas, at, relaxed }),
        (None, None, true) if relaxed.is_none() => Ok(Against::Rules),
        _ => Err(Error::new_spanned(attr, EXPECTED)),
    }
}
