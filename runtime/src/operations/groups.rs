//! How groups stand, and what an operator can do with them.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use time::OffsetDateTime;

use crate::release::BEGIN;
use crate::to_the_end::to_the_end;
use crate::{Error, Schema};

const LIST: &str = include_str!("../sql/groups.sql");
const PAUSE: &str = "UPDATE eventwright.groups SET paused_at = clock_timestamp() WHERE name = $1 AND paused_at IS NULL";
/// Wakes the group's sleepers, and everybody else's, who will find nothing.
const RESUME: &str = "WITH resumed AS (
        UPDATE eventwright.groups SET paused_at = NULL WHERE name = $1 AND paused_at IS NOT NULL RETURNING name
    )
    SELECT pg_notify('eventwright', asleep.last_value::text) FROM resumed, eventwright.asleep";
const DETACH: &str =
    "UPDATE eventwright.groups SET detached_at = clock_timestamp() WHERE name = $1 AND detached_at IS NULL";
const DETACH_READER: &str = "UPDATE eventwright.readers SET detached_at = clock_timestamp()
     WHERE home = $2 AND group_name = $1 AND detached_at IS NULL";
/// Whether it was detached; no row, and nothing done, where there is no such group.
const ATTACH: &str =
    "WITH before AS MATERIALIZED (SELECT detached_at IS NOT NULL AS was FROM eventwright.groups WHERE name = $1)
    SELECT was, CASE WHEN was THEN eventwright.attach_group($1, NULL, $2)::text END FROM before";
const ATTACH_READER: &str = "WITH before AS MATERIALIZED (
        SELECT detached_at IS NOT NULL AS was FROM eventwright.readers WHERE home = $3 AND group_name = $1)
    SELECT was, CASE WHEN was THEN eventwright.attach_group($1, $3, $2)::text END FROM before";
const SET_RANGES: &str = "SELECT eventwright.set_ranges($1, $2)";
const IS_GROUP: &str = "SELECT EXISTS (SELECT FROM eventwright.groups WHERE name = $1)";
const IS_READER: &str = "SELECT EXISTS (SELECT FROM eventwright.readers WHERE home = $2 AND group_name = $1)";

/// The subscriber groups of a database, and those of others that read its log.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// let groups = eventwright::Groups::new(pool);
/// for group in groups.list().await? {
///     println!("{}: {:?} behind, {} dead letters", group.name, group.lag, group.held.dead);
/// }
/// groups.pause("growth-greetings").await?; // the mail server is down
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Groups {
    pool: PgPool,
    schema: Schema,
}

/// What is to be done where the log has dropped events that a group has not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gap {
    /// The group stays detached: [`Error::Gap`].
    #[default]
    Refuse,
    /// The group goes on behind them, and never handles them.
    Accept,
}

/// How a group stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupStatus {
    /// The group's name.
    pub name: String,
    /// The database that it lives in, as `system_identifier/name`; `None`: this one.
    pub home: Option<String>,
    /// The domain that made it; not known of other databases' groups.
    pub domain: Option<String>,
    /// When it was made; not known of other databases' groups.
    pub created_at: Option<OffsetDateTime>,
    /// Since when nobody takes anything of it; not known of other databases' groups.
    pub paused_at: Option<OffsetDateTime>,
    /// Since when the log no longer waits for it.
    pub detached_at: Option<OffsetDateTime>,
    /// The number in the log up to which all its ranges have passed; `None`: it reads another database's log.
    pub position: Option<i64>,
    /// How far it is behind; `None`: it reads another database's log, which knows.
    pub lag: Option<GroupLag>,
    /// How many ranges it has; not known of other databases' groups, and 0.
    pub ranges: u32,
    /// How many events it holds back; not known of other databases' groups, and 0.
    pub held: HeldEvents,
}

/// How far a group is behind the log's end, at its last range. What it holds back, it has passed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GroupLag {
    /// Numbers of the log that it has not passed. Not all are events: some were rolled back, or are of types that the group does
    /// not handle. Events of transactions that ran long are not counted.
    pub events: u64,
    /// The age of the first event that it has not passed.
    pub time: Duration,
}

/// How many events a group holds back, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldEvents {
    /// Failed, and to be tried again.
    pub failed: u64,
    /// Put off by their handlers.
    pub snoozed: u64,
    /// Waiting for their effect handlers, or with one.
    pub effect: u64,
    /// Waiting for a deploy that knows their versions.
    pub unknown: u64,
    /// Waiting for a worker, after an earlier event of the subject was let go.
    pub ready: u64,
    /// Waiting behind an earlier event of their subjects.
    pub behind: u64,
    /// Given up: see [`DeadLetters`](crate::DeadLetters).
    pub dead: u64,
}

impl HeldEvents {
    /// All of them but the dead ones.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.by_reason().iter().map(|(_, count)| count).sum()
    }

    /// All of them but the dead ones, by reason.
    #[must_use]
    pub fn by_reason(&self) -> [(&'static str, u64); 6] {
        [
            ("failed", self.failed),
            ("snoozed", self.snoozed),
            ("effect", self.effect),
            ("unknown", self.unknown),
            ("ready", self.ready),
            ("behind", self.behind),
        ]
    }
}

impl Groups {
    /// The groups in the schema `eventwright`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default() }
    }

    /// The groups in another schema.
    #[must_use]
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// All groups, by name; those of other databases last.
    ///
    /// What they hold back is counted one by one, which takes about a second where there are millions of it.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn list(&self) -> Result<Vec<GroupStatus>, Error> {
        let rows = sqlx::query(self.schema.sql(LIST)).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(GroupStatus::from_row).collect::<Result<_, _>>()?)
    }

    /// Has nobody take anything of a group, until it is resumed. Its workers finish what they are at. Returns whether it ran
    /// before.
    ///
    /// The log goes on to wait for the group, so it grows.
    ///
    /// # Errors
    /// [`Error::NoSuchGroup`], and where the database refuses.
    pub async fn pause(&self, group: &str) -> Result<bool, Error> {
        self.change(PAUSE, IS_GROUP, group, None).await
    }

    /// Lets a group go on that was paused. Returns whether it was.
    ///
    /// # Errors
    /// [`Error::NoSuchGroup`], and where the database refuses.
    pub async fn resume(&self, group: &str) -> Result<bool, Error> {
        self.change(RESUME, IS_GROUP, group, None).await
    }

    /// Has the log no longer wait for a group, so that it may forget events that the group has not handled. The group keeps its
    /// position and what it holds back; its subscribers refuse to run. Returns whether it was attached before.
    ///
    /// # Errors
    /// [`Error::NoSuchGroup`], and where the database refuses.
    pub async fn detach(&self, group: &str) -> Result<bool, Error> {
        self.change(DETACH, IS_GROUP, group, None).await
    }

    /// As [`detach`](Self::detach), for a group that lives in another database and reads this log; `home` is as in [`list`](Self::list).
    ///
    /// # Errors
    /// As [`detach`](Self::detach).
    pub async fn detach_reader(&self, home: &str, group: &str) -> Result<bool, Error> {
        self.change(DETACH_READER, IS_READER, group, Some(home)).await
    }

    /// Has the log wait for a group again that was detached, by [`detach`](Self::detach) or for having been too far behind. Returns whether
    /// it was. Its subscribers have ended when it was detached; start them again, and they go on where they were.
    ///
    /// # Errors
    /// [`Error::Gap`] where the log has dropped what the group was to handle next, unless that is accepted;
    /// [`Error::NoSuchGroup`], and where the database refuses.
    pub async fn attach(&self, group: &str, gap: Gap) -> Result<bool, Error> {
        let query = sqlx::query(self.schema.sql(ATTACH)).bind(group).bind(gap == Gap::Accept);
        let row = query.fetch_optional(&self.pool).await?;
        Ok(row.ok_or_else(|| no_such_group(group, None))?.try_get("was")?)
    }

    /// As [`attach`](Self::attach), for a group that lives in another database and reads this log; `home` is as in [`list`](Self::list).
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub async fn attach_reader(&self, home: &str, group: &str, gap: Gap) -> Result<bool, Error> {
        let query = sqlx::query(self.schema.sql(ATTACH_READER)).bind(group).bind(gap == Gap::Accept).bind(home);
        let row = query.fetch_optional(&self.pool).await?;
        Ok(row.ok_or_else(|| no_such_group(group, Some(home)))?.try_get("was")?)
    }

    /// Splits a group's subjects into so many ranges, from 1 to 1024: the most that all its processes handle at the same time. For more
    /// than its subscribers were first started with; their own setting ([`Subscriber::ranges`](crate::Subscriber::ranges)) is for new groups.
    ///
    /// While they run, or not. More ranges are there at once; fewer, once the group's workers have come to the same point in the log
    /// with all of them. Waits for the handlers' transactions that have the ranges, and lets none begin meanwhile.
    ///
    /// # Errors
    /// [`Error::Ranges`], [`Error::NoSuchGroup`], and where the database refuses; then nothing is changed.
    ///
    /// # Cancellation
    /// Dropping the future does not stop it.
    pub async fn set_ranges(&self, group: &str, ranges: u16) -> Result<(), Error> {
        if !(1..=1024).contains(&ranges) {
            return Err(Error::Ranges { ranges });
        }
        let (pool, schema, group) = (self.pool.clone(), self.schema.clone(), group.to_owned());
        to_the_end(async move {
            let mut tx = pool.begin_with(BEGIN).await?;
            if !sqlx::query_scalar(schema.sql(IS_GROUP)).bind(&group).fetch_one(&mut *tx).await? {
                return Err(no_such_group(&group, None));
            }
            sqlx::query(schema.sql(SET_RANGES)).bind(&group).bind(i32::from(ranges)).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn change(
        &self,
        change: &'static str,
        is_there: &'static str,
        group: &str,
        home: Option<&str>,
    ) -> Result<bool, Error> {
        let mut query = sqlx::query(self.schema.sql(change)).bind(group);
        let mut there = sqlx::query_scalar(self.schema.sql(is_there)).bind(group);
        if let Some(home) = home {
            query = query.bind(home);
            there = there.bind(home);
        }
        if query.execute(&self.pool).await?.rows_affected() > 0 {
            return Ok(true);
        }
        if there.fetch_one(&self.pool).await? {
            return Ok(false);
        }
        Err(no_such_group(group, home))
    }
}

fn no_such_group(group: &str, home: Option<&str>) -> Error {
    Error::NoSuchGroup { group: home.map_or_else(|| group.to_owned(), |home| format!("{home}/{group}")) }
}

impl GroupStatus {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let count =
            |column: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.unwrap_or(0).unsigned_abs());
        let events: Option<i64> = row.try_get("lag_events")?;
        let seconds: Option<f64> = row.try_get("lag_seconds")?;
        let lag = events.zip(seconds).map(|(events, seconds)| GroupLag {
            events: events.unsigned_abs(),
            time: Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX),
        });
        Ok(Self {
            name: row.try_get("name")?,
            home: row.try_get("home")?,
            domain: row.try_get("domain")?,
            created_at: row.try_get("created_at")?,
            paused_at: row.try_get("paused_at")?,
            detached_at: row.try_get("detached_at")?,
            position: row.try_get("position")?,
            lag,
            ranges: count("ranges")?.try_into().unwrap_or(u32::MAX),
            held: HeldEvents {
                failed: count("failed")?,
                snoozed: count("snoozed")?,
                effect: count("effect")?,
                unknown: count("unknown")?,
                ready: count("ready")?,
                behind: count("behind")?,
                dead: count("dead")?,
            },
        })
    }
}
