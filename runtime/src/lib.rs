//! Typed domain events over a Postgres outbox.

pub mod payload;

#[cfg(feature = "testing")]
pub mod testing;
