//! Stage 5, *emit*: the [`Model`] to tokens, as [`Output`].

mod any_event;
mod docs;
mod domains;
mod event_type;
mod ids;
mod imports;
mod named;
mod object;
mod payload;
mod payload_enum;
mod root;
mod shared;

pub(crate) use docs::lines as doc_lines;

use proc_macro2::{Ident, Span, TokenStream};

use crate::model::{Model, Payload, Standing};

/// All modules of the bindings.
pub(crate) struct Output {
    /// The module that declares the others.
    pub(crate) root: Module,
    pub(crate) modules: Vec<Module>,
}

/// One module: one file of a checked-in tree.
pub(crate) struct Module {
    pub(crate) name: String,
    /// The contract file that it comes from.
    pub(crate) source: String,
    /// What it says of itself, in paragraphs of Markdown.
    pub(crate) docs: Vec<String>,
    /// Whether others can name it; if not, the root exports what is in it.
    pub(crate) public: bool,
    /// Whether it mentions deprecated payloads, which is no news to generated code.
    pub(crate) mentions_deprecated: bool,
    /// Items, each of one kind or closely tied.
    pub(crate) items: Vec<TokenStream>,
}

/// Emits all bindings.
pub(crate) fn emit(model: &Model) -> Output {
    let mut modules = Vec::new();
    modules.extend(any_event::module(model));
    modules.extend(domains::module(model));
    modules.extend(event_type::module(model));
    modules.extend(ids::module(model));
    modules.extend(shared::module(model));
    modules.extend(model.payloads.iter().map(payload::module));
    Output { root: root::module(model, &modules), modules }
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
