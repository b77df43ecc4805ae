mod filter;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use time::OffsetDateTime;

pub use self::filter::{DeadLetterCursor, DeadLetterFilter};
use crate::payload::EventId;
use crate::release::{BEGIN, release};
use crate::stored::Stored;
use crate::to_the_end::to_the_end;
use crate::{Envelope, Error, Schema};

const LIST: &str = concat!(
    "SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
            correlation_id, causation_id, traceparent, payload::text AS payload, downcast_version,
            downcast_payload::text AS downcast_payload, attempts, error, failed_at, died_at\n",
    include_str!("../../sql/dead_letters.sql")
);
const PICK: &str = concat!("SELECT group_name, seq, died_at\n", include_str!("../../sql/dead_letters.sql"));
const REDRIVE: &str = include_str!("../../sql/redrive.sql");
const DISCARD: &str = include_str!("../../sql/discard.sql");
const CALL: &str = "SELECT pg_notify('eventwright', last_value::text) FROM eventwright.asleep";

/// How many dead letters go in one transaction. Each has a lock of its own on its subject in `release`, and Postgres has room for
/// a few thousand locks of all its sessions.
const STEP: i64 = 256;

/// The events that groups gave up: after the last attempt, rejected by a handler, or undecodable.
///
/// A dead letter keeps the later events of its subject waiting, in that group, until it is redriven or discarded. It is kept
/// whole, whatever the log has forgotten.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// use eventwright::DeadLetterFilter;
///
/// let dead_letters = eventwright::DeadLetters::new(pool);
/// for letter in dead_letters.list(Some("growth-funnel"), 100).await? {
///     println!("{} {}: {}", letter.envelope.event_type, letter.envelope.event_id, letter.error);
/// }
/// // the mail server is up again
/// let greetings = DeadLetterFilter::new().group("growth-greetings").error("connection refused");
/// println!("{} events are tried again", dead_letters.redrive_matching(&greetings).await?);
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
    /// The payload as it was published, unless it was erased.
    pub payload: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The last error, with what caused it.
    pub error: String,
    /// When it failed for the first time since it was published, or redriven.
    pub failed_at: OffsetDateTime,
    /// When it was given up.
    pub died_at: OffsetDateTime,
}

/// Some dead letters, and where to go on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetterPage {
    /// The dead letters: group by group, the oldest first.
    pub letters: Vec<DeadLetter>,
    /// Where the next page begins; `None`: there was no more.
    pub next: Option<DeadLetterCursor>,
}

impl DeadLetter {
    /// Whether its payload was [erased](crate::erase_subject): then no handler gets it any more, and it may as well be discarded.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        super::is_erased(&self.payload)
    }
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

    /// The first dead letters of a group, or of all groups one by one, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn list(&self, group: Option<&str>, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        let filter = DeadLetterFilter::new();
        let filter = group.into_iter().fold(filter, DeadLetterFilter::group);
        Ok(self.page(&filter, None, limit).await?.letters)
    }

    /// The dead letters that a filter lets through, at most `limit` (and at least one), after those of an earlier page.
    ///
    /// ```no_run
    /// # async fn example(dead_letters: eventwright::DeadLetters) -> Result<(), eventwright::Error> {
    /// # use eventwright::DeadLetterFilter;
    /// let filter = DeadLetterFilter::new().event_type("lead.created");
    /// let mut page = dead_letters.page(&filter, None, 100).await?;
    /// while let Some(next) = &page.next {
    ///     page = dead_letters.page(&filter, Some(next), 100).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn page(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&DeadLetterCursor>,
        limit: u32,
    ) -> Result<DeadLetterPage, Error> {
        let limit = limit.max(1);
        // one more, to know whether there is more
        let mut rows = filter.bind(self.schema.sql(LIST), after, i64::from(limit) + 1).fetch_all(&self.pool).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(cursor).transpose()?;
        Ok(DeadLetterPage { letters: rows.iter().map(letter).collect::<Result<_, _>>()?, next })
    }

    /// A group's dead letter of an event; `None` where it has none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn get(&self, group: &str, event_id: EventId) -> Result<Option<DeadLetter>, Error> {
        let filter = DeadLetterFilter::new().group(group).event(event_id);
        Ok(self.page(&filter, None, 1).await?.letters.pop())
    }

    /// Has the group try a dead letter again, with all its attempts anew and in its old place among its subject's events.
    /// Returns whether there was one.
    ///
    /// # Errors
    /// Where the database refuses; nothing has changed then.
    pub async fn redrive(&self, group: &str, event_id: EventId) -> Result<bool, Error> {
        Ok(self.redrive_matching(&DeadLetterFilter::new().group(group).event(event_id)).await? > 0)
    }

    /// Has the group try all its dead letters again, and returns how many there were. As
    /// [`redrive_matching`](Self::redrive_matching).
    ///
    /// # Errors
    /// Where the database refuses; some may be redriven then.
    pub async fn redrive_all(&self, group: &str) -> Result<u64, Error> {
        self.redrive_matching(&DeadLetterFilter::new().group(group)).await
    }

    /// Has the groups try again all dead letters that a filter lets through, and returns how many there were.
    ///
    /// Each keeps its place among its subject's events. It goes in transactions of some hundred each, so there may be millions
    /// of them; what dies again meanwhile is left dead.
    ///
    /// # Errors
    /// Where the database refuses; some may be redriven then, and calling it again goes on.
    ///
    /// # Cancellation
    /// Dropping the future ends it after the transaction that it is at.
    pub async fn redrive_matching(&self, filter: &DeadLetterFilter) -> Result<u64, Error> {
        self.let_go(REDRIVE, filter).await
    }

    /// Forgets a dead letter, so that the group goes on with the later events of its subject. Returns whether there was one.
    ///
    /// # Errors
    /// Where the database refuses; nothing has changed then.
    pub async fn discard(&self, group: &str, event_id: EventId) -> Result<bool, Error> {
        Ok(self.discard_matching(&DeadLetterFilter::new().group(group).event(event_id)).await? > 0)
    }

    /// Forgets all dead letters that a filter lets through, and returns how many there were. An empty filter means all of all
    /// groups: nobody will handle these events.
    ///
    /// # Errors
    /// Where the database refuses; some may be forgotten then, and calling it again goes on.
    ///
    /// # Cancellation
    /// Dropping the future ends it after the transaction that it is at.
    pub async fn discard_matching(&self, filter: &DeadLetterFilter) -> Result<u64, Error> {
        self.let_go(DISCARD, filter).await
    }

    /// In bounded steps, each a transaction of its own.
    async fn let_go(&self, statement: &'static str, filter: &DeadLetterFilter) -> Result<u64, Error> {
        // what is tried again and dies again would otherwise come again, without end
        let now: OffsetDateTime = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.pool).await?;
        let filter = filter.clone().at_the_latest(now);
        let mut after = None;
        let mut gone = 0;
        loop {
            let rows = filter.bind(self.schema.sql(PICK), after.as_ref(), STEP).fetch_all(&self.pool).await?;
            let Some(last) = rows.last() else { return Ok(gone) };
            after = Some(cursor(last)?);
            let picked = rows.iter().map(cursor).collect::<Result<Vec<_>, _>>()?;
            for of_one_group in picked.chunk_by(|a, b| a.group == b.group) {
                gone += self.step(statement, of_one_group).await?;
            }
        }
    }

    async fn step(&self, statement: &'static str, letters: &[DeadLetterCursor]) -> Result<u64, Error> {
        let Some(group) = letters.first().map(|letter| letter.group.clone()) else { return Ok(0) };
        let seqs: Vec<i64> = letters.iter().map(|letter| letter.seq).collect();
        let (pool, schema) = (self.pool.clone(), self.schema.clone());
        to_the_end(async move {
            let mut tx = pool.begin_with(BEGIN).await?;
            let subjects: Vec<String> =
                sqlx::query_scalar(schema.sql(statement)).bind(&group).bind(seqs).fetch_all(&mut *tx).await?;
            release(&mut tx, &schema, &group, &subjects).await?;
            sqlx::query(schema.sql(CALL)).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(subjects.len() as u64)
        })
        .await
    }
}

fn cursor(row: &PgRow) -> Result<DeadLetterCursor, sqlx::Error> {
    Ok(DeadLetterCursor {
        group: row.try_get("group_name")?,
        died_at: row.try_get("died_at")?,
        seq: row.try_get("seq")?,
    })
}

fn letter(row: &PgRow) -> Result<DeadLetter, sqlx::Error> {
    let Stored { envelope, payload, .. } = Stored::from_row(row)?;
    let attempts: i32 = row.try_get("attempts")?;
    Ok(DeadLetter {
        group: row.try_get("group_name")?,
        envelope,
        payload,
        attempts: attempts.unsigned_abs(),
        error: row.try_get("error")?,
        failed_at: row.try_get("failed_at")?,
        died_at: row.try_get("died_at")?,
    })
}
