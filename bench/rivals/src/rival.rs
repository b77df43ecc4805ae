//! What all sides have to do.

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

use crate::Result;
use crate::events::{TEMPLATE, TEMPLATE_AMOUNT};

/// What differs, for the reader of the tables.
pub(crate) struct About {
    pub(crate) configuration: &'static str,
    pub(crate) order: &'static str,
    pub(crate) effects: &'static str,
    pub(crate) groups: &'static str,
    pub(crate) afterwards: &'static str,
    pub(crate) wakes_by: &'static str,
}

/// A payload that is ready to be stored.
pub(crate) struct Ready {
    pub(crate) order_id: sguild_events::OrderId,
    pub(crate) person_id: sguild_events::PersonId,
    pub(crate) number: i64,
}

pub(crate) trait Rival: Send + Sync {
    fn name(&self) -> &'static str;

    fn about(&self) -> About;

    /// Makes its tables in an empty database, for so many groups.
    fn install<'a>(&'a self, pool: &'a PgPool, groups: u16) -> BoxFuture<'a, Result>;

    /// Publishes for one group in the transaction that is open.
    fn publish<'a>(&'a self, db: &'a mut PgConnection, event: Ready) -> BoxFuture<'a, Result>;

    /// Publishes so many events, for each of the groups, in whatever way is fast.
    fn fill<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result>;

    /// Handles what was filled in, decoding each payload, and returns how many events were handled in all groups together.
    fn drain<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result<i64>>;
}

/// How many events one statement fills in.
pub(crate) const CHUNK: i64 = 1000;

/// Fills in by a statement that gets the payloads as `$1`, an array of texts.
pub(crate) async fn fill_by(pool: &PgPool, statement: &'static str, events: i64) -> Result {
    for from in (1..=events).step_by(CHUNK as usize) {
        sqlx::query(statement).bind(texts(from, events)).execute(pool).await?;
    }
    Ok(())
}

/// The payloads of the chunk that begins with this number.
pub(crate) fn texts(from: i64, events: i64) -> Vec<String> {
    (from..(from + CHUNK).min(events + 1)).map(|number| TEMPLATE.replace(TEMPLATE_AMOUNT, &number.to_string())).collect()
}
