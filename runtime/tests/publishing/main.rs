//! Publishing, in all its ways. In one binary, since each takes seconds to link.

mod batch_waking;
#[path = "../common/mod.rs"]
mod common;
mod downcast;
#[cfg(all(feature = "diesel-async", feature = "tokio-postgres"))]
mod drivers;
mod idempotency;
mod many;
mod order;
mod scheduled;
