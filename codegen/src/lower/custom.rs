//! What the settings ask for beyond what schemas say: types from elsewhere, and more derives.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::did_you_mean;
use crate::model::Model;
use crate::{Error, Result};

/// What is asked for, by the names of types.
#[derive(Debug, Clone, Default)]
pub(crate) struct Custom {
    /// Paths of derives.
    pub(crate) derives: BTreeMap<String, Vec<String>>,
    /// Paths of types.
    pub(crate) elsewhere: BTreeMap<String, String>,
    /// A crate or module that has all ids and shared types.
    pub(crate) all_elsewhere: Option<String>,
}

/// Puts into the model what is asked for.
///
/// # Errors
/// Where it names a type that is not there, or says what is no path.
pub(super) fn apply(custom: &Custom, model: &mut Model) -> Result<()> {
    for path in custom.derives.values().flatten().chain(custom.elsewhere.values()).chain(&custom.all_elsewhere) {
        if !is_path(path) {
            return Err(Error::Config(format!("`{path}` is no path, such as `serde::Serialize`")));
        }
    }
    let mut found = BTreeSet::new();
    let elsewhere = |name: &str| {
        let all = custom.all_elsewhere.as_ref().map(|module| format!("{module}::{name}"));
        custom.elsewhere.get(name).cloned().or(all)
    };
    let mut derives = |name: &str, to: &mut Vec<String>| {
        found.insert(name.to_owned());
        to.extend(custom.derives.get(name).into_iter().flatten().cloned());
    };
    for id in model.ids.iter_mut().filter(|id| id.elsewhere.is_none()) {
        id.elsewhere = elsewhere(&id.rust_name);
        derives(&id.rust_name, &mut id.derives);
    }
    for shared in &mut model.shared {
        shared.elsewhere = elsewhere(&shared.rust_name);
        derives(&shared.rust_name, &mut shared.derives);
    }
    for item in model.payloads.iter_mut().flat_map(|payload| &mut payload.items) {
        derives(&item.rust_name, &mut item.derives);
    }
    let shared: BTreeSet<&str> = model.ids.iter().map(|id| id.rust_name.as_str()).collect();
    let shared: BTreeSet<&str> =
        shared.into_iter().chain(model.shared.iter().map(|one| one.rust_name.as_str())).collect();
    let unknown = custom.derives.keys().find(|name| !found.contains(*name));
    let unknown = unknown.or_else(|| custom.elsewhere.keys().find(|name| !shared.contains(name.as_str())));
    match unknown {
        None => Ok(()),
        Some(name) => {
            let near = did_you_mean(name, found.iter().map(String::as_str));
            Err(Error::Config(format!(
                "no type of the bindings is named `{name}`{}",
                near.map(|near| format!("; {near}")).unwrap_or_default()
            )))
        }
    }
}

/// Whether the text is a path to a type or a macro.
pub(super) fn is_path(text: &str) -> bool {
    syn::parse_str::<syn::Path>(text).is_ok()
}
