//! What users test with: databases of their own, and what was published, handled and left.

#[path = "../common/mod.rs"]
mod common;
mod database;
mod events;
