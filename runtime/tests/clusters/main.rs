//! Logs on other servers than their groups': ones that fail over, and ones that are restored.

mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod failover;
mod restored;
