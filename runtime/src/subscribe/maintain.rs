//! What a subscriber does for the log, now and then: room for the next events, and an end for old ones.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tracing::warn;

use super::Inner;
use super::ask::{Route, answered};
use crate::migrate::make_room;
use crate::{Error, Retention};

const STEP: i32 = 10_000;

const FORGET_KEYS: &str = "SELECT eventwright.forget_old_keys($1)";
const FORGET_WINDOWS: &str = "SELECT eventwright.forget_windows($1)";
const FORGET_HANDLED: &str = "SELECT eventwright.forget_handled($1, $2)";
const PUBLISH_DUE: &str = "SELECT eventwright.publish_due($1)";
const STOOD: &str = "SELECT completed FROM eventwright.readers WHERE home = $1 AND group_name = $2";
const COMPLETED: &str =
    "SELECT done, CASE WHEN kept_done = done THEN done_snapshot::text END AS snapshot, coalesce(done_bound, 0) AS bound
       FROM eventwright.positions WHERE group_name = $1 ORDER BY done LIMIT 1";
const DETACH_WHERE_GAP: &str = "SELECT eventwright.detach_where_gap($1, $2, $3::text::pg_snapshot, $4) AS detached";
/// Writes nothing where it said the same a moment ago, so a group that rests spends few transaction ids of the log.
const REPORT: &str = "INSERT INTO eventwright.readers (home, group_name, completed)
    SELECT $1, $2, $3
     WHERE NOT EXISTS (SELECT FROM eventwright.readers
                        WHERE home = $1 AND group_name = $2 AND completed = $3
                          AND seen_at > clock_timestamp() - interval '5 minutes')
    ON CONFLICT (home, group_name) DO UPDATE SET completed = excluded.completed, seen_at = clock_timestamp()";
/// Whether it is time to clear away, and this process is the one to do it.
const MAY_CLEAR_AWAY: &str = "SELECT eventwright.may_clear_away() AS may";

/// Makes room for the next events, and an end to old ones. What does not succeed is told, and tried again the next time.
pub(super) async fn maintain<D, S>(inner: &Inner<D, S>) {
    told(inner, "the log's next partitions can't be made", answered(room(inner)).await);
    if inner.log.is_elsewhere {
        told(inner, "what was handled long ago can't be forgotten", forget_handled(inner).await);
    }
    let may = async { inner.ask_log(inner.query(MAY_CLEAR_AWAY)).await?.try_get("may") };
    match answered(may).await {
        Ok(true) => clear_away(inner).await,
        Ok(false) => {}
        Err(error) => told(inner, "old events can't be removed", Err(error)),
    }
}

async fn clear_away<D, S>(inner: &Inner<D, S>) {
    told(inner, "old idempotency keys can't be forgotten", forget(inner, FORGET_KEYS).await);
    let old = match inner.settings.route {
        // reports, removes, and warns
        Route::Direct => {
            let retention = Retention::new(inner.log.pool.clone()).schema(inner.log.schema.clone());
            retention.maintain().await.map(|_| ())
        }
        // removing takes a session of its own, which a pooler does not give
        Route::Pooler => forget(inner, FORGET_WINDOWS).await,
    };
    told(inner, "old events can't be removed", old);
}

fn told<D, S>(inner: &Inner<D, S>, what: &str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        warn!(group = inner.group, error = &error as &dyn std::error::Error, "{what}");
    }
}

async fn room<D, S>(inner: &Inner<D, S>) -> Result<(), Error> {
    let mut db = inner.log.pool.acquire().await?;
    make_room(&mut db, &inner.log.schema).await
}

/// Calls a function of the log that forgets.
async fn forget<D, S>(inner: &Inner<D, S>, function: &'static str) -> Result<(), Error> {
    in_steps(|| inner.ask_log(inner.query(function).bind(STEP))).await
}

/// Forgets the ids of what the group handled long ago.
async fn forget_handled<D, S>(inner: &Inner<D, S>) -> Result<(), Error> {
    let query = || inner.query(FORGET_HANDLED).bind(&inner.group).bind(STEP);
    in_steps(|| inner.settings.route.ask_one(&inner.pool, query())).await
}

/// Forgets so many at a time, until there is nothing left.
async fn in_steps<F: Future<Output = Result<PgRow, sqlx::Error>>>(forget: impl Fn() -> F) -> Result<(), Error> {
    while answered(forget()).await?.try_get::<i32, _>(0)? >= STEP {}
    Ok(())
}

/// Moves scheduled events into the log that are due. Returns whether there were any, and nobody else is at it.
pub(super) async fn publish_due<D, S>(inner: &Inner<D, S>) -> Result<bool, sqlx::Error> {
    let moved: i32 = inner.ask_log(inner.query(PUBLISH_DUE).bind(STEP)).await?.try_get(0)?;
    Ok(moved > 0)
}

/// Tells another database's log how far the group has come, so that it keeps the rest. Where the group has gone back, and the rest is not
/// all there, the log lets it read no more.
pub(super) async fn report<D, S>(inner: &Inner<D, S>) -> Result<(), Error> {
    let Some((home, group)) = &inner.log.reader else { return Ok(()) };
    let ask_log = |query| answered(inner.log.route.ask(&inner.log.pool, query));
    // before it is asked how far the group has come: others may tell meanwhile that it has come further
    let stood = ask_log(inner.query(STOOD).bind(home).bind(group)).await?;
    let stood: Option<i64> = stood.map(|row| row.try_get("completed")).transpose()?;
    let Some(row) = answered(inner.ask(inner.query(COMPLETED).bind(group))).await? else { return Ok(()) };
    let completed: i64 = row.try_get("done")?;
    ask_log(inner.query(REPORT).bind(home).bind(group).bind(completed)).await?;
    // a group that was made anew has not come to its first window yet
    if completed == 0 || stood.is_none_or(|stood| stood <= completed) {
        return Ok(());
    }
    let (snapshot, bound): (Option<String>, i64) = (row.try_get("snapshot")?, row.try_get("bound")?);
    let query = inner.query(DETACH_WHERE_GAP).bind(home).bind(group).bind(snapshot).bind(bound);
    let detached = ask_log(query).await?.map(|row| row.try_get("detached")).transpose()?;
    match detached.unwrap_or(false) {
        true => warn!(group, "the group's database was restored, and the log no longer has all that comes next"),
        false => warn!(group, "the group's database was restored; the log has all that comes next"),
    }
    Ok(())
}
