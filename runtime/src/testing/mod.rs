//! A real Postgres for tests: started in a second, gone without a trace.
//!
//! [`Server`] is a Postgres server of one's own; `Database` (with the feature `postgres`) is a fresh database on a
//! server that all tests of the process share. Both use the server that `DATABASE_URL` names where it is set.
//!
//! Needs a Unix: the server's clean-up is a shell script and process groups.

#[cfg(feature = "postgres")]
mod database;
mod error;
mod server;

#[cfg(feature = "postgres")]
pub use database::Database;
pub use error::Error;
pub use server::{Server, Settings};
