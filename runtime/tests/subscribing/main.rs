//! Groups: what they are given and in which order, what handlers may count on, what runs them. In one binary, since each takes seconds
//! to link.

#[path = "../common/mod.rs"]
mod common;
mod connections;
mod crashed;
mod dead_letters;
mod elsewhere;
mod figures;
mod groups;
mod handlers;
mod health;
mod interleavings;
mod killed;
mod limits;
mod middleware;
mod order;
mod pooler;
mod ranges;
mod replay;
mod stress;
mod upcast;
mod waking;
