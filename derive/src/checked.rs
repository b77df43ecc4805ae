//! `derive(Checked)`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{DeriveInput, Error, GenericArgument, LitStr, Path, PathArguments, Result, Type};

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
    let field = &attr::only_field(input, EXAMPLE)?.ty;
    let name = &input.ident;
    let payload = quote!(::eventwright::payload);
    match parse(input)? {
        Against::Schema { schemas, at, relaxed } => {
            let made = match relaxed {
                Some(relaxed) => quote!(with_relaxed(&#schemas, #at, #relaxed)),
                None => quote!(new(&#schemas, #at)),
            };
            let rule = quote!(static RULE: #payload::checked::Rule = #payload::checked::Rule::#made;);
            Ok(checked(name, vetted(field)?, &rule, &quote!(#payload::checked), &quote!(judged(Self::new, source))))
        }
        Against::Rules => {
            let rule = quote!(static RULE: #payload::rules::Rules = #payload::rules::Rules::of::<#name>(););
            Ok(checked(name, vetted(field)?, &rule, &quote!(#payload::rules), &quote!(ruled(&RULE, Self::new, source))))
        }
        Against::Nothing => Ok(named(name, field)),
    }
}

const EXAMPLE: &str = "struct Total(Vetted<Json>);";

/// `Json` of `Vetted<Json>`: a macro sees only the name.
fn vetted(field: &Type) -> Result<&Type> {
    if let Type::Path(path) = field
        && let Some(last) = path.path.segments.last().filter(|last| last.ident == "Vetted")
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.first()
    {
        return Ok(inner);
    }
    Err(Error::new_spanned(field, format!("a value that is checked is kept in a `Vetted`: `{EXAMPLE}`")))
}

/// A type of values that `rule`, a static `RULE`, allows, by the functions of the module that it is of. `sample` is the call that makes
/// one at random.
fn checked(name: &Ident, inner: &Type, rule: &TokenStream, module: &TokenStream, sample: &TokenStream) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    let around = around(
        name,
        inner,
        &quote!(self.0.into_inner()),
        &quote!(#module::read(&RULE, json, reader)),
        &quote!(#module::write(&RULE, &self.0, to)),
    );
    quote! {
        const _: () = {
            #rule

            impl #name {
                /// Makes a value of one that its schema has yet to allow.
                ///
                /// # Errors
                /// Where it breaks a rule of the schema, or has no form in JSON.
                pub fn new(value: #inner) -> ::core::result::Result<Self, #payload::Invalid> {
                    #module::check(&RULE, value).map(Self)
                }
            }

            impl ::core::convert::TryFrom<#inner> for #name {
                type Error = #payload::Invalid;

                fn try_from(value: #inner) -> ::core::result::Result<Self, Self::Error> {
                    Self::new(value)
                }
            }

            #around
            ::eventwright::__arbitrary!(#name, |source| #payload::arbitrary::#sample);
        };
    }
}

/// A name and nothing more.
fn named(name: &Ident, inner: &Type) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    let around = around(
        name,
        inner,
        &quote!(self.0),
        &quote!(#payload::Read::read(json, reader)),
        &quote!(#payload::Write::write(&self.0, to)),
    );
    quote! {
        const _: () = {
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

            #around
            ::eventwright::__arbitrary!(#name, |source| #payload::arbitrary::named(Self::new, source));
        };
    }
}

/// What both kinds have: `out`, `read` and `write` are how the field is taken out, read and written.
fn around(name: &Ident, inner: &Type, out: &TokenStream, read: &TokenStream, write: &TokenStream) -> TokenStream {
    let payload = quote!(::eventwright::payload);
    quote! {
        impl #name {
            /// The value, taken out.
            #[must_use]
            pub fn into_inner(self) -> #inner {
                #out
            }
        }

        impl ::core::convert::From<#name> for #inner {
            fn from(value: #name) -> Self {
                value.into_inner()
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

        impl #payload::Read for #name {
            fn read<'de, D: #payload::serde::Deserializer<'de>>(
                json: D,
                reader: &#payload::Reader,
            ) -> ::core::result::Result<Self, D::Error> {
                #read.map(Self)
            }

            // the name hides what the type hides
            fn beneath_sensitive(steps: #payload::Steps<'_>) -> ::core::option::Option<usize> {
                <#inner as #payload::Read>::beneath_sensitive(steps)
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
