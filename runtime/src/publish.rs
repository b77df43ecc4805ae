//! Publishing: one INSERT in the caller's own transaction.

use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use crate::contract::{Domain, NotRetired, Payload, PublishedBy};
use crate::outgoing::{Outgoing, Publish};
use crate::payload::EventId;
use crate::{Error, Schema};

/// The statement that publishes an event, for those who publish through another driver.
///
/// Its parameters: `$1` event_id (`uuid`, version 7), `$2` event_type, `$3` schema_version (`int`), `$4` source (the domain),
/// `$5` tenant_id or null, `$6` subject, `$7` occurred_at (`timestamptz`) or null where that is the time of publishing, `$8` correlation_id, `$9` causation_id
/// (`uuid`) or null, `$10` traceparent or null, `$11` the payload as text. Run it in the transaction that changes what the event
/// reports, after locking the rows of its subject.
pub const PUBLISH_SQL: &str = include_str!("sql/publish.sql");

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
/// # What is promised
/// The event is in the log if and only if the transaction commits. Events of one subject are delivered in the order of their
/// publishing, provided that the publishers of one subject take turns: change (and so lock) the subject's row first, then
/// publish. Whoever publishes before taking the lock can be overtaken.
pub struct Publisher<D> {
    schema: Schema,
    domain: PhantomData<fn() -> D>,
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
        Self { schema, domain: PhantomData }
    }

    /// Publishes an event in the transaction that is open on `db`, in one round trip, and returns its id.
    ///
    /// Without an open transaction the event is published at once.
    ///
    /// # Errors
    /// Where the payload holds a value that may be read but not published, or the database refuses; the transaction is then
    /// aborted, as after any failed statement.
    ///
    /// # Cancellation
    /// Dropping the future may leave the statement sent: roll the transaction back.
    // no `async fn`: of a bound that does not hold, the compiler would complain three times
    pub fn publish<'a, P>(&'a self, db: &'a mut PgConnection, event: P) -> BoxFuture<'a, Result<EventId, Error>>
    where
        P: Publish,
        P::Payload: PublishedBy<D> + NotRetired,
    {
        let Outgoing { payload, subject, event_id, options } = event.outgoing();
        let (event_type, version) = (P::Payload::EVENT_TYPE, P::Payload::VERSION);
        let tenant_id = options.tenant_id.or_else(|| payload.tenant().map(str::to_owned));
        let json = payload.encode();
        Box::pin(async move {
            let json = json.map_err(|source| Error::Encode { event_type, version, source })?;
            sqlx::query(self.schema.sql(PUBLISH_SQL))
                .bind(event_id.as_uuid())
                .bind(event_type)
                .bind(i32::from(version))
                .bind(D::NAME)
                .bind(tenant_id)
                .bind(subject)
                .bind(options.occurred_at)
                .bind(options.correlation_id.unwrap_or_else(|| event_id.to_string()))
                .bind(options.causation_id.map(|id| id.as_uuid()))
                .bind(options.traceparent)
                .bind(json)
                .execute(db)
                .await?;
            Ok(event_id)
        })
    }
}
