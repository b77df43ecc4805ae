//! Schemas and instances made at random, and who judges them.

pub(crate) mod author;
pub(crate) mod cases;
mod compose;
mod instance;
pub(crate) mod judge;
mod keywords;
mod mutate;
pub(crate) mod references;
mod relax;
pub(crate) mod shrink;
mod spell;
pub(crate) mod visit;
pub(crate) mod words;
