//! What keeps partitions, and how far groups are behind.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;

use super::duration;
use crate::Schema;

const PARTITIONS: &str =
    "SELECT partition, lower, upper, state, kept_until, held_by FROM eventwright.retention ORDER BY upper";
const LAG: &str =
    "SELECT group_name, home, events, extract(epoch FROM behind)::double precision AS behind, oldest_held, detached_at
   FROM eventwright.lag() ORDER BY home NULLS FIRST, group_name";

/// What was removed from the log, and what is left.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetentionReport {
    /// The partitions that this run removed, the oldest first.
    pub dropped: Vec<String>,
    /// The partitions that are there, the oldest first.
    pub partitions: Vec<Partition>,
    /// Whether the database user owns the log; another one removes nothing.
    pub may_drop: bool,
}

/// A part of the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Partition {
    /// The table's name.
    pub name: String,
    /// The first sequence number that belongs into it.
    pub lower: i64,
    /// The first sequence number that no longer does.
    pub upper: i64,
    /// Why it is there.
    pub kept: Kept,
}

/// Why a partition is there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kept {
    /// The log has not come to its end.
    Open,
    /// No group has ever read the log.
    Unread,
    /// Its newest event is not as old as `keep` says.
    Young {
        /// Until when.
        until: OffsetDateTime,
    },
    /// A transaction that was open when the partition's last event was published still is.
    Transaction(Option<OpenTransaction>),
    /// These groups have not handled all of it; a group of another database as `home/group`.
    Groups(Vec<String>),
    /// It may go.
    Due,
    /// Its removal was begun.
    Dropping {
        /// What the removal waits for, where this run found out.
        waits_for: Option<OpenTransaction>,
    },
}

impl Kept {
    /// Whether somebody should do something about it.
    pub(super) fn is_a_nuisance(&self) -> bool {
        matches!(self, Self::Transaction(_) | Self::Groups(_) | Self::Dropping { waits_for: Some(_) })
    }
}

/// A transaction that others wait for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OpenTransaction {
    /// The process id of its session (`pg_stat_activity`); a prepared transaction has none.
    pub pid: Option<i32>,
    /// What the session calls itself, or the name of the prepared transaction.
    pub name: String,
    /// Since when it is open; the database tells only its owner and superusers.
    pub since: Option<OffsetDateTime>,
}

impl fmt::Display for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "the transaction of process {pid} ({})", self.name)?,
            None => write!(f, "the prepared transaction {}", self.name)?,
        }
        match self.since {
            Some(since) => write!(f, ", open since {since}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("not full yet"),
            Self::Unread => f.write_str("no group has read the log yet"),
            Self::Young { until } => write!(f, "kept until {until}"),
            Self::Transaction(Some(transaction)) => write!(f, "held up by {transaction}"),
            Self::Transaction(None) => {
                f.write_str("held up by a transaction that ran when its last event was published")
            }
            Self::Groups(groups) => write!(f, "held up by group {}", groups.join(", ")),
            Self::Due => f.write_str("may go"),
            Self::Dropping { waits_for: Some(transaction) } => write!(f, "being removed, waits for {transaction}"),
            Self::Dropping { waits_for: None } => f.write_str("being removed"),
        }
    }
}

/// How far a group is behind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Lag {
    /// The group.
    pub group: String,
    /// The database that the group's tables are in, where it is not the log's.
    pub home: Option<String>,
    /// How many sequence numbers it has not passed: an upper bound of the events that it has to handle.
    pub events: i64,
    /// The age of the first event that it has not passed.
    pub behind: Duration,
    /// When the first event was published that it holds back and has not given up; unknown of a group elsewhere.
    pub oldest_held: Option<OffsetDateTime>,
    /// Since when the log does not wait for it.
    pub detached_at: Option<OffsetDateTime>,
}

pub(super) async fn partitions(pool: &PgPool, schema: &Schema) -> Result<Vec<Partition>, sqlx::Error> {
    let rows = sqlx::query(schema.sql(PARTITIONS)).fetch_all(pool).await?;
    let mut partitions = rows.iter().map(partition).collect::<Result<Vec<_>, _>>()?;
    if partitions.iter().any(|partition| matches!(partition.kept, Kept::Transaction(_))) {
        let oldest = oldest_with_xid(&mut *pool.acquire().await?).await?;
        for partition in &mut partitions {
            if let Kept::Transaction(transaction) = &mut partition.kept {
                transaction.clone_from(&oldest);
            }
        }
    }
    Ok(partitions)
}

fn partition(row: &PgRow) -> Result<Partition, sqlx::Error> {
    let kept = match row.try_get("state")? {
        "open" => Kept::Open,
        "unread" => Kept::Unread,
        "young" => Kept::Young { until: row.try_get("kept_until")? },
        "transaction" => Kept::Transaction(None),
        "group" => Kept::Groups(row.try_get("held_by")?),
        "dropping" => Kept::Dropping { waits_for: None },
        // for the minute that groups have to be made
        "settling" => Kept::Young { until: OffsetDateTime::now_utc() + Duration::from_secs(60) },
        _ => Kept::Due,
    };
    Ok(Partition { name: row.try_get("partition")?, lower: row.try_get("lower")?, upper: row.try_get("upper")?, kept })
}

pub(super) async fn lag(pool: &PgPool, schema: &Schema) -> Result<Vec<Lag>, sqlx::Error> {
    let lag = |row: &PgRow| {
        Ok(Lag {
            group: row.try_get("group_name")?,
            home: row.try_get("home")?,
            events: row.try_get("events")?,
            behind: duration(row.try_get("behind")?),
            oldest_held: row.try_get("oldest_held")?,
            detached_at: row.try_get("detached_at")?,
        })
    };
    sqlx::query(schema.sql(LAG)).fetch_all(pool).await?.iter().map(lag).collect()
}

/// The transaction with the oldest xid, in any database of the cluster: a snapshot's xmin is this one's.
async fn oldest_with_xid(db: &mut PgConnection) -> Result<Option<OpenTransaction>, sqlx::Error> {
    let oldest = "SELECT pid, name, since FROM (
            SELECT pid, coalesce(nullif(application_name, ''), usename, 'unnamed') AS name, xact_start AS since, age(backend_xid) AS age
              FROM pg_stat_activity WHERE backend_xid IS NOT NULL
             UNION ALL
            SELECT NULL, gid, prepared, age(transaction) FROM pg_prepared_xacts) t
      ORDER BY age DESC LIMIT 1";
    sqlx::query(oldest).fetch_optional(db).await?.as_ref().map(open_transaction).transpose()
}

pub(super) fn open_transaction(row: &PgRow) -> Result<OpenTransaction, sqlx::Error> {
    Ok(OpenTransaction { pid: row.try_get("pid")?, name: row.try_get("name")?, since: row.try_get("since")? })
}
