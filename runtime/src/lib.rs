//! Typed domain events over a Postgres outbox: publish in your own transaction, handle exactly once.
//!
//! Events are described by contracts, a registry and JSON Schemas; `eventwright-codegen` turns them into the types that this
//! crate moves. An event's life:
//!
//! 1. A producer builds a payload and publishes it in the transaction that changes what it reports ([`Publisher`]).
//! 2. It lies in the log, one append-only table ([`migrate`] makes it), until every group has passed it.
//! 3. Each subscriber group reads the log and runs its handlers ([`Subscriber`]); what a handler writes through its
//!    [`Context`] commits together with the group's position.
//! 4. What a handler can't handle is retried, and at last a dead letter ([`Failure`], [`RetryPolicy`], [`DeadLetters`]).
//!
//! ```no_run
//! # mod events {
//! #     use eventwright::*;
//! #     pub struct Sales; impl Domain for Sales { const NAME: &'static str = "sales"; }
//! #     pub struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
//! #     #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Id)] #[id(prefix = "lead_")] pub struct LeadId(Uuid);
//! #     #[derive(Clone, PartialEq, Object)] #[object(closed)]
//! #     pub struct LeadCreated { pub lead_id: LeadId, pub source: String }
//! #     impl Payload for LeadCreated { const EVENT_TYPE: &'static str = "lead.created"; const VERSION: u16 = 1; }
//! #     impl CarriesSubject for LeadCreated { type Subject = LeadId; fn subject(&self) -> LeadId { self.lead_id } }
//! #     impl PublishedBy<Sales> for LeadCreated {} impl Publishable for LeadCreated {} impl SubscribedBy<Growth> for LeadCreated {}
//! # }
//! use eventwright::{Context, Event, Handled, Publisher, Subscriber};
//! use events::{Growth, LeadCreated, LeadId, Sales}; // generated: eventwright::include_events!();
//!
//! async fn open_lead(pool: &sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
//!     let lead_id = LeadId::new();
//!     let mut tx = pool.begin().await?;
//!     sqlx::query("INSERT INTO leads (id) VALUES ($1)").bind(lead_id).execute(&mut *tx).await?;
//!     let event = LeadCreated::builder().lead_id(lead_id).source("referral").build();
//!     Publisher::<Sales>::new().publish(&mut tx, event).await?;
//!     tx.commit().await?; // the lead and the event, or neither
//!     Ok(())
//! }
//!
//! async fn count_lead(event: Event<LeadCreated>, cx: &mut Context<'_, Growth>) -> Handled {
//!     sqlx::query("INSERT INTO funnel (lead) VALUES ($1)").bind(event.payload.lead_id).execute(cx.tx()).await?;
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = sqlx::postgres::PgPoolOptions::new().max_connections(10).connect("postgres://localhost/app").await?;
//! eventwright::migrate(&pool).await?;
//! open_lead(&pool).await?;
//! Subscriber::<Growth>::new("growth-funnel", pool).on(count_lead).drain().await?;
//! # Ok(()) }
//! ```
//!
//! # Payloads
//! Field types carry the rules of the schema: [`Int`], [`Text`], [`List`], [`Email`], ids by [`derive(Id)`](macro@Id). Reading is
//! [`Reading::Strict`] or [`Reading::Tolerant`]; the module [`payload`] tells the rest.
//!
//! # Figures
//! Through the facade of the crate `metrics`, to whatever recorder the program has installed before it publishes and subscribes. Counters
//! count from the process's start.
//!
//! | name | labels | |
//! | --- | --- | --- |
//! | `eventwright_published_total` | `event_type` | events published or scheduled. An event counts once it is in the caller's transaction; of what is rolled back afterwards, nobody tells the library, so that counts, too |
//! | `eventwright_handled_total` | `group` | events that a group is done with, once each, when that is committed |
//! | `eventwright_failed_total` | `group`, `event_type` | calls of handlers that failed, panicked or took too long |
//! | `eventwright_held_total` | `group`, `reason` | events held back after that: `failed`, to be retried; `snoozed`, put off by their handler; `dead`, given up. An event counts each time |
//! | `eventwright_handler_seconds` | `group`, `event_type` | histogram: how long handlers ran, with what is [`around`](Subscriber::around) them |
//!
//! What the database knows about a group, whichever process runs it, `eventwright metrics` serves from there, one process for each
//! database; [`Groups::list`] and [`LogStatus`] tell the same.
//!
//! | name | labels | |
//! | --- | --- | --- |
//! | `eventwright_group_lag_events` | `group`, `home` | numbers of the log that the group has not passed |
//! | `eventwright_group_lag_seconds` | `group`, `home` | the age of the first event that it has not passed |
//! | `eventwright_group_held_events` | `group`, `reason` | events that it holds back now |
//! | `eventwright_group_dead_letters` | `group` | events that it has given up and that are neither redriven nor discarded |
//! | `eventwright_group_paused`, `eventwright_group_detached` | `group` | 1 or 0 |
//! | `eventwright_log_last_seq`, `…_room_events`, `…_partitions`, `…_windows`, `…_oldest_window_seconds` | | the log itself |
//!
//! A handler's call is a span of `tracing` with the names of OpenTelemetry's conventions for messaging: `process lead.created`.
//!
//! # Features
//! - `postgres` (default): publishing and subscribing with sqlx. Without it, the crate is payload types and contracts.
//! - `chrono`, `jiff`: dates and times as types of these crates, for bindings that were generated so; the crates are exported as
//!   `eventwright::chrono` and `eventwright::jiff`.
//! - `jsonschema`: values that are held against a whole JSON Schema ([`derive(Checked)`](macro@Checked)).
//! - `proptest`: payload types are [`Arbitrary`](https://docs.rs/proptest/1/proptest/arbitrary/trait.Arbitrary.html), for property tests of
//!   handlers: `proptest! { fn handles_any(event: LeadCreated) { … } }`. All values are valid; the module `payload::arbitrary` tells more.
//! - `opentelemetry`: a handler's span is a child of the span in which its event was published, also in another process: one trace from a
//!   request to all that follows from it. It takes a subscriber of `tracing` with the layer of tracing-opentelemetry 0.34.
//! - `regex`: patterns beyond the simple ones, matched in linear time, and the format `regex`.
//! - `testing`: a throw-away Postgres, and a fresh database for each test.

#![forbid(unsafe_code)]

// the derives expand to paths that begin with the crate's name
extern crate self as eventwright;

mod contract;
mod envelope;
mod outgoing;
pub mod payload;
mod trace;

#[cfg(feature = "postgres")]
mod error;
#[cfg(feature = "postgres")]
mod migrate;
#[cfg(feature = "postgres")]
mod operations;
#[cfg(feature = "postgres")]
mod publish;
#[cfg(feature = "postgres")]
mod release;
#[cfg(feature = "postgres")]
mod retention;
#[cfg(feature = "postgres")]
mod roles;
#[cfg(feature = "postgres")]
mod schema;
#[cfg(feature = "postgres")]
mod stored;
#[cfg(feature = "postgres")]
mod subscribe;
#[cfg(feature = "postgres")]
mod to_the_end;

#[cfg(feature = "testing")]
pub mod testing;

pub use contract::{
    CarriesSubject, Domain, Incoming, Kind, NeedsDowncast, NeedsSubject, NeedsSubjectAndDowncast, NotRetired, Payload,
    Publishable, PublishedBy, SubscribedBy, Supersedes, WithoutDowncast,
};
pub use envelope::{Envelope, Event};
pub use outgoing::{Outgoing, Publish};

#[cfg(feature = "postgres")]
pub use {
    error::Error,
    migrate::{migrate, migrate_in},
    operations::{
        DeadLetter, DeadLetterCursor, DeadLetterFilter, DeadLetterPage, DeadLetters, Doctor, Erasure, EventLookup,
        Finding, Gap, GroupLag, GroupStanding, GroupStatus, Groups, HeldEvents, LogStatus, Publication, Rebase,
        RebasedDatabase, RebasedGroup, Severity, Standing, Whereabouts, erase_subject, erase_subject_in, whereabouts,
    },
    publish::{Batch, Connection, PUBLISH_BATCH_SQL, PUBLISH_SQL, Published, Publisher},
    retention::{Kept, Lag, OpenTransaction, Partition, Retention, RetentionReport, RetentionSettings},
    roles::Roles,
    schema::Schema,
    subscribe::{
        AroundFn, Context, EffectFn, End, Failure, Handled, HandlerFn, Health, Next, OrFailure, Replay, RetryPolicy,
        Start, Subscriber, Unhealthy,
    },
};

#[cfg(feature = "chrono")]
pub use ::chrono;
#[cfg(feature = "jiff")]
pub use ::jiff;
pub use eventwright_derive::{Checked, Id, Incoming, Object, Pattern, Union, Words};
#[cfg(feature = "regex")]
pub use payload::EcmaRegex;
#[cfg(feature = "jiff")]
pub use payload::JiffDateTime;
#[cfg(feature = "jsonschema")]
pub use payload::Schemas;
pub use payload::rules::{self, Rule, Ruled};
pub use payload::{
    DecodeError, Email, EncodeError, EventId, FullTime, Hostname, Id, Int, Integer, Invalid, Ipv6, IsoDuration, Json,
    JsonPointer, Key, List, Maybe, Never, Null, Number, Object, Other, Pattern, Reading, Str, Text, UniqueList,
    Unrecognized, Uri, UriReference, Vetted, Violation, Words,
};
pub use std::net::Ipv4Addr;
pub use time::{Date, OffsetDateTime};
pub use uuid::Uuid;

/// The members of an open JSON object that no property names.
pub type JsonObject = std::collections::BTreeMap<String, Json>;

/// Includes the bindings that a build script generated with `eventwright_codegen::configure().….compile()`.
#[macro_export]
macro_rules! include_events {
    () => {
        include!(concat!(env!("OUT_DIR"), "/eventwright.rs"));
    };
}
