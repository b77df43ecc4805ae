//! Handling a range: page by page, each in one transaction with the position.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use sqlx::{Connection, PgConnection};

use super::Inner;
use super::context::Context;
use super::failure::Failure;
use super::handler::Handler;
use super::hold::{Aside, Hold, Reason};
use super::log::{Claim, Page};
use crate::contract::Domain;
use crate::error::chain;
use crate::release::BEGIN;
use crate::stored::Stored;

const BEGIN_CHUNK: &str = include_str!("../sql/begin_chunk.sql");
const BLOCKED: &str = include_str!("../sql/blocked.sql");
const TAKE_TURNS: &str =
    "SELECT pg_advisory_xact_lock('eventwright.begun'::regclass::oid::bigint::bit(32)::int, hashtext($1))";
const COUNT_ATTEMPT: &str = "UPDATE eventwright.begun SET attempts = attempts + 1
     WHERE group_name = $1 AND bucket_lo = $2 RETURNING attempts";

/// A range that was given to a task.
pub(super) struct Range {
    pub(super) lo: i16,
    /// The newest window when it was given.
    pub(super) newest: i64,
}

/// How a task left its range.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Left {
    /// Caught up, or the subscriber is stopping.
    Done,
    /// Another worker has it.
    Taken,
}

/// An event that failed, and how it is to be held back in the next run of its page.
struct Failed {
    seq: i64,
    hold: Hold,
}

enum Ran {
    More,
    Leave(Left),
    /// Rolled back, because this event failed.
    Failed(Failed),
    /// Rolled back, because a handler left the transaction aborted and yet said that all went well.
    Aborted,
}

/// Reads a range on until it is caught up.
pub(super) async fn run_range<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    range: Range,
) -> Result<Left, sqlx::Error> {
    let mut work = inner.pool.acquire().await?;
    let mut aside = inner.pool.acquire().await?;
    let mut failed = None;
    let mut limit = inner.settings.chunk;
    while !inner.is_stopping() {
        match run_page(inner, &mut work, &mut aside, &range, failed.take(), limit).await? {
            Ran::More => limit = inner.settings.chunk,
            Ran::Leave(left) => return Ok(left),
            Ran::Failed(event) => failed = Some(event),
            Ran::Aborted => limit = 1,
        }
    }
    Ok(Left::Done)
}

/// One page in one transaction, which is rolled back where this returns before its end. Where an event fails, the next run of
/// the same page stops at that event and holds it back: so each event runs at most twice, however many fail.
async fn run_page<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    work: &mut PgConnection,
    aside: &mut PgConnection,
    range: &Range,
    failed: Option<Failed>,
    limit: i64,
) -> Result<Ran, sqlx::Error> {
    let Inner { schema, group, .. } = inner;
    let mut tx = work.begin_with(BEGIN).await?;
    let Some(claim) = Claim::take(&mut tx, schema, group, range.lo, range.newest).await? else {
        return Ok(Ran::Leave(Left::Taken));
    };
    if claim.is_caught_up() {
        return Ok(Ran::Leave(Left::Done));
    }
    let mut page = claim.read(&mut tx, schema, &inner.event_types, limit).await?;
    if let Some(failed) = &failed {
        match page.events.iter().position(|event| event.seq == failed.seq) {
            Some(at) => page.keep(at + 1),
            // another worker was faster: what failed here is its business now
            None => return Ok(Ran::More),
        }
    }
    let mut held_back = Aside::default();
    if let (Some(first), Some(last)) = (page.events.first(), page.events.last()) {
        let mut died = None;
        if begin_chunk(inner, aside, range.lo, (first.seq, last.seq), failed.is_some()).await? {
            page.keep(1);
            let attempts = suspect_attempts(inner, &mut tx, aside, range.lo).await?;
            died = inner.settings.retry.is_spent(attempts).then(|| attempts - 1);
        }
        let mut chunk = Chunk { inner, blocked: blocked(inner, &mut tx, &page).await?, aside: held_back };
        match chunk.run(&mut tx, &page.events, failed, died).await {
            Err(failed) => return Ok(Ran::Failed(failed)),
            Ok(0) => return Ok(Ran::Leave(Left::Done)),
            Ok(done) => page.keep(done),
        }
        held_back = chunk.aside;
    }
    let stored = async {
        held_back.store(&mut tx, schema, group).await?;
        claim.advance(&mut tx, schema, group, &page).await
    };
    let through = match stored.await {
        Err(error) if is_aborted(&error) => return Ok(blame(inner, &page)),
        other => other?,
    };
    tx.commit().await?;
    Ok(if through { Ran::Leave(Left::Done) } else { Ran::More })
}

/// A handler aborted the transaction and said nothing: we know which one where there was but one.
fn blame<D, S>(inner: &Inner<D, S>, page: &Page) -> Ran {
    match page.events.as_slice() {
        [event] => Ran::Failed(Failed { seq: event.seq, hold: inner.failed(event, &swallowed(), 1) }),
        _ => Ran::Aborted,
    }
}

/// Says what is about to run, and returns whether its first event is suspected of ending processes.
async fn begin_chunk<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
    (first_seq, last_seq): (i64, i64),
    reported: bool,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(inner.schema.sql(BEGIN_CHUNK))
        .bind(&inner.group)
        .bind(lo)
        .bind(first_seq)
        .bind(last_seq)
        .bind(reported)
        .fetch_one(aside)
        .await
}

/// Counts an attempt at a suspect, this one included. Suspects of a group take turns: an innocent one that ran beside the
/// culprit would otherwise be counted for each process that the culprit takes down.
async fn suspect_attempts<D, S>(
    inner: &Inner<D, S>,
    tx: &mut PgConnection,
    aside: &mut PgConnection,
    lo: i16,
) -> Result<u32, sqlx::Error> {
    sqlx::query(inner.schema.sql(TAKE_TURNS)).bind(&inner.group).execute(tx).await?;
    let attempts: i32 =
        sqlx::query_scalar(inner.schema.sql(COUNT_ATTEMPT)).bind(&inner.group).bind(lo).fetch_one(aside).await?;
    Ok(attempts.unsigned_abs())
}

async fn blocked<D, S>(
    inner: &Inner<D, S>,
    tx: &mut PgConnection,
    page: &Page,
) -> Result<HashSet<String>, sqlx::Error> {
    let subjects: HashSet<&str> = page.events.iter().map(|event| event.envelope.subject.as_str()).collect();
    let subjects: Vec<&str> = subjects.into_iter().collect();
    let blocked: Vec<String> =
        sqlx::query_scalar(inner.schema.sql(BLOCKED)).bind(&inner.group).bind(subjects).fetch_all(tx).await?;
    Ok(blocked.into_iter().collect())
}

struct Chunk<'i, D, S> {
    inner: &'i Inner<D, S>,
    /// Subjects with an earlier event that is held back.
    blocked: HashSet<String>,
    aside: Aside,
}

impl<D: Domain, S: Send + Sync + 'static> Chunk<'_, D, S> {
    /// Runs the handlers of these events in the transaction, and returns how many events are done with.
    async fn run(
        &mut self,
        tx: &mut PgConnection,
        events: &[Stored],
        failed: Option<Failed>,
        died: Option<u32>,
    ) -> Result<usize, Failed> {
        for (at, event) in events.iter().enumerate() {
            if self.inner.is_stopping() {
                return Ok(at);
            }
            if let Some(failed) = failed.as_ref().filter(|failed| failed.seq == event.seq) {
                self.hold(event, failed.hold.clone());
            } else if let Some(attempts) = died {
                let error = format!("the process ended while it handled the event, {attempts} times");
                self.hold(event, Hold::dead(attempts, &error));
            } else {
                self.handle(tx, event).await?;
            }
        }
        Ok(events.len())
    }

    async fn handle(&mut self, tx: &mut PgConnection, event: &Stored) -> Result<(), Failed> {
        if self.blocked.contains(&event.envelope.subject) {
            self.hold(event, Hold::untried(Reason::Behind));
            return Ok(());
        }
        let (call, version) = match self.inner.handlers.find(event) {
            Some((Handler::InTransaction(call), version)) => (call, version),
            Some((Handler::Effect(_), _)) => {
                self.hold(event, Hold::untried(Reason::Effect));
                return Ok(());
            }
            None => {
                self.hold(event, Hold::untried(Reason::Unknown));
                return Ok(());
            }
        };
        let mut cx = Context { tx, state: &self.inner.state, cause: &event.envelope, publisher: &self.inner.publisher };
        let running = match call(event, version, &mut cx) {
            Ok(running) => running,
            // nothing ran, so nothing is to be undone
            Err(undecodable) => {
                self.hold(event, Hold::dead(1, &chain(&undecodable)));
                return Ok(());
            }
        };
        catch(running).await.map_err(|failure| Failed { seq: event.seq, hold: self.inner.failed(event, &failure, 1) })
    }

    fn hold(&mut self, event: &Stored, hold: Hold) {
        self.aside.hold(event, hold);
        self.blocked.insert(event.envelope.subject.clone());
    }
}

/// A handler's answer, where a panic is a failure like any other.
pub(super) async fn catch(running: impl Future<Output = super::Handled>) -> super::Handled {
    AssertUnwindSafe(running).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Failure::retry(format!("the handler panicked: {}", text.unwrap_or("without a message"))))
    })
}

/// Postgres appendix A, `in_failed_sql_transaction`: an earlier statement of the transaction failed.
pub(super) fn is_aborted(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).as_deref() == Some("25P02")
}

pub(super) fn swallowed() -> Failure {
    Failure::retry("the handler returned Ok after a statement in its transaction had failed")
}
