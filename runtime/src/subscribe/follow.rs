//! Following a log in another database through its lives: to a standby that took its server's place, or to where it was restored.

use std::sync::atomic::Ordering;

use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use tracing::info;

use super::Inner;
use super::ask::answered;
use super::group::another_log;
use super::log::Identity;
use super::maintain::report;
use crate::Error;

const KNOWN: &str = "SELECT log_system, log_database, log_timeline, coalesce(log_started, 0) AS log_started
  FROM eventwright.groups WHERE name = $1";
/// Nobody else can change it then.
const LOCK: &str = "SELECT FROM eventwright.groups WHERE name = $1 FOR NO KEY UPDATE";
/// Asked after what is known: who changes that has noted these with it. In the order of the key, or all groups' might be looked through.
const HAS_REPEATS: &str = "SELECT (SELECT event_id FROM eventwright.repeats WHERE group_name = $1 ORDER BY event_id LIMIT 1) IS NOT NULL AS has_repeats";
const NEWEST: &str = include_str!("../sql/newest.sql");
const HERE: &str =
    "SELECT system, database, timeline, started, eventwright.has_window($1, $2, $3::text::xid8) AS has_window,
       EXISTS (SELECT FROM eventwright.windows WHERE life = $4) AS has_windows
  FROM eventwright.identity()";
const GO_ON: &str =
    "UPDATE eventwright.groups SET log_system = $2, log_database = $3, log_timeline = $4, log_started = $5
  WHERE name = $1";

/// Makes sure that the log has all that the group has read, and goes on with it: see `has_window`. Nobody may have in hand what was
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
    let mut given = log.find_identity().await?;
    // most often it is: then nobody is waited for
    if known(inner, inner.ask_on(db, inner.query(KNOWN).bind(group)).await?)? != given {
        given = go_on(inner, db).await?;
    }
    let has_repeats = inner.ask_on(db, inner.query(HAS_REPEATS).bind(group)).await?;
    let has_repeats = has_repeats.ok_or(sqlx::Error::RowNotFound)?.try_get("has_repeats")?;
    inner.has_repeats.store(has_repeats, Ordering::Relaxed);
    log.set_identity(Some(given));
    Ok(())
}

fn known<D, S>(inner: &Inner<D, S>, row: Option<PgRow>) -> Result<Identity, Error> {
    let row = row.ok_or_else(|| Error::NoGroup { group: inner.group.clone() })?;
    Ok(Identity::from_row(&row, ["log_system", "log_database", "log_timeline", "log_started"])?)
}

/// Has the group read the log as it is now, if that has all that the group has read.
async fn go_on<D, S>(inner: &Inner<D, S>, db: &mut PgConnection) -> Result<Identity, Error> {
    let Inner { group, .. } = inner;
    // in which a worker that vanishes is not waited for, either
    let mut tx = db.begin_with(inner.begin()).await?;
    inner.query(LOCK).bind(group).execute(&mut *tx).await?;
    let known = known(inner, inner.query(KNOWN).bind(group).fetch_optional(&mut *tx).await?)?;
    let newest = inner.query(NEWEST).bind(group).fetch_one(&mut *tx).await?;
    let (id, bound): (i64, i64) = (newest.try_get("id")?, newest.try_get("bound")?);
    let fence: String = newest.try_get("fence")?;
    let there = inner.ask_log(inner.query(HERE).bind(id).bind(bound).bind(fence).bind(known.system)).await?;
    let given = Identity::from_row(&there, ["system", "database", "timeline", "started"])?;
    if known != given {
        let is_the_same = match known.system == given.system {
            true => known.database == given.database,
            false => there.try_get("has_windows")?,
        };
        if !is_the_same {
            return Err(another_log(group.clone(), Some(&known), Some(&given)));
        }
        if known.database != given.database || !there.try_get::<bool, _>("has_window")? {
            return Err(Error::AnotherLog(refusal(group, &known, &given).into()));
        }
        Identity::bind_to(Some(given.clone()), inner.query(GO_ON).bind(group)).execute(&mut *tx).await?;
        info!(group, from = %known, to = %given, "the log goes on elsewhere or anew, and has all that the group has read");
    }
    tx.commit().await?;
    Ok(given)
}

fn refusal(group: &str, known: &Identity, given: &Identity) -> String {
    format!(
        "the log, which is {given}, does not have all that group `{group}` has read, of {known}: run `eventwright rebase --group {group}`"
    )
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} on timeline {}", self.system, self.database, self.timeline)
    }
}
