//! What those who run a system ask and do: migrate, look, remove, erase, and say who may do what.

#[path = "../common/mod.rs"]
mod common;
mod doctor;
mod erasing;
mod glance;
mod retention;
mod retention_groups;
mod roles;
mod upgrade;
mod whereabouts;
