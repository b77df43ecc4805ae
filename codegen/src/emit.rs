//! Stage 5, *emit*: the [`Model`] to tokens, as [`Output`].

mod any_event;
mod checked;
mod docs;
mod domains;
mod event_type;
mod features;
mod head;
mod ids;
mod imports;
mod named;
mod object;
mod payload;
mod payload_enum;
mod root;
mod rules;
mod schemas;
mod shape;
mod shared;
mod union;

pub(crate) use docs::lines as doc_lines;

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::model::{Model, Payload, Standing};
use crate::settings::{Dates, Formats};

/// All modules of the bindings.
pub(crate) struct Output<'m> {
    /// The module that declares the others.
    pub(crate) root: Module,
    /// What payloads have in common.
    pub(crate) modules: Vec<Module>,
    /// The features of the crate `eventwright` that they need.
    pub(crate) features: BTreeSet<&'static str>,
    /// Each is a module too, by [`payload`]: there are many, and tokens stay with the thread that made them.
    pub(crate) payloads: &'m [Payload],
    /// Whose dates they have.
    pub(crate) dates: Dates,
}

/// One module: one file of a checked-in tree.
pub(crate) struct Module {
    pub(crate) name: String,
    /// The contract file that it comes from.
    pub(crate) source: String,
    /// What it says of itself, in paragraphs of Markdown.
    pub(crate) docs: Vec<String>,
    pub(crate) exposure: Exposure,
    /// Whether it mentions deprecated payloads, which is no news to generated code.
    pub(crate) mentions_deprecated: bool,
    /// Items, each of one kind or closely tied.
    pub(crate) items: Vec<TokenStream>,
}

/// Who sees what is in a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Others name the module.
    Public,
    /// The root exports what is in it.
    Exported,
    /// The other modules.
    Internal,
}

/// Emits all bindings.
pub(crate) fn emit(model: &Model, formats: Formats, dates: Dates) -> Output<'_> {
    let mut modules = Vec::new();
    modules.extend(any_event::module(model));
    modules.extend(domains::module(model));
    modules.extend(event_type::module(model));
    modules.extend(ids::module(model));
    modules.extend(schemas::module(model, formats));
    modules.extend(shared::module(model));
    Output {
        root: root::module(model, &modules),
        modules,
        payloads: &model.payloads,
        dates,
        features: features::of(model, dates),
    }
}

/// Emits the module of a payload.
pub(crate) fn payload(payload: &Payload, dates: Dates) -> Module {
    payload::module(payload, dates)
}

/// Why generated code may mention deprecated payloads.
pub(crate) const MENTIONS_DEPRECATED: &str = "deprecated versions are still read";

fn is_deprecated(payload: &Payload) -> bool {
    matches!(payload.standing, Standing::Deprecated { .. })
}

/// An identifier of the model, which may be raw.
fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}

/// A path of the settings or of a schema, whose form was checked.
fn path(text: &str) -> TokenStream {
    text.parse().unwrap_or_default()
}

/// The item from elsewhere that has a name of the bindings.
fn export(from: &str, name: &str) -> TokenStream {
    let is_named_so = from.rsplit("::").next() == Some(name);
    let (from, name) = (path(from), ident(name));
    if is_named_so {
        quote! { pub use #from; }
    } else {
        quote! { pub use #from as #name; }
    }
}
