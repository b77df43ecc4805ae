//! The commands, as a shell runs them.

mod common;
mod contracts;
mod dead_letters;
mod erase;
mod groups;
mod metrics;
mod migrate;
mod rebase;
mod retention;
mod roles;
mod schemas;
