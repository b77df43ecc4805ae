//! Rules as the derives take them: expressions of the runtime's functions.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::imports::Imports;
use super::shape::nullable;
use crate::model::{Item, Predicate, Rule, Seen, SeenIf};

/// A rule's expression.
pub(super) fn rule(rule: &Rule, items: &[Item], imports: &mut Imports) -> TokenStream {
    let mut to = |one: &Predicate| predicate(one, items, imports);
    match rule {
        Rule::Types { mask, whole } => {
            let mask = Literal::u8_unsuffixed(*mask);
            if *whole {
                quote!(rules::all_of([rules::types(#mask), rules::whole()]))
            } else {
                quote!(rules::types(#mask))
            }
        }
        Rule::Values(values) => quote!(rules::values(&[#(#values),*])),
        Rule::Not(one) => {
            let one = to(one);
            quote!(rules::not(#one))
        }
        Rule::AnyOf(all) => {
            let all = all.iter().map(to);
            quote!(rules::any_of([#(#all),*]))
        }
        Rule::OneOf(all) => {
            let all = all.iter().map(to);
            quote!(rules::one_of([#(#all),*]))
        }
        Rule::Tagged { tag, branches, null } => {
            let branches = named(branches, &mut to);
            quote!(rules::tagged(#tag, [#(#branches),*], #null))
        }
        Rule::AllOf(all) => {
            let all = all.iter().map(to);
            quote!(rules::all_of([#(#all),*]))
        }
        Rule::When { condition, then, otherwise } => {
            let (condition, then, otherwise) = (to(condition), optional(then, &mut to), optional(otherwise, &mut to));
            quote!(rules::when(#condition, #then, #otherwise))
        }
        Rule::Count(function, count) => {
            let (function, count) = (format_ident!("{function}"), Literal::u64_unsuffixed(*count));
            quote!(rules::#function(#count))
        }
        Rule::Bound(function, bound) => {
            let function = format_ident!("{function}");
            quote!(rules::#function(#bound))
        }
        Rule::Format(name) => quote!(rules::format(#name)),
        Rule::Matches(ty) => {
            let ty = nullable(ty, items, imports);
            quote!(rules::matches::<#ty>())
        }
        Rule::Required(names) => quote!(rules::required(&[#(#names),*])),
        Rule::DependentRequired(entries) => {
            let entries = entries.iter().map(|(name, names)| quote!((#name, &[#(#names),*])));
            quote!(rules::dependent_required(&[#(#entries),*]))
        }
        Rule::DependentSchemas(entries) => {
            let entries = named(entries, &mut to);
            quote!(rules::dependent_schemas([#(#entries),*]))
        }
        Rule::Properties(entries) => {
            let entries = named(entries, &mut to);
            quote!(rules::properties([#(#entries),*]))
        }
        Rule::PropertyNames(one) => {
            let one = to(one);
            quote!(rules::property_names(#one))
        }
        Rule::Members { named, patterns, others } => {
            let others = optional(others, &mut to);
            let patterns: Vec<TokenStream> = patterns
                .iter()
                .map(|(pattern, one)| {
                    let (pattern, one) = (nullable(pattern, items, imports), predicate(one, items, imports));
                    quote!(rules::keyed::<#pattern>(#one))
                })
                .collect();
            quote!(rules::members(&[#(#named),*], [#(#patterns),*], #others))
        }
        Rule::Items { prefix, rest } => {
            let rest = optional(rest, &mut to);
            let prefix = prefix.iter().map(to);
            quote!(rules::prefix_items([#(#prefix),*], #rest))
        }
        Rule::Contains { item, min, max } => {
            let (item, min) = (to(item), Literal::u64_unsuffixed(*min));
            let max = match max {
                Some(max) => {
                    let max = Literal::u64_unsuffixed(*max);
                    quote!(#max)
                }
                None => quote!(usize::MAX),
            };
            quote!(rules::contains(#item, #min, #max))
        }
        Rule::Unique => quote!(rules::unique()),
        Rule::Unevaluated { items: of_items, rest, seen } => {
            let rest = to(rest);
            let seen = self::seen(seen, items, imports);
            if *of_items {
                quote!(rules::unevaluated_items(#rest, #seen))
            } else {
                quote!(rules::unevaluated_properties(#rest, #seen))
            }
        }
    }
}

fn seen(what: &Seen, items: &[Item], imports: &mut Imports) -> TokenStream {
    let mut all = quote!(rules::seen());
    if !what.names.is_empty() {
        let names = &what.names;
        all.extend(quote!(.names(&[#(#names),*])));
    }
    for pattern in &what.patterns {
        let pattern = nullable(pattern, items, imports);
        all.extend(quote!(.pattern::<#pattern>()));
    }
    if what.all_members {
        all.extend(quote!(.all_members()));
    }
    if what.prefix > 0 {
        let prefix = Literal::usize_unsuffixed(what.prefix);
        all.extend(quote!(.prefix(#prefix)));
    }
    for one in &what.contained {
        let one = predicate(one, items, imports);
        all.extend(quote!(.contained(#one)));
    }
    if what.all_items {
        all.extend(quote!(.all_items()));
    }
    for (condition, more) in &what.conditional {
        let more = seen(more, items, imports);
        all.extend(match condition {
            SeenIf::Holds(one) => {
                let one = predicate(one, items, imports);
                quote!(.when(#one, #more))
            }
            SeenIf::Fails(one) => {
                let one = predicate(one, items, imports);
                quote!(.unless(#one, #more))
            }
            SeenIf::Has(name) => quote!(.given(#name, #more)),
        });
    }
    all
}

fn predicate(one: &Predicate, items: &[Item], imports: &mut Imports) -> TokenStream {
    match one {
        Predicate::Always => quote!(rules::always()),
        Predicate::Never => quote!(rules::never()),
        Predicate::Is(ty) => {
            let ty = nullable(ty, items, imports);
            quote!(rules::is::<#ty>())
        }
        Predicate::All(rules) => {
            let rules: Vec<TokenStream> = rules.iter().map(|one| rule(one, items, imports)).collect();
            match &rules[..] {
                [only] => only.clone(),
                rules => quote!(rules::all_of([#(#rules),*])),
            }
        }
    }
}

fn optional(one: &Option<Predicate>, to: &mut impl FnMut(&Predicate) -> TokenStream) -> TokenStream {
    match one {
        Some(one) => {
            let one = to(one);
            quote!(Some(#one))
        }
        None => quote!(None),
    }
}

fn named(entries: &[(String, Predicate)], to: &mut impl FnMut(&Predicate) -> TokenStream) -> Vec<TokenStream> {
    entries
        .iter()
        .map(|(name, one)| {
            let one = to(one);
            quote!((#name, #one))
        })
        .collect()
}
