//! `derive(Pattern)`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, Ident, LitInt, LitStr, Result, Token};

use crate::attr;

/// `"^[0-9]+$", min_length = 2, max_length = 8`
struct Arguments {
    pattern: LitStr,
    min_length: Option<LitInt>,
    max_length: Option<LitInt>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    attr::only_field(input, "struct Zip(String);")?;
    let Some(attr) = attr::only(&input.attrs, "pattern") else {
        return Err(Error::new_spanned(&input.ident, "say which pattern: `#[pattern(\"^[0-9]{5}$\")]`"));
    };
    let arguments: Arguments = attr.parse_args()?;
    let check_length = check_length(&arguments);
    let pattern = &arguments.pattern;
    let rule = format!("does not match the pattern {}", pattern.value());
    let name = &input.ident;
    let payload = quote!(::eventwright::payload);
    // the span makes the compiler point at a pattern that is not supported
    let compiled = quote_spanned!(pattern.span()=> ::eventwright::payload::Pattern::from_static(#pattern));

    Ok(quote! {
        impl #payload::text::Rule for #name {
            fn check(text: &str) -> ::core::result::Result<(), #payload::Invalid> {
                static PATTERN: #payload::Pattern = #compiled;

                #check_length
                if PATTERN.matches(text) {
                    return ::core::result::Result::Ok(());
                }
                ::core::result::Result::Err(#payload::Invalid::new(#rule))
            }
        }

        ::eventwright::__text!([] #name);
    })
}

fn check_length(arguments: &Arguments) -> TokenStream {
    let (min, max) = match (&arguments.min_length, &arguments.max_length) {
        (None, None) => return TokenStream::new(),
        (Some(min), None) => (quote!(#min), quote!(::core::primitive::usize::MAX)),
        (None, Some(max)) => (quote!(0), quote!(#max)),
        (Some(min), Some(max)) => (quote!(#min), quote!(#max)),
    };
    quote!(::eventwright::payload::text::check_length(text, #min, #max)?;)
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self { pattern: input.parse()?, min_length: None, max_length: None };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let length = Some(input.parse()?);
            match name.to_string().as_str() {
                "min_length" => arguments.min_length = length,
                "max_length" => arguments.max_length = length,
                _ => return Err(Error::new_spanned(name, "expected `min_length` or `max_length`")),
            }
        }
        Ok(arguments)
    }
}
