//! Registry and JSON Schema payloads in, typed Rust event bindings out.
