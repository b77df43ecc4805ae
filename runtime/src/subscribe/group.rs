//! Joining a group: making it, where it is not there yet, and making sure that it is the one that is meant.

use sqlx::Row;
use time::OffsetDateTime;

use super::ask::{NO_ANSWER, answered_within};
use super::follow::follow;
use super::log::{Identity, Log, Window};
use super::{End, Inner, Start};
use crate::contract::Domain;
use crate::payload::EventId;
use crate::{Error, EventLookup};

const MAKE_GROUP: &str = include_str!("../sql/make_group.sql");
const FIND_GROUP: &str =
    "SELECT domain, log_system, log_database, log_timeline, coalesce(log_started, 0) AS log_started, until_window IS NOT NULL AS is_replay, until_seq, effects
       FROM eventwright.groups WHERE name = $1";
const ASSERT_NOT_RESTORED: &str = "SELECT eventwright.assert_not_restored()";
const SEQ_AT: &str = "SELECT eventwright.seq_at($1) AS seq";
/// Types that other deploys handle stay: a worker that does not know one holds its events.
const SAY_WHAT_IT_IS: &str = "UPDATE eventwright.groups
    SET event_types = ARRAY(SELECT DISTINCT unnest(event_types || $2) ORDER BY 1), keeps_order = $3
  WHERE name = $1 AND NOT (event_types @> $2 AND keeps_order = $3)";

/// Where a group begins, and where it ends.
struct Beginning {
    done: Window,
    /// The window that it reads to first, if not the newest.
    current: Option<Window>,
    after_seq: i64,
    until_seq: Option<i64>,
}

/// A group as it was made.
struct Found {
    domain: String,
    log: Option<Identity>,
    is_replay: bool,
    until_seq: Option<i64>,
    effects: bool,
}

pub(super) async fn join<D: Domain, S>(inner: &mut Inner<D, S>) -> Result<(), Error> {
    // where the log's server was started anew, it waits for the group's handlers
    let limit = NO_ANSWER + inner.settings.time_limit;
    answered_within(limit, find_or_make(inner)).await
}

async fn find_or_make<D: Domain, S>(inner: &mut Inner<D, S>) -> Result<(), Error> {
    match inner.log.is_elsewhere {
        true => inner.log.set_identity(Some(inner.log.find_identity().await?)),
        false => inner.ask(inner.query(ASSERT_NOT_RESTORED)).await.map(|_| ())?,
    }
    let mut found = find(inner).await?;
    if found.is_none() {
        make(inner, &beginning(inner).await?).await?;
        found = find(inner).await?;
    }
    // it was there and could not be made, and is not to be seen: row-level security hides other domains' groups
    let found = found.ok_or_else(|| Error::GroupNameTaken { group: inner.group.clone(), domain: D::NAME })?;
    check(inner, &found)?;
    let query = inner.query(SAY_WHAT_IT_IS).bind(&inner.group);
    inner.ask(query.bind(&inner.event_types).bind(inner.settings.keeps_order)).await?;
    inner.log.until_seq = found.until_seq;
    inner.effects = found.effects;
    if inner.log.is_elsewhere {
        inner.log.reader = Some((home(inner).await?, inner.group.clone()));
        follow(inner).await?;
    }
    Ok(())
}

/// Whether this is the group that is meant.
fn check<D: Domain, S>(inner: &Inner<D, S>, found: &Found) -> Result<(), Error> {
    let Inner { log, settings, .. } = inner;
    let group = inner.group.clone();
    if found.domain != D::NAME {
        return Err(Error::GroupOfAnotherDomain { group, owner: found.domain.clone(), domain: D::NAME });
    }
    if found.log.is_some() != log.is_elsewhere {
        return Err(another_log(group, found.log.as_ref(), log.identity().as_ref()));
    }
    match (found.is_replay, settings.replay.is_some()) {
        (true, false) => Err(Error::IsReplay { group }),
        (false, true) => Err(Error::IsNoReplay { group }),
        _ => Ok(()),
    }
}

/// The database that has the group, as the log knows it.
async fn home<D, S>(inner: &Inner<D, S>) -> Result<String, sqlx::Error> {
    let home = Log::new(inner.pool.clone(), inner.schema.clone(), inner.settings.route).find_identity().await?;
    Ok(format!("{}/{}", home.system, home.database))
}

async fn find<D, S>(inner: &Inner<D, S>) -> Result<Option<Found>, sqlx::Error> {
    let Some(row) = inner.ask(inner.query(FIND_GROUP).bind(&inner.group)).await? else { return Ok(None) };
    let system: Option<i64> = row.try_get("log_system")?;
    let log = match system {
        Some(_) => Some(Identity::from_row(&row, ["log_system", "log_database", "log_timeline", "log_started"])?),
        None => None,
    };
    Ok(Some(Found {
        domain: row.try_get("domain")?,
        log,
        is_replay: row.try_get("is_replay")?,
        until_seq: row.try_get("until_seq")?,
        effects: row.try_get("effects")?,
    }))
}

async fn beginning<D, S>(inner: &Inner<D, S>) -> Result<Beginning, Error> {
    let Inner { log, settings, .. } = inner;
    let newest = log.open_window(&mut *log.pool.acquire().await?, None).await?.newest;
    let start = settings.replay.as_ref().map_or(settings.start, |replay| replay.start);
    if start == Start::Now {
        return Ok(Beginning { done: newest, current: None, after_seq: 0, until_seq: None });
    }
    let after_seq = match start {
        Start::At(time) => seq_at(inner, time).await?,
        Start::After(event_id) => seq_of(inner, event_id).await?,
        Start::Beginning | Start::Now => 0,
    };
    let until_seq = match settings.replay.as_ref().map(|replay| replay.end) {
        Some(End::At(time)) => Some(seq_at(inner, time).await?),
        Some(End::With(event_id)) => Some(seq_of(inner, event_id).await?),
        Some(End::Now) | None => None,
    };
    // in the middle of its first window, unless there is nothing yet
    let done = Window::beginning();
    let current = Some(newest).filter(|newest| newest.id > done.id);
    Ok(Beginning { done, current, after_seq, until_seq })
}

/// A number before all that was published at this time or later.
async fn seq_at<D, S>(inner: &Inner<D, S>, time: OffsetDateTime) -> Result<i64, sqlx::Error> {
    inner.ask_log(inner.query(SEQ_AT).bind(time)).await?.try_get("seq")
}

async fn seq_of<D, S>(inner: &Inner<D, S>, event_id: EventId) -> Result<i64, Error> {
    let lookup = EventLookup::new(inner.log.pool.clone()).schema(inner.schema.clone()).by(inner.settings.route);
    let located = lookup.locate(event_id).await?;
    located.map(|event| event.seq).ok_or(Error::NoSuchEvent { event_id })
}

async fn make<D: Domain, S>(inner: &Inner<D, S>, beginning: &Beginning) -> Result<(), Error> {
    let Inner { group, log, settings, .. } = inner;
    let identity = log.identity();
    let elsewhere = identity.as_ref();
    let Beginning { done, current, after_seq, until_seq } = beginning;
    let current = current.as_ref();
    let query = inner
        .query(MAKE_GROUP)
        .bind(group)
        .bind(D::NAME)
        .bind(elsewhere.map(|log| log.system))
        .bind(elsewhere.map(|log| &log.database))
        .bind(elsewhere.map(|log| log.timeline))
        .bind(i32::from(settings.ranges))
        .bind(done.id)
        .bind(current.map(|window| window.id))
        .bind(after_seq)
        .bind(&done.snapshot)
        .bind(done.bound)
        .bind(&done.fence)
        .bind(current.map(|window| &window.snapshot))
        .bind(current.map(|window| window.bound))
        .bind(current.map(|window| &window.fence))
        .bind(settings.replay.is_some())
        .bind(until_seq)
        .bind(settings.replay.as_ref().is_none_or(|replay| replay.effects))
        .bind(elsewhere.map(|log| log.started));
    inner.ask(query).await?;
    Ok(())
}

/// The group reads another log than it was given.
pub(super) fn another_log(group: String, known: Option<&Identity>, given: Option<&Identity>) -> Error {
    Error::GroupOfAnotherLog { group, known: name(known), given: name(given) }
}

fn name(log: Option<&Identity>) -> String {
    match log {
        Some(log) => format!("database `{}` of cluster {}", log.database, log.system),
        None => "this database".into(),
    }
}
