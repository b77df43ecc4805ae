//! Sguild's domain events as Rust types.
//!
//! Everything here is generated from `contracts/` by eventwright: a struct for each payload version, ids that can't be mixed up,
//! [`EventType`] for the names, [`AnyEvent`] for all payloads in one, and for each domain a marker type ([`Sales`], …) that says
//! what it may publish and an enum of what it receives.
//!
//! ```
//! use sguild_events::{AnyEvent, EventId, LeadCreated, LeadId};
//! use eventwright::{OffsetDateTime, Payload, Reading};
//!
//! let created = LeadCreated::builder()
//!     .lead_id(LeadId::new())
//!     .source("referral")
//!     .stage("new")
//!     .originating_intake_event_id(EventId::new())
//!     .created_at(OffsetDateTime::now_utc())
//!     .build();
//! let json = created.encode()?;
//! let read = AnyEvent::decode("lead.created", 1, json.as_bytes(), Reading::Strict)?;
//! assert_eq!(read, AnyEvent::LeadCreatedV1(created));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

#[rustfmt::skip]
#[path = "../generated/mod.rs"]
mod generated;

pub use generated::*;
