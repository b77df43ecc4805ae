//! Following a log in another database through its lives: to a standby that took its server's place, or to where it was restored.

use std::sync::atomic::Ordering;

use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use tracing::info;

use super::Inner;
use super::ask::answered;
use super::group::another_log;
use super::log::{Identity, Log};
use super::maintain::report;
use crate::Error;
use crate::release::BEGIN;

const KNOWN: &str = "SELECT log_system, log_database, log_timeline,
       EXISTS (SELECT FROM eventwright.repeats r WHERE r.group_name = g.name) AS has_repeats
  FROM eventwright.groups g WHERE name = $1 FOR NO KEY UPDATE";
/// Whoever handles a page that was read before comes to its end, and is seen; who comes later can't commit it.
const NEWEST: &str = "SELECT max(greatest(done, current)) AS newest FROM (
        SELECT done, current FROM eventwright.positions WHERE group_name = $1 ORDER BY bucket_lo FOR NO KEY UPDATE) p";
const HERE: &str = "SELECT system, database, timeline, eventwright.has_come_to($1, $2, $3) AS has_come,
       EXISTS (SELECT FROM eventwright.windows WHERE life = $2) AS has_windows
  FROM eventwright.identity()";
const GO_ON: &str =
    "UPDATE eventwright.groups SET log_system = $2, log_database = $3, log_timeline = $4 WHERE name = $1";

/// Makes sure that the log has all that the group has read, and goes on with it: see `has_come_to`. Nobody may have in hand what was
/// read before.
///
/// # Errors
/// [`Error::AnotherLog`] where the log has gone back in time; [`Error::GroupOfAnotherLog`] where it never was the group's.
pub(super) async fn follow<D, S>(inner: &Inner<D, S>) -> Result<(), Error> {
    let mut db = inner.pool.acquire().await?;
    let found = answered(find_out(inner, &mut db)).await;
    if found.is_err() {
        db.close_on_drop();
    }
    found?;
    // before anything is read, or the log might drop it meanwhile
    report(inner).await
}

async fn find_out<D, S>(inner: &Inner<D, S>, db: &mut PgConnection) -> Result<(), Error> {
    let Inner { group, log, .. } = inner;
    let mut tx = db.begin_with(BEGIN).await?;
    let row = inner.query(KNOWN).bind(group).fetch_optional(&mut *tx).await?;
    let row = row.ok_or_else(|| Error::NoGroup { group: group.clone() })?;
    let known = identity(&row, ["log_system", "log_database", "log_timeline"])?;
    let newest: Option<i64> = inner.query(NEWEST).bind(group).fetch_one(&mut *tx).await?.try_get("newest")?;
    let query = inner.query(HERE).bind(newest).bind(known.system).bind(known.timeline);
    let there = inner.ask_log(query).await?;
    let given = identity(&there, ["system", "database", "timeline"])?;
    if known != given {
        let is_the_same = match known.system == given.system {
            true => known.database == given.database,
            false => there.try_get("has_windows")?,
        };
        if !is_the_same {
            return Err(another_log(group.clone(), Some(&known), Some(&given)));
        }
        if known.database != given.database || !there.try_get::<bool, _>("has_come")? {
            return Err(Error::AnotherLog(refusal(group, &known, &given).into()));
        }
        let query = inner.query(GO_ON).bind(group);
        Log::bind_parts(query, Some(given.clone())).execute(&mut *tx).await?;
        info!(group, from = %known, to = %given, "the log goes on as another one, and has all that the group has read");
    }
    let has_repeats = row.try_get("has_repeats")?;
    tx.commit().await?;
    inner.has_repeats.store(has_repeats, Ordering::Relaxed);
    log.set_identity(Some(given));
    Ok(())
}

fn refusal(group: &str, known: &Identity, given: &Identity) -> String {
    format!(
        "group `{group}` has read {known}, and this is {given}, which does not have all of it: run `eventwright rebase --group {group}`"
    )
}

fn identity(row: &PgRow, [system, database, timeline]: [&str; 3]) -> Result<Identity, sqlx::Error> {
    Ok(Identity { system: row.try_get(system)?, database: row.try_get(database)?, timeline: row.try_get(timeline)? })
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} on timeline {}", self.system, self.database, self.timeline)
    }
}
