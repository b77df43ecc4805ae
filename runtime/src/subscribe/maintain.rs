//! What a subscriber does for the log, now and then: room for the next events, and an end for old ones.

use sqlx::{PgConnection, Row};
use tracing::warn;

use super::Inner;
use super::ask::{Route, answered};
use crate::migrate::make_room;
use crate::{Error, Retention};

const STEP: i32 = 10_000;

const FORGET_KEYS: &str = "SELECT eventwright.forget_old_keys($1)";
const FORGET_WINDOWS: &str = "SELECT eventwright.forget_windows($1)";
const PUBLISH_DUE: &str = "SELECT eventwright.publish_due($1)";
const COMPLETED: &str = "SELECT min(done) AS completed FROM eventwright.positions WHERE group_name = $1";
const REPORT: &str = "INSERT INTO eventwright.readers AS r (home, group_name, completed) VALUES ($1, $2, $3)
    ON CONFLICT (home, group_name) DO UPDATE SET completed = excluded.completed, seen_at = clock_timestamp()";
const IS_DETACHED: &str =
    "SELECT detached_at IS NOT NULL AS detached FROM eventwright.readers WHERE home = $1 AND group_name = $2";

/// Room for the next events. What does not succeed is told, and tried again the next time.
pub(super) async fn make_ready<D, S>(inner: &Inner<D, S>) {
    told(inner, "the log's next partitions can't be made", answered(room(inner)).await);
}

/// An end for what is old. What does not succeed is told, and tried again the next time.
pub(super) async fn clear_away<D, S>(inner: &Inner<D, S>) {
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

/// Calls a function that forgets in steps, until there is nothing left.
async fn forget<D, S>(inner: &Inner<D, S>, function: &'static str) -> Result<(), Error> {
    let mut db = inner.log.pool.acquire().await?;
    loop {
        let step = async {
            let mut db = inner.alone(&mut db).await?;
            let forgotten: i32 = inner.query(function).bind(STEP).fetch_one(&mut *db).await?.try_get(0)?;
            db.commit().await?;
            Ok::<i32, sqlx::Error>(forgotten)
        };
        if answered(step).await? < STEP {
            return Ok(());
        }
    }
}

/// Moves scheduled events into the log that are due. Returns whether there were any, and nobody else is at it.
pub(super) async fn publish_due<D, S>(inner: &Inner<D, S>, db: &mut PgConnection) -> Result<bool, Error> {
    let moved = async {
        let mut db = inner.alone(db).await?;
        let moved: i32 = inner.query(PUBLISH_DUE).bind(STEP).fetch_one(&mut *db).await?.try_get(0)?;
        db.commit().await?;
        Ok::<bool, sqlx::Error>(moved > 0)
    };
    answered(moved).await
}

/// Tells another database's log how far the group has come, so that it keeps the rest. Refuses where the log no longer does.
pub(super) async fn report<D, S>(inner: &Inner<D, S>) -> Result<(), Error> {
    let Some(home) = &inner.home else { return Ok(()) };
    let completed = async {
        let mut db = inner.pool.acquire().await?;
        let mut db = inner.alone(&mut db).await?;
        let row = inner.query(COMPLETED).bind(&inner.group).fetch_one(&mut *db).await?;
        db.commit().await?;
        row.try_get::<Option<i64>, _>("completed")
    };
    let Some(completed) = answered(completed).await? else { return Ok(()) };
    let reported = async {
        let mut db = inner.log.pool.acquire().await?;
        let mut db = inner.alone(&mut db).await?;
        inner.query(REPORT).bind(home).bind(&inner.group).bind(completed).execute(&mut *db).await?;
        let row = inner.query(IS_DETACHED).bind(home).bind(&inner.group).fetch_one(&mut *db).await?;
        db.commit().await?;
        row.try_get::<bool, _>("detached")
    };
    match answered(reported).await? {
        true => Err(Error::Detached { group: inner.group.clone() }),
        false => Ok(()),
    }
}
