//! Handling a range: page by page, each in one transaction with the position.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use sqlx::{Connection, PgConnection};
use tracing::warn;

use super::Inner;
use super::context::Context;
use super::failure::{Failure, Verdict};
use super::handler::Handler;
use super::log::{Claim, Page};
use crate::contract::Domain;
use crate::error::chain;
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
    CaughtUp,
    /// Another worker has it.
    Taken,
    /// The subscriber is stopping.
    Stopped,
}

/// An event that failed, and what is to become of it in the next run of its page.
struct Parked {
    seq: i64,
    verdict: Verdict,
}

enum Ran {
    More,
    Through,
    Left(Left),
    /// Rolled back, because this event failed.
    Failed(Parked),
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
    let mut parked = None;
    let mut alone = false;
    loop {
        if inner.is_stopping() {
            return Ok(Left::Stopped);
        }
        let limit = if alone { 1 } else { inner.settings.chunk };
        match run_page(inner, &mut work, &mut aside, &range, parked.take(), limit).await? {
            Ran::More => alone = false,
            Ran::Through => return Ok(Left::CaughtUp),
            Ran::Left(left) => return Ok(left),
            Ran::Failed(event) => parked = Some(event),
            Ran::Aborted => alone = true,
        }
    }
}

/// One page in one transaction. Where an event fails, the transaction rolls back, and the next run of the same page stops at
/// that event and sets it aside: so each event runs at most twice, however many fail.
async fn run_page<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    work: &mut PgConnection,
    aside: &mut PgConnection,
    range: &Range,
    parked: Option<Parked>,
    limit: i64,
) -> Result<Ran, sqlx::Error> {
    let Inner { schema, group, .. } = inner;
    let mut tx = work.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let Some(claim) = Claim::take(&mut tx, schema, group, range.lo, range.newest).await? else {
        return Ok(Ran::Left(Left::Taken));
    };
    if claim.is_caught_up() {
        return Ok(Ran::Through);
    }
    let mut page = claim.read(&mut tx, schema, &inner.event_types, limit).await?;
    if let Some(parked) = &parked {
        match page.events.iter().position(|event| event.seq == parked.seq) {
            Some(at) => page.keep(at + 1),
            // another worker was faster: what failed here is its business now
            None => return Ok(Ran::More),
        }
    }
    if !page.events.is_empty() {
        let mut died = None;
        if begin_chunk(inner, aside, range.lo, &page, parked.is_some()).await? {
            page.keep(1);
            let attempts = suspect_attempts(inner, &mut tx, aside, range.lo).await?;
            died = inner.settings.retry.is_spent(attempts).then(|| attempts - 1);
        }
        let mut chunk =
            Chunk { inner, blocked: blocked(inner, &mut tx, &page).await?, aside: super::aside::Aside::default() };
        let done = match chunk.run(&mut tx, &page.events, parked, died).await {
            Err(failed) => {
                tx.rollback().await?;
                return Ok(Ran::Failed(failed));
            }
            Ok(done) => done,
        };
        if done == 0 {
            return Ok(Ran::Left(Left::Stopped));
        }
        page.keep(done);
        if let Err(error) = chunk.aside.store(&mut tx, schema, group).await {
            return aborted(tx, error, &page, inner).await;
        }
    }
    let through = match claim.advance(&mut tx, schema, group, &page).await {
        Ok(through) => through,
        Err(error) => return aborted(tx, error, &page, inner).await,
    };
    tx.commit().await?;
    Ok(if through { Ran::Through } else { Ran::More })
}

/// Says what is about to run, and returns whether its first event is suspected of ending processes.
async fn begin_chunk<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
    page: &Page,
    reported: bool,
) -> Result<bool, sqlx::Error> {
    let (Some(first), Some(last)) = (page.events.first(), page.events.last()) else { return Ok(false) };
    sqlx::query_scalar(inner.schema.sql(BEGIN_CHUNK))
        .bind(&inner.group)
        .bind(lo)
        .bind(first.seq)
        .bind(last.seq)
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

/// Our own statement failed after the handlers ran. In an aborted transaction that is a handler's doing.
async fn aborted<D, S>(
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    error: sqlx::Error,
    page: &Page,
    inner: &Inner<D, S>,
) -> Result<Ran, sqlx::Error> {
    if !is_aborted(&error) {
        return Err(error);
    }
    tx.rollback().await?;
    let [event] = page.events.as_slice() else { return Ok(Ran::Aborted) };
    Ok(Ran::Failed(Parked { seq: event.seq, verdict: inner.settings.retry.verdict(&swallowed(), 1) }))
}

struct Chunk<'i, D, S> {
    inner: &'i Inner<D, S>,
    /// Subjects with an earlier event that is held back or dead.
    blocked: HashSet<String>,
    aside: super::aside::Aside,
}

impl<D: Domain, S: Send + Sync + 'static> Chunk<'_, D, S> {
    /// Runs the handlers of these events in the transaction, and returns how many events are done with.
    async fn run(
        &mut self,
        tx: &mut PgConnection,
        events: &[Stored],
        parked: Option<Parked>,
        died: Option<u32>,
    ) -> Result<usize, Parked> {
        for (at, event) in events.iter().enumerate() {
            if self.inner.is_stopping() {
                return Ok(at);
            }
            if let Some(parked) = parked.as_ref().filter(|parked| parked.seq == event.seq) {
                self.set_aside(event, parked.verdict.clone());
            } else if let Some(attempts) = died {
                let error = format!("the process ended while it handled the event, {attempts} times");
                self.set_aside(event, Verdict::Die { attempts, error });
            } else {
                self.handle(tx, event).await?;
            }
        }
        Ok(events.len())
    }

    async fn handle(&mut self, tx: &mut PgConnection, event: &Stored) -> Result<(), Parked> {
        if self.blocked.contains(&event.envelope.subject) {
            self.aside.hold(event, "behind");
            return Ok(());
        }
        let (call, version) = match self.inner.handlers.find(event) {
            None => {
                self.hold_back(event, "unknown");
                return Ok(());
            }
            Some((Handler::Effect(_), _)) => {
                self.hold_back(event, "effect");
                return Ok(());
            }
            Some((Handler::InTransaction(call), version)) => (call, version),
        };
        let mut cx = Context { tx, state: &self.inner.state, cause: &event.envelope, publisher: &self.inner.publisher };
        let running = match call(event, version, &mut cx) {
            Ok(running) => running,
            Err(undecodable) => {
                self.set_aside(event, Verdict::Die { attempts: 1, error: chain(&undecodable) });
                return Ok(());
            }
        };
        match catch(running).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                warn!(group = self.inner.group, event_id = %event.envelope.event_id, event_type = event.envelope.event_type, ?failure, "handler failed");
                Err(Parked { seq: event.seq, verdict: self.inner.settings.retry.verdict(&failure, 1) })
            }
        }
    }

    fn hold_back(&mut self, event: &Stored, reason: &'static str) {
        self.aside.hold(event, reason);
        self.blocked.insert(event.envelope.subject.clone());
    }

    fn set_aside(&mut self, event: &Stored, verdict: Verdict) {
        self.aside.set(event, verdict);
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
