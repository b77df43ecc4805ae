//! What tests of publishers and handlers need; first of all a real Postgres, started in a second and gone without a trace.
//!
//! [`Server`] is a Postgres server of one's own; `Database` (with the feature `postgres`, as all that follows) is a fresh database on a
//! server that all tests of the process share. Both use the server that `DATABASE_URL` names where it is set.
//!
//! - What did this code publish? `published` and `all_published`, in its own transaction.
//! - What does this handler do with that event? `event` makes one, `call` calls the handler, effect handlers are called as they are.
//! - What does the whole subscriber do? `publish` puts events into the log, [`Subscriber::drain`](crate::Subscriber::drain) handles all there
//!   are; `handled` waits for one that runs.
//!
//! `examples/consumer` has tests of all these kinds.
//!
//! Needs a Unix: the server's clean-up is a shell script and process groups.

#[cfg(feature = "postgres")]
mod calling;
#[cfg(feature = "postgres")]
mod database;
mod error;
#[cfg(feature = "postgres")]
mod events;
mod server;
#[cfg(feature = "postgres")]
mod waiting;

pub use error::Error;
pub use server::{Server, Settings};
#[cfg(feature = "postgres")]
pub use {
    calling::{Called, call},
    database::Database,
    events::{all_published, event, publish, published},
    waiting::{handled, handled_within},
};
