//! Derive macros for payload types; use them through the `eventwright` crate.
