//! Removing old events from the log, whole partitions at a time, and telling what keeps them.

mod report;
mod session;

use std::time::Duration;

use sqlx::PgPool;
use tracing::{info, warn};

pub use report::{Kept, Lag, OpenTransaction, Partition, RetentionReport};

use crate::release::BEGIN;
use crate::to_the_end::to_the_end;
use crate::{Error, Schema};

/// Whether we own the log, and whether there is anything to remove, whoever decided it.
const MAY_AND_MUST: &str = "SELECT pg_has_role(c.relowner, 'USAGE'),
       EXISTS (SELECT FROM eventwright.retention WHERE state IN ('due', 'dropping'))
       OR EXISTS (SELECT FROM eventwright.expired WHERE dropped_at IS NULL)
  FROM pg_class c WHERE c.oid = 'eventwright.outbox'::regclass";
const SETTINGS: &str =
    "SELECT extract(epoch FROM keep)::double precision, extract(epoch FROM warn_after)::double precision,
       extract(epoch FROM detach_after)::double precision, extract(epoch FROM remember)::double precision
  FROM eventwright.settings";
const SET: &str = "UPDATE eventwright.settings SET keep = make_interval(secs => $1),
       warn_after = make_interval(secs => $2), detach_after = make_interval(secs => $3), remember = make_interval(secs => $4)";
const DETACH_LAGGARDS: &str = "SELECT coalesce(home || '/', '') || group_name FROM eventwright.detach_laggards()";
/// As many windows as one statement forgets.
const STEP: i32 = 10_000;

/// Removes events from the log that every group has passed and that are older than `keep`, whole partitions at a time.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// let report = eventwright::Retention::new(pool).run().await?;
/// println!("removed: {:?}", report.dropped);
/// for partition in &report.partitions {
///     println!("{}: {}", partition.name, partition.kept); // or "held up by group growth-funnel"
/// }
/// # Ok(()) }
/// ```
///
/// Subscribers do this by themselves, every now and then, where their database user owns the tables. Where it does not, run
/// `eventwright retention --drop` as the owner, on a schedule.
///
/// # What is promised
/// - No group that is attached misses an event, and no event is removed before its time. A transaction that stays open, or a
///   group that is behind, keeps what it needs; the report names it.
/// - Publishers and groups never wait for it. It waits for others a second at a time, then gives up until the next run,
///   which goes on where this one was, also where the process was killed in between.
/// - Where there is no group yet, nothing is removed: consumers may be deployed after their producers.
///
/// It needs a session of its own: a pooler between must not be in transaction mode.
#[derive(Debug, Clone)]
pub struct Retention {
    pool: PgPool,
    schema: Schema,
}

/// What all processes agree on; stored in the database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetentionSettings {
    /// How long an event stays in the log at least. Default: 7 days.
    pub keep: Duration,
    /// A group that is further behind is warned of in the subscribers' logs. Default: a day.
    pub warn_after: Option<Duration>,
    /// A group that is further behind is detached: it keeps its position, and the log no longer waits for it. Default: never.
    pub detach_after: Option<Duration>,
    /// How long groups of this database whose log is in another one remember which events they handled: by so much that log may go
    /// back in time, and be [rebased](crate::Rebase). Default: an hour.
    pub remember: Duration,
}

impl Retention {
    /// Of the log in the schema `eventwright`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default() }
    }

    /// Of the log in another schema.
    #[must_use]
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// Removes what may go, and tells what was removed and what keeps the rest.
    ///
    /// Safe to call from many processes at once: one does the work, the others find nothing to do. Takes a few seconds at most for
    /// each partition.
    ///
    /// # Errors
    /// Where the database refuses. What was begun is finished by the next run.
    ///
    /// # Cancellation
    /// Dropping the future lets it come to its end in the background.
    pub async fn run(&self) -> Result<RetentionReport, Error> {
        // a log that no group reads has no windows but these, and they say how old a partition is
        sqlx::query(self.schema.sql("SELECT eventwright.open_window()")).execute(&self.pool).await?;
        let (may, must) = self.may_and_must().await?;
        if !(may && must) {
            return self.report().await;
        }
        let (pool, schema) = (self.pool.clone(), self.schema.clone());
        let removed = to_the_end(async move {
            let mut tx = pool.begin_with(BEGIN).await?;
            sqlx::query(schema.sql("SELECT eventwright.expire_partitions()")).execute(&mut *tx).await?;
            tx.commit().await?;
            session::remove(&pool, &schema).await
        });
        let session::Removed { dropped, waits_for } = removed.await?;
        let mut report = self.report().await?;
        report.dropped = dropped;
        for partition in &mut report.partitions {
            if let Kept::Dropping { waits_for: unknown } = &mut partition.kept {
                unknown.clone_from(&waits_for);
            }
        }
        Ok(report)
    }

    /// Tells what keeps each partition, and changes nothing.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn report(&self) -> Result<RetentionReport, Error> {
        let (may_drop, _) = self.may_and_must().await?;
        let partitions = report::partitions(&self.pool, &self.schema).await?;
        Ok(RetentionReport { dropped: Vec::new(), partitions, may_drop })
    }

    /// How far each group is behind.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn lag(&self) -> Result<Vec<Lag>, Error> {
        Ok(report::lag(&self.pool, &self.schema).await?)
    }

    /// The settings that are in force.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn settings(&self) -> Result<RetentionSettings, Error> {
        let (keep, warn_after, detach_after, remember): (f64, Option<f64>, Option<f64>, f64) =
            sqlx::query_as(self.schema.sql(SETTINGS)).fetch_one(&self.pool).await?;
        Ok(RetentionSettings {
            keep: duration(keep),
            warn_after: warn_after.map(duration),
            detach_after: detach_after.map(duration),
            remember: duration(remember),
        })
    }

    /// Changes the settings, for all processes.
    ///
    /// # Errors
    /// Where the database refuses; nothing has changed then.
    pub async fn set(&self, settings: RetentionSettings) -> Result<(), Error> {
        let RetentionSettings { keep, warn_after, detach_after, remember } = settings;
        sqlx::query(self.schema.sql(SET))
            .bind(keep.as_secs_f64())
            .bind(warn_after.map(|after| after.as_secs_f64()))
            .bind(detach_after.map(|after| after.as_secs_f64()))
            .bind(remember.as_secs_f64())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What subscribers do every few minutes, for those who do it elsewhere: forgets windows that nobody needs, warns of groups that
    /// are far behind, detaches those that are too far behind, and then does what [`run`](Self::run) does.
    ///
    /// # Errors
    /// Where the database refuses; the next call does what this one left.
    ///
    /// # Cancellation
    /// As of [`run`](Self::run).
    pub async fn maintain(&self) -> Result<RetentionReport, Error> {
        self.forget_windows().await?;
        self.warn_of_laggards().await?;
        let detached: Vec<String> = sqlx::query_scalar(self.schema.sql(DETACH_LAGGARDS)).fetch_all(&self.pool).await?;
        for group in detached {
            warn!(group, "the group was too far behind and is detached: the log no longer waits for it");
        }
        let report = self.run().await?;
        for partition in &report.dropped {
            info!(partition, "old events are removed from the log");
        }
        for partition in report.partitions.iter().filter(|partition| partition.kept.is_a_nuisance()) {
            warn!(partition = partition.name, kept = %partition.kept, "events that are old enough can't be removed");
        }
        Ok(report)
    }

    async fn forget_windows(&self) -> Result<(), Error> {
        loop {
            let forget = sqlx::query_scalar(self.schema.sql("SELECT eventwright.forget_windows($1)")).bind(STEP);
            let forgotten: i32 = forget.fetch_one(&self.pool).await?;
            if forgotten < STEP {
                return Ok(());
            }
        }
    }

    async fn warn_of_laggards(&self) -> Result<(), Error> {
        let Some(warn_after) = self.settings().await?.warn_after else { return Ok(()) };
        for lag in self.lag().await?.iter().filter(|lag| lag.detached_at.is_none() && lag.behind > warn_after) {
            warn!(group = lag.group, home = lag.home, events = lag.events, behind = ?lag.behind, "a group is far behind");
        }
        Ok(())
    }

    async fn may_and_must(&self) -> Result<(bool, bool), Error> {
        Ok(sqlx::query_as(self.schema.sql(MAY_AND_MUST)).fetch_one(&self.pool).await?)
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
