//! Typed domain events over a Postgres outbox.

#![forbid(unsafe_code)]

// the derives expand to paths that begin with the crate's name
extern crate self as eventwright;

mod contract;
mod envelope;
mod outgoing;
pub mod payload;

#[cfg(feature = "postgres")]
mod dead_letters;
#[cfg(feature = "postgres")]
mod error;
#[cfg(feature = "postgres")]
mod migrate;
#[cfg(feature = "postgres")]
mod publish;
#[cfg(feature = "postgres")]
mod schema;
#[cfg(feature = "postgres")]
mod stored;
#[cfg(feature = "postgres")]
mod subscribe;

#[cfg(feature = "testing")]
pub mod testing;

pub use contract::{
    CarriesSubject, Domain, Incoming, Kind, NeedsSubject, Payload, Publishable, PublishedBy, SubscribedBy,
};
pub use envelope::{Envelope, Event};
pub use outgoing::{Outgoing, Publish};

#[cfg(feature = "postgres")]
pub use {
    dead_letters::{DeadLetter, DeadLetters},
    error::Error,
    migrate::{migrate, migrate_in},
    publish::{PUBLISH_SQL, Publisher},
    schema::Schema,
    subscribe::{Context, EffectFn, Failure, Handled, HandlerFn, OrFailure, RetryPolicy, Start, Subscriber},
};

pub use eventwright_derive::{Id, Object, Pattern, Words};
pub use payload::{
    DecodeError, Email, EncodeError, EventId, Id, Int, Invalid, List, Maybe, Object, Pattern, Reading, Text,
    UniqueList, Unrecognized, Violation, Words,
};
pub use serde_json::Value as JsonValue;
pub use time::{Date, OffsetDateTime};
pub use uuid::Uuid;

/// The members of an open JSON object that no property names.
pub type JsonObject = serde_json::Map<String, JsonValue>;

/// Includes the bindings that a build script generated with `eventwright_codegen::configure().….compile()`.
#[macro_export]
macro_rules! include_events {
    () => {
        include!(concat!(env!("OUT_DIR"), "/eventwright.rs"));
    };
}
