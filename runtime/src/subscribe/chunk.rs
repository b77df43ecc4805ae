//! Running events within a transaction: which of them are handled, and what becomes of those that are not.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Inner;
use super::around::Delivery;
use super::ask::{answered, undo_to_savepoint};
use super::call::is_aborted;
use super::context::Context;
use super::handler::Handler;
use super::hold::{Aside, Hold, Reason};
use crate::Error;
use crate::contract::Domain;
use crate::stored::Stored;

const SAVEPOINT: &str = "SAVEPOINT eventwright";
const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT eventwright";
const NEXT_SAVEPOINT: &str = "RELEASE SAVEPOINT eventwright; SAVEPOINT eventwright";

/// Where events have failed lately, between two savepoints handlers run for this many times as long as one takes.
const BETWEEN_SAVEPOINTS: u32 = 8;

pub(super) struct Chunk<'c, D, S> {
    pub(super) inner: &'c Inner<D, S>,
    /// Subjects with an event of an earlier chunk that is held back.
    pub(super) blocked: HashSet<String>,
    /// Events that are to be passed over.
    pub(super) repeated: &'c HashSet<Uuid>,
    /// Which attempt this is, where it is not the first.
    pub(super) attempts: &'c HashMap<i64, u32>,
    pub(super) failed: &'c mut HashMap<i64, Hold>,
    pub(super) aside: Aside,
}

/// Whether an error was passed over, after which Postgres takes no more statements but a rollback.
fn is_swallowed<T>(outcome: Result<T, Error>) -> Result<bool, Error> {
    match outcome {
        Ok(_) => Ok(false),
        Err(Error::Database(error)) if is_aborted(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// How the events of a page came out.
pub(super) enum Run {
    /// So many are done with.
    Done(usize),
    /// One failed, and is known now; the transaction is to be rolled back.
    Failed,
    /// A handler left the transaction aborted and yet said that all went well.
    Aborted,
}

impl<D: Domain, S: Send + Sync + 'static> Chunk<'_, D, S> {
    pub(super) async fn run(&mut self, tx: &mut PgConnection, events: &[Stored], careful: bool) -> Result<Run, Error> {
        match careful {
            true => self.run_carefully(tx, events).await,
            false => Ok(self.run_events(tx, events).await.map_or(Run::Failed, Run::Done)),
        }
    }

    /// From savepoint to savepoint: where an event fails, those since the last one run again. They come so often that they add little
    /// to what the handlers take, and so that little runs again.
    async fn run_carefully(&mut self, tx: &mut PgConnection, events: &[Stored]) -> Result<Run, Error> {
        let asked = Instant::now();
        answered(sqlx::raw_sql(SAVEPOINT).execute(&mut *tx)).await?;
        let mut since = Instant::now();
        let often = (since - asked) * BETWEEN_SAVEPOINTS;
        let mut kept = (0, self.aside.len());
        let mut at = 0;
        while let Some(event) = events.get(at)
            && !self.inner.must_wait()
        {
            match self.handle(tx, event).await {
                Ok(()) => at += 1,
                Err(hold) => {
                    self.failed.insert(event.seq, hold);
                    answered(undo_to_savepoint(tx)).await?;
                    self.aside.undo(kept.1);
                    at = kept.0;
                    since = Instant::now();
                }
            }
            if since.elapsed() >= often && at > kept.0 && at < events.len() {
                if is_swallowed(answered(sqlx::raw_sql(NEXT_SAVEPOINT).execute(&mut *tx)).await)? {
                    return Ok(Run::Aborted);
                }
                kept = (at, self.aside.len());
                since = Instant::now();
            }
        }
        match is_swallowed(answered(sqlx::raw_sql(RELEASE_SAVEPOINT).execute(tx)).await)? {
            true => Ok(Run::Aborted),
            false => Ok(Run::Done(at)),
        }
    }

    /// Returns how many events are done with; `None`: one failed, which `failed` knows now.
    async fn run_events(&mut self, tx: &mut PgConnection, events: &[Stored]) -> Option<usize> {
        for (at, event) in events.iter().enumerate() {
            if self.inner.must_wait() {
                return Some(at);
            }
            if let Err(hold) = self.handle(tx, event).await {
                self.failed.insert(event.seq, hold);
                return None;
            }
        }
        Some(events.len())
    }

    async fn handle(&mut self, tx: &mut PgConnection, event: &Stored) -> Result<(), Hold> {
        if self.repeated.contains(&event.envelope.event_id.as_uuid()) {
            return Ok(());
        }
        let subject = event.envelope.subject.as_str();
        if self.blocked.contains(subject) || self.aside.blocks(subject) {
            self.hold(event, Hold::untried(Reason::Behind));
            return Ok(());
        }
        // after that: of two that have failed in turns, the later one waits for the first
        if let Some(hold) = self.failed.get(&event.seq).cloned() {
            self.hold(event, hold);
            return Ok(());
        }
        let (at, call, version) = match self.inner.handlers.find(event) {
            Some((at, Handler::InTransaction(call), version)) => (at, call, version),
            Some((_, Handler::Effect(_), _)) if !self.inner.effects => return Ok(()),
            Some((_, Handler::Effect(_), _)) => {
                self.hold(event, Hold::untried(Reason::Effect));
                return Ok(());
            }
            Some((_, Handler::Ignore, _)) => return Ok(()),
            None => {
                self.hold(event, Hold::untried(Reason::Unknown));
                return Ok(());
            }
        };
        let inner = self.inner;
        let has_tx = AtomicBool::new(false);
        let mut cx = Context::new(tx, &has_tx, &inner.state, &event.envelope, &inner.publisher);
        let attempts = self.attempts.get(&event.seq).copied().unwrap_or(1);
        let delivery = Delivery { group: &inner.group, event, version, attempt: attempts };
        let handled = match inner.handlers.start(call, delivery, &mut cx) {
            Ok(running) => inner.call(event, at, inner.settings.time_limit, running).await,
            Err(failure) => Err(failure),
        };
        let Err(failure) = handled else { return Ok(()) };
        let hold = inner.failed(event, &failure, attempts);
        if has_tx.into_inner() {
            return Err(hold);
        }
        // nothing was written, so nothing is to be undone
        self.hold(event, hold);
        Ok(())
    }

    fn hold(&mut self, event: &Stored, hold: Hold) {
        let blocks = self.inner.settings.keeps_order || !hold.reason.is_of_a_failure();
        self.aside.hold(event, hold, blocks);
    }
}
