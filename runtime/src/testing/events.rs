//! Events in tests: making them, publishing them, and seeing what was published.

use sqlx::{PgConnection, Row};
use time::OffsetDateTime;

use super::Error;
use crate::contract::Incoming;
use crate::outgoing::{Outgoing, Publish};
use crate::payload::{self, DecodeError, EventId};
use crate::stored::Stored;
use crate::{Envelope, Event, Json, Payload, Reading};

/// Who publishes events in tests: the envelope's `source`.
const SOURCE: &str = "test";

const PUBLISH: &str = "INSERT INTO eventwright.outbox (
        event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, correlation_id, causation_id, traceparent, payload
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::json)";
/// Where nobody sleeps this wakes nobody.
const CALL: &str = "SELECT pg_notify('eventwright', last_value::text) FROM eventwright.asleep";
/// Of this transaction, rolled back savepoints left out. Plan: outbox_xid.
const PUBLISHED: &str =
    "SELECT seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
            correlation_id, causation_id, traceparent, payload::text AS payload, downcast_version, downcast_payload::text AS downcast_payload
       FROM eventwright.outbox
      WHERE xid = pg_current_xact_id_if_assigned() AND seq > $1
      ORDER BY seq";

/// An event as a handler receives it, published just now by the domain `test`.
///
/// What else there is to say about it is said as for publishing:
///
/// ```
/// # use eventwright::{CarriesSubject, Publish, testing};
/// # fn example<LeadCreated: CarriesSubject>(lead_created: LeadCreated) {
/// let event = testing::event(lead_created.tenant("acme"));
/// assert_eq!(event.envelope.tenant_id.as_deref(), Some("acme"));
/// # }
/// ```
pub fn event<P: Publish>(event: P) -> Event<P::Payload> {
    let outgoing = event.outgoing();
    let envelope = envelope(&outgoing);
    Event { envelope, payload: outgoing.payload }
}

/// Publishes an event as its owner would, whoever that is: a consumer's tests need the events that it may not publish itself. Its source
/// is `test`.
///
/// ```no_run
/// # use eventwright::{CarriesSubject, testing};
/// # async fn example<LeadCreated: CarriesSubject>(pool: sqlx::PgPool, lead_created: LeadCreated)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let event_id = testing::publish(&mut *pool.acquire().await?, lead_created).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// Where the payload holds what may be read but not published, or the database refuses.
pub async fn publish<P: Publish>(db: &mut PgConnection, event: P) -> Result<EventId, Error> {
    let outgoing = event.outgoing();
    let envelope = envelope(&outgoing);
    let refused = |reason| Error::sql("publishing an event", reason);
    let json = outgoing.payload.encode().map_err(|error| refused(sqlx::Error::Encode(Box::new(error))))?;
    sqlx::query(PUBLISH)
        .bind(envelope.event_id.as_uuid())
        .bind(envelope.event_type)
        .bind(i32::from(envelope.schema_version))
        .bind(envelope.source)
        .bind(envelope.tenant_id)
        .bind(envelope.subject)
        .bind(envelope.occurred_at)
        .bind(envelope.correlation_id)
        .bind(envelope.causation_id.map(|id| id.as_uuid()))
        .bind(envelope.traceparent)
        .bind(json)
        .execute(&mut *db)
        .await
        .map_err(refused)?;
    sqlx::query(CALL).execute(db).await.map_err(refused)?;
    Ok(envelope.event_id)
}

/// The events of one type, or of an enum of several, that were published in the transaction that is open on `db`, in their order.
///
/// ```no_run
/// # use eventwright::{Payload, testing};
/// # async fn create_lead(_: &mut sqlx::PgConnection) {}
/// # async fn example<LeadCreated: Payload>(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = pool.begin().await?;
/// create_lead(&mut tx).await; // what is tested
/// let events = testing::published::<LeadCreated>(&mut tx).await?;
/// assert_eq!(events.len(), 1);
/// # Ok(()) }
/// ```
///
/// Events of other types and versions are left out: [`all_published`] has them.
///
/// # Errors
/// Where an event does not hold what its type says, or the database refuses.
pub async fn published<E: Incoming>(db: &mut PgConnection) -> Result<Vec<Event<E>>, Error> {
    let stored = stored(db, 0).await?;
    let known = |stored: &Stored| {
        let versions = [
            Some((stored.envelope.schema_version, &stored.payload)),
            stored.downcast.as_ref().map(|(v, json)| (*v, json)),
        ];
        let is_known = |version: u16| {
            E::KINDS.iter().any(|kind| kind.event_type == stored.envelope.event_type && kind.version == version)
        };
        let (version, json) = versions.into_iter().flatten().find(|(version, _)| is_known(*version))?;
        Some(E::receive(&stored.envelope.event_type, version, json.as_bytes()).map_err(|e| undecodable(stored, &e)))
    };
    stored
        .iter()
        .filter_map(|stored| Some(known(stored)?.map(|payload| Event { envelope: stored.envelope.clone(), payload })))
        .collect()
}

/// All events that were published in the transaction that is open on `db`, in their order, with their payloads as JSON.
///
/// ```no_run
/// # use eventwright::testing;
/// # async fn example(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = pool.begin().await?;
/// let types: Vec<String> =
///     testing::all_published(&mut tx).await?.into_iter().map(|event| event.envelope.event_type).collect();
/// assert!(types.is_empty());
/// # Ok(()) }
/// ```
///
/// # Errors
/// Where the database refuses.
pub async fn all_published(db: &mut PgConnection) -> Result<Vec<Event<Json>>, Error> {
    published_after(db, 0).await
}

/// All that this transaction published after the event of that number.
pub(super) async fn published_after(db: &mut PgConnection, seq: i64) -> Result<Vec<Event<Json>>, Error> {
    let decoded = |stored: Stored| {
        let payload = payload::decode(stored.payload.as_bytes(), Reading::Tolerant);
        payload
            .map_err(|error| undecodable(&stored, &error))
            .map(|payload| Event { envelope: stored.envelope, payload })
    };
    stored(db, seq).await?.into_iter().map(decoded).collect()
}

/// The last number that the log has given out.
pub(super) async fn last_seq(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT eventwright.last_seq() AS seq").fetch_one(db).await?;
    row.try_get("seq")
}

async fn stored(db: &mut PgConnection, after: i64) -> Result<Vec<Stored>, Error> {
    let looking = |reason| Error::sql("looking for what was published", reason);
    let rows = sqlx::query(PUBLISHED).bind(after).fetch_all(db).await.map_err(looking)?;
    rows.iter().map(Stored::from_row).collect::<Result<_, _>>().map_err(looking)
}

fn undecodable(stored: &Stored, error: &DecodeError) -> Error {
    let Envelope { event_id, event_type, .. } = &stored.envelope;
    Error::Payload { event_id: *event_id, event_type: event_type.clone(), reason: crate::error::chain(error) }
}

fn envelope<E: Payload>(outgoing: &Outgoing<E>) -> Envelope {
    let Outgoing { payload, subject, event_id, options } = outgoing;
    let now = OffsetDateTime::now_utc();
    Envelope {
        event_id: *event_id,
        event_type: E::EVENT_TYPE.to_owned(),
        schema_version: E::VERSION,
        source: SOURCE.to_owned(),
        tenant_id: options.tenant_id.clone().or_else(|| payload.tenant().map(str::to_owned)),
        subject: subject.clone(),
        occurred_at: options.occurred_at.unwrap_or(now),
        published_at: now,
        correlation_id: options.origin.correlation_id.clone().unwrap_or_else(|| event_id.to_string()),
        causation_id: options.origin.causation_id,
        traceparent: options.origin.traceparent.clone(),
    }
}
