//! What is generated, what is refused, and what is said of it. In one binary, since each takes seconds to link.

mod build_script;
mod contracts;
mod dates;
mod diagnostics;
mod hostile;
#[cfg(feature = "registry-schema")]
mod registry_schema;
mod robustness;
mod settings;
mod shapes;
mod tree;
mod unchanged;
