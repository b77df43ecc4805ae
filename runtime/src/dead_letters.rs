use sqlx::{PgPool, Row};
use time::OffsetDateTime;

use crate::payload::EventId;
use crate::release::{BEGIN, release};
use crate::stored::Stored;
use crate::to_the_end::to_the_end;
use crate::{Envelope, Error, Schema};

const LIST: &str = "SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
        correlation_id, causation_id, traceparent, payload::text AS payload, downcast_version,
        downcast_payload::text AS downcast_payload, attempts, error, died_at
   FROM eventwright.dead_letters
  WHERE $1::text IS NULL OR group_name = $1
  ORDER BY died_at, seq
  LIMIT $2";
const REDRIVE: &str = include_str!("sql/redrive.sql");
const DISCARD: &str =
    "DELETE FROM eventwright.held WHERE group_name = $1 AND reason = 'dead' AND event_id = $2 RETURNING subject";
const CALL: &str = "SELECT pg_notify('eventwright', last_value::text) FROM eventwright.asleep";

/// The events that groups gave up: after the last attempt, rejected by a handler, or undecodable.
///
/// A dead letter keeps the later events of its subject waiting, in that group, until it is redriven or discarded.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// let dead_letters = eventwright::DeadLetters::new(pool);
/// for letter in dead_letters.list(Some("growth-funnel"), 100).await? {
///     println!("{} {}: {}", letter.envelope.event_type, letter.envelope.event_id, letter.error);
///     dead_letters.redrive("growth-funnel", letter.envelope.event_id).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct DeadLetters {
    pool: PgPool,
    schema: Schema,
}

/// An event that a group gave up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The group.
    pub group: String,
    /// The event's envelope.
    pub envelope: Envelope,
    /// The payload as it was published.
    pub payload: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The last error, with what caused it.
    pub error: String,
    /// When it was given up.
    pub died_at: OffsetDateTime,
}

impl DeadLetters {
    /// The dead letters in the schema `eventwright`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default() }
    }

    /// The dead letters in another schema.
    #[must_use]
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// The dead letters of a group, or of all, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn list(&self, group: Option<&str>, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        let rows = sqlx::query(self.schema.sql(LIST)).bind(group).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let letter = |row| -> Result<DeadLetter, sqlx::Error> {
            let Stored { envelope, payload, .. } = Stored::from_row(row)?;
            let attempts: i32 = row.try_get("attempts")?;
            Ok(DeadLetter {
                group: row.try_get("group_name")?,
                envelope,
                payload,
                attempts: attempts.unsigned_abs(),
                error: row.try_get("error")?,
                died_at: row.try_get("died_at")?,
            })
        };
        Ok(rows.iter().map(letter).collect::<Result<_, _>>()?)
    }

    /// Has the group try a dead letter again, with all its attempts anew and in its old place among its subject's events.
    /// Returns whether there was one.
    ///
    /// # Errors
    /// Where the database refuses; nothing has changed then.
    pub async fn redrive(&self, group: &str, event_id: EventId) -> Result<bool, Error> {
        Ok(self.let_go(REDRIVE, group, Some(event_id)).await? > 0)
    }

    /// Has the group try all its dead letters again, and returns how many there were.
    ///
    /// # Errors
    /// Where the database refuses; nothing has changed then.
    pub async fn redrive_all(&self, group: &str) -> Result<usize, Error> {
        self.let_go(REDRIVE, group, None).await
    }

    /// Forgets a dead letter, so that the group goes on with the later events of its subject. Returns whether there was one.
    ///
    /// # Errors
    /// Where the database refuses; nothing has changed then.
    pub async fn discard(&self, group: &str, event_id: EventId) -> Result<bool, Error> {
        Ok(self.let_go(DISCARD, group, Some(event_id)).await? > 0)
    }

    async fn let_go(&self, statement: &'static str, group: &str, event_id: Option<EventId>) -> Result<usize, Error> {
        let (pool, schema, group) = (self.pool.clone(), self.schema.clone(), group.to_owned());
        to_the_end(async move {
            let mut tx = pool.begin_with(BEGIN).await?;
            let subjects: Vec<String> = sqlx::query_scalar(schema.sql(statement))
                .bind(&group)
                .bind(event_id.map(|id| id.as_uuid()))
                .fetch_all(&mut *tx)
                .await?;
            release(&mut tx, &schema, &group, &subjects).await?;
            sqlx::query(schema.sql(CALL)).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(subjects.len())
        })
        .await
    }
}
