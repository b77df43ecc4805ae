//! `derive(Pattern)`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, Ident, LitInt, LitStr, Result, Token, Type};

use crate::attr;

/// `"^[0-9]+$", regex, min_length = 2, max_length = 8`
struct Arguments {
    pattern: LitStr,
    /// Whether the pattern is beyond what straight code can match.
    regex: bool,
    min_length: Option<LitInt>,
    max_length: Option<LitInt>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let field = attr::only_field(input, "struct Zip(Str);")?;
    let Some(attr) = attr::only(&input.attrs, "pattern") else {
        return Err(Error::new_spanned(&input.ident, "say which pattern: `#[pattern(\"^[0-9]{5}$\")]`"));
    };
    let arguments: Arguments = attr.parse_args()?;
    let rule = format!("does not match the pattern {}", arguments.pattern.value());
    let name = &input.ident;
    let payload = quote!(::eventwright::payload);
    let check_length = arguments.length("check_length").map(|check| quote!(#check?;));
    let matches = if arguments.regex { arguments.engine() } else { arguments.straight_code("static") };
    let from_static = (is_str(&field.ty) && !arguments.regex).then(|| arguments.const_constructor(name, &rule));

    let sample = arguments.sample();

    Ok(quote! {
        impl #payload::text::Rule for #name {
            fn check(text: &str) -> ::core::result::Result<(), #payload::Invalid> {
                #check_length
                if #matches {
                    return ::core::result::Result::Ok(());
                }
                ::core::result::Result::Err(#payload::Invalid::new(#rule))
            }
        }

        ::eventwright::__text!([] #name);
        #from_static
        ::eventwright::__arbitrary!(#name, |source| #sample);
    })
}

/// Whether a field's type is the `Str` of eventwright: a macro sees only the name.
fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Str"))
}

impl Arguments {
    /// Whether the pattern matches `text`, compiled into a `static` or a `const`.
    fn straight_code(&self, item: &str) -> TokenStream {
        let pattern = &self.pattern;
        let item = Ident::new(item, Span::call_site());
        // the span makes the compiler point at a pattern that is not supported
        let compiled = quote_spanned!(pattern.span()=> ::eventwright::payload::Pattern::from_static(#pattern));
        quote! {{
            #item PATTERN: ::eventwright::payload::Pattern = #compiled;
            PATTERN.matches(text)
        }}
    }

    fn engine(&self) -> TokenStream {
        let pattern = &self.pattern;
        quote_spanned!(pattern.span()=> ::eventwright::__regex_matches!(#pattern, text))
    }

    /// A value at random.
    fn sample(&self) -> TokenStream {
        let pattern = &self.pattern;
        let (min, max) = self.bounds();
        if self.regex {
            return quote!(::eventwright::__regex_sample!(#pattern, (#min, #max), Self::new, source));
        }
        quote! {{
            static PATTERN: ::eventwright::payload::Pattern = ::eventwright::payload::Pattern::from_static(#pattern);
            ::eventwright::payload::arbitrary::pattern(&PATTERN, #min, #max, Self::new, source)
        }}
    }

    /// A call that holds the length of `text` against its bounds, where there are any.
    fn length(&self, function: &str) -> Option<TokenStream> {
        if self.min_length.is_none() && self.max_length.is_none() {
            return None;
        }
        let function = Ident::new(function, Span::call_site());
        let (min, max) = self.bounds();
        Some(quote!(::eventwright::payload::text::#function(text, #min, #max)))
    }

    /// The least and the greatest length.
    fn bounds(&self) -> (TokenStream, TokenStream) {
        let min = self.min_length.as_ref().map_or_else(|| quote!(0), |min| quote!(#min));
        let max = self.max_length.as_ref().map_or_else(|| quote!(::core::primitive::usize::MAX), |max| quote!(#max));
        (min, max)
    }

    fn const_constructor(&self, name: &Ident, rule: &str) -> TokenStream {
        let matches = self.straight_code("const");
        let length = self.length("has_length");
        let broken = match length {
            Some(_) => format!("the string {rule}, or has not its length"),
            None => format!("the string {rule}"),
        };
        let and = length.is_some().then(|| quote!(&&));
        quote!(::eventwright::__text_from_static!([] #name, |text| #length #and #matches, #broken);)
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self { pattern: input.parse()?, regex: false, min_length: None, max_length: None };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name: Ident = input.parse()?;
            if name == "regex" {
                arguments.regex = true;
                continue;
            }
            input.parse::<Token![=]>()?;
            let length = Some(input.parse()?);
            match name.to_string().as_str() {
                "min_length" => arguments.min_length = length,
                "max_length" => arguments.max_length = length,
                _ => return Err(Error::new_spanned(name, "expected `regex`, `min_length` or `max_length`")),
            }
        }
        Ok(arguments)
    }
}
