//! Erasing a person's data: the payloads of all events about a subject.

use sqlx::{PgPool, Row};

use crate::release::BEGIN;
use crate::to_the_end::to_the_end;
use crate::{Error, Schema};

const LOG: &str = include_str!("../sql/erase/log.sql");
const STRAGGLERS: &str = include_str!("../sql/erase/stragglers.sql");
const HELD: &str = include_str!("../sql/erase/held.sql");
const HELD_ONE: &str = include_str!("../sql/erase/held_one.sql");
const UNFINISHED: &str = "SELECT after_seq, until_seq FROM eventwright.erasures
     WHERE subject = $1 AND finished_at IS NULL FOR UPDATE";
const NOTE_LOG: &str = "UPDATE eventwright.erasures SET after_seq = $2, log_events = log_events + $3
     WHERE subject = $1 AND finished_at IS NULL";
const NOTE_HELD: &str = "UPDATE eventwright.erasures SET held_events = held_events + $2
     WHERE subject = $1 AND finished_at IS NULL";
const STILL_RUNNING: &str = include_str!("../sql/erase/still_running.sql");
const SCHEDULED: &str = include_str!("../sql/erase/scheduled.sql");
const SCHEDULED_LATE: &str = include_str!("../sql/erase/scheduled_late.sql");
const NOTE_SCHEDULED: &str = "UPDATE eventwright.erasures SET scheduled_events = scheduled_events + $2
     WHERE subject = $1 AND finished_at IS NULL";
const RANGES: &str = "SELECT group_name, bucket_lo FROM eventwright.positions
     WHERE (hashtextextended($1, 0) & 1023) BETWEEN bucket_lo AND bucket_hi ORDER BY 1, 2";
/// Has whoever is handling a page of the range come to its end. Who begins one after that finds the subject among the erasures.
const WAIT_FOR_RANGE: &str =
    "SELECT true FROM eventwright.positions WHERE group_name = $1 AND bucket_lo = $2 FOR NO KEY UPDATE";
const IN_HANDS: &str = "SELECT group_name, seq FROM eventwright.held
     WHERE group_name IN (SELECT name FROM eventwright.groups) AND subject = $1 AND NOT eventwright.is_erased(payload)";
const REPORT: &str = "UPDATE eventwright.erasures SET finished_at = CASE WHEN $2 = 0 THEN clock_timestamp() END
     WHERE subject = $1 AND finished_at IS NULL
     RETURNING log_events, scheduled_events, held_events";

/// How many numbers of the log are searched in one transaction.
const SPAN: i64 = 100_000;
/// How many held events are changed in one transaction.
const STEP: i64 = 1000;

/// What an erased payload begins with; the rest is the time and `"}`.
const MARK: &str = r#"{"eventwright.erased_at":""#;

/// Whether a payload was erased, so that there is nothing to handle.
pub(crate) fn is_erased(payload: &str) -> bool {
    payload.starts_with(MARK)
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erasure {
    /// Events in the log.
    pub log_events: u64,
    /// Events that are to be published later.
    pub scheduled_events: u64,
    /// Events that groups hold back, dead letters among them.
    pub held_events: u64,
    /// Transactions that had published or scheduled something when the erasure began and are still open. 0: all is erased. Otherwise
    /// erase the subject again when they have ended, which takes no time and finishes this erasure.
    pub open_transactions: u64,
}

/// Erases the payloads of all events about a subject: in the log, among what is scheduled, and in what groups of this database hold
/// back, dead letters included, with the texts of their errors. The envelopes stay, so that order and counts do.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// let erased = eventwright::erase_subject(&pool, "per_01890a5d-ac96-774b-bcce-b302099a8057").await?;
/// assert_eq!(erased.open_transactions, 0, "run it again when these have ended");
/// # Ok(()) }
/// ```
///
/// # What is promised
/// - It covers what was published or scheduled before it was called, also in transactions that were open then: see
///   [`Erasure::open_transactions`]. See first that nobody goes on to publish about the subject.
/// - A group that has not handled an erased event passes it over as handled. A handler that is running keeps what it was given.
/// - A dead letter that is erased stays one, and can be discarded; redriven, it is passed over.
/// - In place of a payload stands `{"eventwright.erased_at":"2026-01-31T12:00:00Z"}`. Postgres keeps the old bytes on disk until VACUUM
///   has come by, and in its write-ahead log and backups for as long as those are kept.
/// - The table `erasures` keeps a record of it, with the subject's id.
///
/// What identifies the event is no payload and stays: subject, tenant, correlation id, idempotency key. Keep personal data out of those.
/// Groups in other databases than the log hold events back there: call it for the log's database first, then for theirs.
///
/// # Cost
/// The log has no index on subjects, so all of it is read, in steps of 100,000 numbers. Publishers and groups don't wait.
///
/// # Errors
/// Where the database refuses; calling it again goes on where it ended.
///
/// # Cancellation
/// Dropping the future ends it after the step that it is at; calling it again goes on.
pub async fn erase_subject(pool: &PgPool, subject: &str) -> Result<Erasure, Error> {
    erase_subject_in(pool, &Schema::default(), subject).await
}

/// As [`erase_subject`], in another schema.
///
/// # Errors
/// As [`erase_subject`].
pub async fn erase_subject_in(pool: &PgPool, schema: &Schema, subject: &str) -> Result<Erasure, Error> {
    let eraser = Eraser { pool: pool.clone(), schema: schema.clone(), subject: subject.to_owned() };
    eraser.run().await
}

#[derive(Clone)]
struct Eraser {
    pool: PgPool,
    schema: Schema,
    subject: String,
}

impl Eraser {
    async fn run(&self) -> Result<Erasure, Error> {
        // first, so that what is moved into the log meanwhile is found there
        let scheduled = self.step(Self::scheduled).await?;
        self.step(move |eraser| eraser.begin(scheduled)).await?;
        while self.step(Self::next_of_log).await? {}
        // asked before they are looked for: who ends in between is found by the next call
        let open: i64 =
            sqlx::query_scalar(self.schema.sql(STILL_RUNNING)).bind(&self.subject).fetch_one(&self.pool).await?;
        self.step(Self::stragglers).await?;
        self.wait_for_pages().await?;
        while self.step(Self::next_of_held).await? > 0 {}
        self.held_in_hands().await?;
        self.report(open).await
    }

    /// A transaction of its own that comes to its end.
    async fn step<T, F, Fut>(&self, step: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>> + Send + 'static,
    {
        Ok(to_the_end(step(self.clone())).await?)
    }

    async fn scheduled(self) -> Result<i64, sqlx::Error> {
        let mut tx = self.pool.begin_with(BEGIN).await?;
        let erased = sqlx::query(self.schema.sql(SCHEDULED)).bind(&self.subject).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(erased.rows_affected().cast_signed())
    }

    async fn begin(self, scheduled: i64) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin_with(BEGIN).await?;
        let begin = sqlx::query(self.schema.sql("SELECT eventwright.begin_erasure($1, $2)"));
        begin.bind(&self.subject).bind(scheduled).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Returns whether there is more.
    async fn next_of_log(self) -> Result<bool, sqlx::Error> {
        let mut tx = self.pool.begin_with(BEGIN).await?;
        let stands: Option<(i64, i64)> =
            sqlx::query_as(self.schema.sql(UNFINISHED)).bind(&self.subject).fetch_optional(&mut *tx).await?;
        let Some((after, until)) = stands.filter(|(after, until)| after < until) else {
            tx.rollback().await?;
            return Ok(false);
        };
        let upto = until.min(after.saturating_add(SPAN));
        let erased =
            sqlx::query(self.schema.sql(LOG)).bind(&self.subject).bind(after).bind(upto).execute(&mut *tx).await?;
        self.note_log(&mut tx, upto, erased.rows_affected()).await?;
        tx.commit().await?;
        Ok(upto < until)
    }

    async fn stragglers(self) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin_with(BEGIN).await?;
        let stands: Option<(i64, i64)> =
            sqlx::query_as(self.schema.sql(UNFINISHED)).bind(&self.subject).fetch_optional(&mut *tx).await?;
        if let Some((_, until)) = stands {
            let erased = sqlx::query(self.schema.sql(STRAGGLERS)).bind(&self.subject).execute(&mut *tx).await?;
            self.note_log(&mut tx, until, erased.rows_affected()).await?;
            let erased = sqlx::query(self.schema.sql(SCHEDULED_LATE)).bind(&self.subject).execute(&mut *tx).await?;
            let note = sqlx::query(self.schema.sql(NOTE_SCHEDULED)).bind(&self.subject);
            note.bind(erased.rows_affected().cast_signed()).execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    async fn note_log(&self, tx: &mut sqlx::PgConnection, upto: i64, erased: u64) -> Result<(), sqlx::Error> {
        sqlx::query(self.schema.sql(NOTE_LOG))
            .bind(&self.subject)
            .bind(upto)
            .bind(erased.cast_signed())
            .execute(tx)
            .await?;
        Ok(())
    }

    /// Pages that were read before the log was erased hold events back as they were.
    async fn wait_for_pages(&self) -> Result<(), Error> {
        let ranges: Vec<(String, i16)> =
            sqlx::query_as(self.schema.sql(RANGES)).bind(&self.subject).fetch_all(&self.pool).await?;
        for (group, lo) in ranges {
            self.step(|eraser| async move {
                let mut tx = eraser.pool.begin_with(BEGIN).await?;
                sqlx::query(eraser.schema.sql(WAIT_FOR_RANGE)).bind(group).bind(lo).execute(&mut *tx).await?;
                tx.rollback().await
            })
            .await?;
        }
        Ok(())
    }

    /// Returns how many there were.
    async fn next_of_held(self) -> Result<u64, sqlx::Error> {
        let mut tx = self.pool.begin_with(BEGIN).await?;
        let erased = sqlx::query(self.schema.sql(HELD)).bind(&self.subject).bind(STEP).execute(&mut *tx).await?;
        self.note_held(&mut tx, erased.rows_affected()).await?;
        tx.commit().await?;
        Ok(erased.rows_affected())
    }

    /// What handlers had in their hands, one by one.
    async fn held_in_hands(&self) -> Result<(), Error> {
        let held: Vec<(String, i64)> =
            sqlx::query_as(self.schema.sql(IN_HANDS)).bind(&self.subject).fetch_all(&self.pool).await?;
        for (group, seq) in held {
            self.step(|eraser| async move {
                let mut tx = eraser.pool.begin_with(BEGIN).await?;
                let erased = sqlx::query(eraser.schema.sql(HELD_ONE)).bind(group).bind(seq).execute(&mut *tx).await?;
                eraser.note_held(&mut tx, erased.rows_affected()).await?;
                tx.commit().await
            })
            .await?;
        }
        Ok(())
    }

    async fn note_held(&self, tx: &mut sqlx::PgConnection, erased: u64) -> Result<(), sqlx::Error> {
        if erased > 0 {
            let note = sqlx::query(self.schema.sql(NOTE_HELD)).bind(&self.subject).bind(erased.cast_signed());
            note.execute(tx).await?;
        }
        Ok(())
    }

    async fn report(&self, open: i64) -> Result<Erasure, Error> {
        let row =
            sqlx::query(self.schema.sql(REPORT)).bind(&self.subject).bind(open).fetch_optional(&self.pool).await?;
        let count = |column: &str| match &row {
            Some(row) => row.try_get::<i64, _>(column).map(i64::unsigned_abs),
            // another call has finished it meanwhile, and has reported
            None => Ok(0),
        };
        Ok(Erasure {
            log_events: count("log_events")?,
            scheduled_events: count("scheduled_events")?,
            held_events: count("held_events")?,
            open_transactions: open.unsigned_abs(),
        })
    }
}
