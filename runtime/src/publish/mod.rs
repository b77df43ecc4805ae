//! Publishing: one statement in the caller's own transaction.
//!
//! An event becomes a [`row`](row::Row), which is checked; one that asks for nothing special goes by [`PUBLISH_SQL`], all others as
//! `columns` by [`PUBLISH_BATCH_SQL`]. `connection` says what a driver has to do, and a module for each driver does it.

mod batch;
mod columns;
mod connection;
#[cfg(feature = "diesel-async")]
mod diesel_async;
mod metrics;
mod row;
mod sqlx;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;

use std::marker::PhantomData;

use futures_util::future::BoxFuture;

pub use batch::Batch;
pub use connection::Connection;

use crate::contract::{Domain, NotRetired, PublishedBy};
use crate::outgoing::Publish;
use crate::payload::EventId;
use crate::{Error, Schema};
use columns::Columns;
use connection::Sql;
use row::Row;

/// The statement that publishes an event, for those who publish through another driver.
///
/// Its parameters: `$1` event_id (`uuid`, version 7), `$2` event_type, `$3` schema_version (`int`), `$4` source (the domain),
/// `$5` tenant_id or null, `$6` subject, `$7` occurred_at (`timestamptz`) or null where that is the time of publishing, `$8` correlation_id, `$9` causation_id
/// (`uuid`) or null, `$10` traceparent or null, `$11` the payload as text, `$12` the version (`int`) and `$13` the text of the same
/// payload in an older version that is still promised to subscribers, or nulls. Run it in the transaction that changes what the event
/// reports, after locking the rows of its subject.
pub const PUBLISH_SQL: &str = include_str!("../sql/publish.sql");

/// The statement that publishes many events, or one with an idempotency key or a time at which it is due, for those who publish through
/// another driver. Its own comment says what the parameters are and what it returns.
pub const PUBLISH_BATCH_SQL: &str = include_str!("../sql/publish_batch.sql");

/// As [`PUBLISH_BATCH_SQL`], where nothing is asked for but to publish.
const PUBLISH_PLAIN_BATCH_SQL: &str = include_str!("../sql/publish_plain_batch.sql");

const CANCEL_SQL: &str = include_str!("../sql/cancel.sql");

/// 1 MiB: a consumer holds pages of them in memory, and Postgres writes each to its log as well.
const MAX_PAYLOAD: usize = 1024 * 1024;

/// Publishes the events that domain `D` owns.
///
/// ```no_run
/// # use eventwright::{Publisher, Domain, Publish, Error};
/// # use sqlx::PgPool;
/// # struct Sales; impl Domain for Sales { const NAME: &'static str = "sales"; }
/// # async fn example<E>(pool: PgPool, lead_created: E) -> Result<(), Box<dyn std::error::Error>>
/// # where E: Publish, E::Payload: eventwright::PublishedBy<Sales> + eventwright::Publishable {
/// let sales = Publisher::<Sales>::new();
/// let mut tx = pool.begin().await?;
/// sqlx::query("INSERT INTO leads …").execute(&mut *tx).await?;
/// sales.publish(&mut tx, lead_created).await?;
/// tx.commit().await?;
/// # Ok(()) }
/// ```
///
/// The transaction may be one of sqlx, or of tokio-postgres or diesel-async (under the features of those names): see [`Connection`].
///
/// # What is promised
/// The event is in the log if and only if the transaction commits. Events of one subject are delivered in the order of their
/// publishing, provided that the publishers of one subject take turns: change (and so lock) the subject's row first, then
/// publish. Whoever publishes before taking the lock can be overtaken; who locks nothing asks for
/// [`lock_subjects`](Self::lock_subjects).
///
/// # What a payload may hold
/// All that its schema allows, up to [`max_payload`](Self::max_payload). It is stored as `json`, byte for byte. Postgres reads a text with
/// the character U+0000 in it neither as `jsonb` nor by `->>`, though handlers do: keep it out of what is queried in SQL.
pub struct Publisher<D> {
    schema: Schema,
    max_payload: usize,
    lock_subjects: bool,
    notify: bool,
    named: bool,
    domain: PhantomData<fn() -> D>,
}

/// What became of an event that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The event's id. Where its idempotency key had been used before: the id of the event that was published then.
    pub event_id: EventId,
    /// Whether it was published (or scheduled) by this call. Always, but for an idempotency key that had been used before.
    pub is_new: bool,
}

impl<D: Domain> Default for Publisher<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Domain> Publisher<D> {
    /// A publisher to the log in the schema `eventwright`.
    #[must_use]
    pub fn new() -> Self {
        Self::to(Schema::default())
    }

    /// A publisher to the log in another schema.
    #[must_use]
    pub fn to(schema: Schema) -> Self {
        Self { schema, max_payload: MAX_PAYLOAD, lock_subjects: false, notify: true, named: true, domain: PhantomData }
    }

    /// How many bytes a payload may have as JSON. Default: 1 MiB. What is larger is an error, [`Error::PayloadTooLarge`].
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// Has publishers of one subject take turns, until the end of their transactions, so that events of a subject come in the order of
    /// the commits also where the transactions change, and so lock, nothing else in common.
    ///
    /// For all events of this publisher, by an advisory lock on the subject that is taken in the same round trip. All that publish events of
    /// the same subjects have to ask for it, or lock a row that they share. A transaction that publishes several times locks subjects in the
    /// order of its publishing, and can so meet another one in a deadlock, which Postgres ends ([`Error::Conflict`]); within a
    /// batch that can't happen.
    #[must_use]
    pub fn lock_subjects(mut self) -> Self {
        self.lock_subjects = true;
        self
    }

    /// Wakes no subscriber. For transactions that are prepared (`PREPARE TRANSACTION`, two-phase commit), which Postgres refuses to
    /// one that has notified. Subscribers then find the events when they [poll](crate::Subscriber::poll_every).
    #[must_use]
    pub fn without_notify(mut self) -> Self {
        self.notify = false;
        self
    }

    /// For sqlx's connections through a pooler in transaction mode that does not keep prepared statements, such as PgBouncer's before
    /// 1.21: statements are prepared without a name, each time anew. An event must then be published inside of a transaction that was
    /// begun by sqlx; else it is refused with [`Error::OutsideOfTransaction`]. For other drivers, see [`Connection`].
    #[must_use]
    pub fn behind_pooler(mut self) -> Self {
        self.named = false;
        self
    }

    /// Publishes an event in the transaction that is open on `db`, in one round trip.
    ///
    /// Without an open transaction the event is published at once.
    ///
    /// # Errors
    /// Where the payload holds a value that may be read but not published, or is too large, or what was said beside it is
    /// refused: nothing was asked of the database then. Or where the database refuses; the transaction is then aborted, as after any failed
    /// statement.
    ///
    /// # Cancellation
    /// Dropping the future may leave the statement sent: roll the transaction back.
    // no `async fn`: of a bound that does not hold, the compiler would complain three times
    pub fn publish<'a, C, P>(&'a self, db: &'a mut C, event: P) -> BoxFuture<'a, Result<Published, Error>>
    where
        C: Connection,
        P: Publish,
        P::Payload: PublishedBy<D> + NotRetired,
    {
        let row = Row::of(event.outgoing());
        Box::pin(async move {
            let row = row.and_then(|row| row.within(self.max_payload))?;
            let event_id = row.event_id;
            if row.is_plain() && self.notify && !self.lock_subjects {
                db.publish_one(self.sql(PUBLISH_SQL), D::NAME, &row).await?;
                metrics::published(row.event_type, 1);
                return Ok(Published { event_id, is_new: true });
            }
            let published = self.publish_rows(db, vec![row]).await?;
            Ok(published.into_iter().next().unwrap_or(Published { event_id, is_new: true }))
        })
    }

    /// Publishes events of one type in the transaction that is open on `db`, all in one statement and in this order, and says what became
    /// of each, in the same order. For several types in one statement there is [`Batch`].
    ///
    /// Of no events at all, nothing is asked of the database.
    ///
    /// # Errors
    /// As [`publish`](Self::publish); then none of them is published. Also where all payloads together have more than 256 MiB.
    ///
    /// # Cancellation
    /// As [`publish`](Self::publish).
    pub fn publish_all<'a, C, P>(
        &'a self,
        db: &'a mut C,
        events: impl IntoIterator<Item = P>,
    ) -> BoxFuture<'a, Result<Vec<Published>, Error>>
    where
        C: Connection,
        P: Publish,
        P::Payload: PublishedBy<D> + NotRetired,
    {
        let mut batch = Batch::new();
        for event in events {
            batch.add(event);
        }
        self.publish_batch(db, batch)
    }

    /// Publishes the events of a batch; else as [`publish_all`](Self::publish_all).
    ///
    /// # Errors
    /// As [`publish_all`](Self::publish_all).
    ///
    /// # Cancellation
    /// As [`publish`](Self::publish).
    pub fn publish_batch<'a, C>(
        &'a self,
        db: &'a mut C,
        batch: Batch<D>,
    ) -> BoxFuture<'a, Result<Vec<Published>, Error>>
    where
        C: Connection,
    {
        Box::pin(async move { self.publish_rows(db, batch.rows(self.max_payload)?).await })
    }

    /// Takes an event of this domain off the schedule, in the transaction that is open on `db`. Returns whether it was on it: if so, it never
    /// comes, provided that the transaction commits. It was not where it is in the log already, or was cancelled, or is another domain's.
    ///
    /// Its idempotency key is free again. Waits where a subscriber moves the event into the log at this moment.
    ///
    /// # Errors
    /// Where the database refuses.
    ///
    /// # Cancellation
    /// As [`publish`](Self::publish).
    pub fn cancel<'a, C>(&'a self, db: &'a mut C, event_id: EventId) -> BoxFuture<'a, Result<bool, Error>>
    where
        C: Connection,
    {
        db.cancel(self.sql(CANCEL_SQL), D::NAME, event_id)
    }

    fn sql(&self, statement: &'static str) -> Sql {
        Sql { text: self.schema.sql(statement), named: self.named }
    }

    async fn publish_rows<C: Connection>(&self, db: &mut C, rows: Vec<Row>) -> Result<Vec<Published>, Error> {
        let (columns, places) = Columns::of(rows)?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let all = columns::ForAll { lock_subjects: self.lock_subjects, source: D::NAME, notify: self.notify };
        let statement = match columns.are_plain() && !self.lock_subjects {
            true => PUBLISH_PLAIN_BATCH_SQL,
            false => PUBLISH_BATCH_SQL,
        };
        let repeated = db.publish_many(self.sql(statement), &columns, all).await?;
        let published = places.published(&columns, &repeated)?;
        for (event_type, events) in columns.new_by_type(&repeated) {
            metrics::published(event_type, events);
        }
        Ok(published)
    }
}
