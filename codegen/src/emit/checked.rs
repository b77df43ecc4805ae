//! Types around others: with a check of the whole value, or with a name only.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::head::Head;
use super::imports::Imports;
use super::rules::rule;
use super::shape::nullable;
use crate::model::{By, Item, Nullable, Rule};

/// The struct.
pub(super) fn item(head: &Head<'_>, inner: &Nullable, by: &By, items: &[Item], imports: &mut Imports) -> TokenStream {
    let name = head.ident();
    let derive = imports.runtime("Checked");
    let inner = nullable(inner, items, imports);
    let rule = match by {
        By::Name => TokenStream::new(),
        By::Schema { at, relaxed } => {
            let relaxed = relaxed.iter().map(|at| quote! { , relaxed = #at });
            quote! { #[checked(schemas = super::schemas::SCHEMAS, at = #at #(#relaxed)*)] }
        }
        By::Rules(_) => quote! { #[checked(rules)] },
    };
    let rules = match by {
        By::Rules(rules) => rules_impl(&name, rules, items, imports),
        By::Name | By::Schema { .. } => TokenStream::new(),
    };
    let inner = match by {
        By::Name => inner,
        By::Schema { .. } | By::Rules(_) => {
            let vetted = imports.runtime("Vetted");
            quote!(#vetted<#inner>)
        }
    };
    let head = head.tokens(&quote!(Clone, PartialEq, #derive));
    quote! {
        #head
        #rule
        pub struct #name(#inner);

        #rules
    }
}

fn rules_impl(name: &Ident, rules: &[Rule], items: &[Item], imports: &mut Imports) -> TokenStream {
    let (ruled, rule_type) = (imports.runtime("Ruled"), imports.runtime("Rule"));
    imports.runtime("rules");
    let rules = rules.iter().map(|one| rule(one, items, imports));
    quote! {
        impl #ruled for #name {
            fn rules() -> Vec<#rule_type> {
                [#(#rules),*].into()
            }
        }
    }
}
