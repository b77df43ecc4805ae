//! Joining a group: making it, where it is not there yet, and making sure that it is the one that is meant.

use sqlx::Row;

use super::log::{Identity, Log, Window};
use super::maintain::report;
use super::{Inner, Start};
use crate::Error;
use crate::contract::Domain;

const MAKE_GROUP: &str = include_str!("../sql/make_group.sql");
const FIND_GROUP: &str =
    "SELECT domain, log_system, log_database, log_timeline FROM eventwright.groups WHERE name = $1";
/// Types that other deploys handle stay: a worker that does not know one holds its events.
const SAY_WHAT_IT_IS: &str = "UPDATE eventwright.groups
    SET event_types = ARRAY(SELECT DISTINCT unnest(event_types || $2) ORDER BY 1), keeps_order = $3
  WHERE name = $1 AND NOT (event_types @> $2 AND keeps_order = $3)";

/// Where a group begins.
struct Beginning {
    done: Window,
    /// The window that it reads to first, if not the newest.
    current: Option<Window>,
    after_seq: i64,
}

pub(super) async fn join<D: Domain, S>(inner: &mut Inner<D, S>) -> Result<(), Error> {
    if inner.log.is_elsewhere {
        inner.log.identity = Some(inner.log.find_identity().await?);
    }
    let Inner { pool, group, log, settings, .. } = &*inner;
    let mut found = find(inner).await?;
    if found.is_none() {
        make(inner, &beginning(log, settings.start).await?).await?;
        found = find(inner).await?;
    }
    let Some((owner, known)) = found else {
        return Err(Error::Database(sqlx::Error::RowNotFound));
    };
    if owner != D::NAME {
        return Err(Error::GroupOfAnotherDomain { group: group.clone(), owner, domain: D::NAME });
    }
    if !is_the_same_log(known.as_ref(), log.identity.as_ref()) {
        let (known, given) = (name(known.as_ref()), name(log.identity.as_ref()));
        return Err(Error::GroupOfAnotherLog { group: group.clone(), known, given });
    }
    let mut db = pool.acquire().await?;
    let mut db = inner.alone(&mut db).await?;
    let query = inner.query(SAY_WHAT_IT_IS).bind(group).bind(&inner.event_types).bind(settings.keeps_order);
    query.execute(&mut *db).await?;
    db.commit().await?;
    // its timeline, too: what has read another life of the log must not go on as if nothing had happened
    inner.log.identity = known;
    if inner.log.is_elsewhere {
        inner.home = Some(home(inner).await?);
        // before anything is read, or the log might drop it meanwhile
        report(inner).await?;
    }
    Ok(())
}

/// The database that has the group, as the log knows it.
async fn home<D, S>(inner: &Inner<D, S>) -> Result<String, sqlx::Error> {
    let home = Log::new(inner.pool.clone(), inner.schema.clone(), inner.settings.route).find_identity().await?;
    Ok(format!("{}/{}", home.system, home.database))
}

/// Its domain, and the log that it reads, where that is elsewhere.
async fn find<D, S>(inner: &Inner<D, S>) -> Result<Option<(String, Option<Identity>)>, sqlx::Error> {
    let mut db = inner.pool.acquire().await?;
    let mut db = inner.alone(&mut db).await?;
    let row = inner.query(FIND_GROUP).bind(&inner.group).fetch_optional(&mut *db).await?;
    db.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let system: Option<i64> = row.try_get("log_system")?;
    let elsewhere = match system {
        Some(system) => {
            Some(Identity { system, database: row.try_get("log_database")?, timeline: row.try_get("log_timeline")? })
        }
        None => None,
    };
    Ok(Some((row.try_get("domain")?, elsewhere)))
}

async fn beginning(log: &Log, start: Start) -> Result<Beginning, Error> {
    let done = match start {
        Start::Beginning => Window::beginning(),
        Start::Now => log.open_window(None).await?.newest,
    };
    Ok(Beginning { done, current: None, after_seq: 0 })
}

async fn make<D: Domain, S>(inner: &Inner<D, S>, beginning: &Beginning) -> Result<(), Error> {
    let Inner { pool, group, log, settings, .. } = inner;
    let elsewhere = log.identity.as_ref();
    let (lows, highs): (Vec<i16>, Vec<i16>) = split(settings.ranges).unzip();
    let Beginning { done, current, after_seq } = beginning;
    let current = current.as_ref();
    let mut db = pool.acquire().await?;
    let mut db = inner.alone(&mut db).await?;
    inner
        .query(MAKE_GROUP)
        .bind(group)
        .bind(D::NAME)
        .bind(elsewhere.map(|log| log.system))
        .bind(elsewhere.map(|log| &log.database))
        .bind(elsewhere.map(|log| log.timeline))
        .bind(lows)
        .bind(highs)
        .bind(done.id)
        .bind(current.map(|window| window.id))
        .bind(after_seq)
        .bind(&done.snapshot)
        .bind(done.bound)
        .bind(&done.fence)
        .bind(current.map(|window| &window.snapshot))
        .bind(current.map(|window| window.bound))
        .bind(current.map(|window| &window.fence))
        .execute(&mut *db)
        .await?;
    Ok(db.commit().await?)
}

fn is_the_same_log(known: Option<&Identity>, given: Option<&Identity>) -> bool {
    match (known, given) {
        (None, None) => true,
        // the timeline is held against it whenever it is read
        (Some(known), Some(given)) => (known.system, &known.database) == (given.system, &given.database),
        _ => false,
    }
}

fn name(log: Option<&Identity>) -> String {
    match log {
        Some(log) => format!("database `{}` of cluster {}", log.database, log.system),
        None => "this database".into(),
    }
}

/// The buckets 0 to 1023 in this many ranges of nearly equal size, both ends included.
fn split(ranges: u16) -> impl Iterator<Item = (i16, i16)> {
    let edge = move |n: u16| (u32::from(n) * 1024 / u32::from(ranges)) as i16;
    (0..ranges).map(move |n| (edge(n), edge(n + 1) - 1))
}
