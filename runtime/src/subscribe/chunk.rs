//! Handling a range: page by page, each in one transaction with the position.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Instant;

use sqlx::{Connection, PgConnection, Row};
use tracing::warn;
use uuid::Uuid;

use super::Inner;
use super::around::Delivery;
use super::ask::{Route, answered, undo, undo_to_savepoint};
use super::call::{is_aborted, is_shutdown, swallowed};
use super::context::Context;
use super::failure::Failure;
use super::glance::{Confirmed, Fits, News};
use super::handler::Handler;
use super::hands::Hands;
use super::hold::{Aside, Hold, Reason};
use super::log::{Claim, Moved, Page, Window};
use super::page::Pages;
use super::together::together;
use crate::Error;
use crate::contract::Domain;
use crate::stored::Stored;

const BEGIN_CHUNK: &str = include_str!("../sql/begin_chunk.sql");
const BEGIN_SUSPECTS: &str = include_str!("../sql/begin_suspects.sql");
const BLOCKED: &str = include_str!("../sql/blocked.sql");
/// Never waits: who vanished while it waited would be waited for with its range, after whoever it had waited for.
const TAKE_TURN: &str =
    "SELECT pg_try_advisory_xact_lock('eventwright.begun'::regclass::oid::bigint::bit(32)::int, hashtext($1)) AS taken";
const FORGET_CHUNK: &str =
    "UPDATE eventwright.begun SET first_seq = 0 WHERE group_name = $1 AND bucket_lo = $2 AND NOT suspect";

/// One by one, for which no plan reads all that the group has noted.
const REPEATS: &str = "SELECT r.event_id FROM unnest($2::uuid[]) AS given (id) CROSS JOIN LATERAL (
        SELECT event_id FROM eventwright.repeats WHERE group_name = $1 AND event_id = given.id LIMIT 1) r";
const FORGET_REPEATS: &str = "DELETE FROM eventwright.repeats WHERE ctid = ANY (ARRAY(
    SELECT r.place FROM unnest($2::uuid[]) AS given (id) CROSS JOIN LATERAL (
        SELECT ctid AS place FROM eventwright.repeats WHERE group_name = $1 AND event_id = given.id LIMIT 1) r))";

const SAVEPOINT: &str = "SAVEPOINT eventwright";
const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT eventwright";
const NEXT_SAVEPOINT: &str = "RELEASE SAVEPOINT eventwright; SAVEPOINT eventwright";

/// Where events have failed lately, between two savepoints handlers run for this many times as long as one takes.
const BETWEEN_SAVEPOINTS: u32 = 8;
/// For so many pages after a failure.
const CAREFUL_PAGES: u16 = 64;

/// Of events one of which may take the process down, so many run together.
const SUSPECTS: usize = 32;

/// Where so many events of a page, one of eight, wait behind one that is held back, those come first: whatever is read after them waits, too.
const BEHIND: usize = 8;

/// A range that was given to a task.
pub(super) struct Range {
    pub(super) lo: i16,
    /// The newest window when it was given.
    pub(super) newest: Window,
    /// All types that the group handles.
    pub(super) event_types: Vec<String>,
    /// Whether it is to end after one event.
    pub(super) trial: bool,
    /// What was read already.
    pub(super) ahead: Option<(Claim, Page)>,
    /// What a glance finds, if it is to be waited for.
    pub(super) news: Option<News>,
}

/// How a task left its range.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Left {
    /// Caught up, or the subscriber is stopping.
    Done,
    /// Another worker has it.
    Taken,
    /// Given to a process that has fewer ranges.
    Yielded,
    /// Its next event may take the process down, and another one that may is at its turn.
    Suspect,
}

enum Ran {
    More,
    Leave(Left),
    /// Rolled back: some of its events failed, and are known now.
    Again,
}

/// Reads a range on until it is caught up.
pub(super) async fn run_range<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    mut range: Range,
) -> Result<Left, Error> {
    let at_most = if range.trial { 1 } else { inner.settings.chunk };
    let hands = Hands::take(inner).await?;
    let pages = Pages::new(at_most, range.ahead.take());
    let at_work = AtWork { ranges: &inner.ranges_at_work, counted: false };
    let mut worker = Worker {
        inner,
        range,
        hands,
        pages,
        failed: HashMap::new(),
        again: false,
        careful: 0,
        alone: 0,
        many_wait: false,
        at_work,
    };
    let left = worker.run().await;
    match left {
        Ok(_) => worker.hands.rest(inner).await?,
        Err(_) => {
            worker.hands.discard();
            inner.resting.discard();
        }
    }
    left
}

struct Worker<'i, D, S> {
    inner: &'i Inner<D, S>,
    range: Range,
    hands: Hands,
    pages: Pages,
    /// Events of the page at hand that failed in an earlier run of it, and how they are to be held back.
    failed: HashMap<i64, Hold>,
    /// Whether the page at hand was begun before by this worker, which has come through it alive.
    again: bool,
    /// For how many more pages there are savepoints.
    careful: u16,
    /// For how many more pages a page is one event.
    alone: usize,
    /// Whether much of the last page waits behind what is held back.
    many_wait: bool,
    at_work: AtWork<'i>,
}

/// Counts a range among those that this process has, from its first claim on.
struct AtWork<'i> {
    ranges: &'i AtomicI32,
    counted: bool,
}

impl AtWork<'_> {
    fn begin(&mut self) {
        if !self.counted {
            self.ranges.fetch_add(1, Ordering::Relaxed);
            self.counted = true;
        }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if self.counted {
            self.ranges.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<D: Domain, S: Send + Sync + 'static> Worker<'_, D, S> {
    async fn run(&mut self) -> Result<Left, Error> {
        while !self.inner.must_wait() {
            match self.run_page().await? {
                Ran::Again => self.again = true,
                Ran::Leave(left) => return Ok(left),
                Ran::More => {
                    if self.range.trial {
                        return Ok(Left::Done);
                    }
                    self.again = false;
                    self.failed.clear();
                    while std::mem::take(&mut self.many_wait) && !self.inner.must_wait() {
                        self.many_wait = together(self.inner, &mut self.hands.work).await?;
                    }
                    self.careful = self.careful.saturating_sub(1);
                    self.alone = self.alone.saturating_sub(1);
                }
            }
        }
        Ok(Left::Done)
    }

    /// One page in one transaction, which is rolled back where this returns before its end.
    ///
    /// While all goes well there is no savepoint. Where an event fails, the page is rolled back and runs once more with that event
    /// held back, and with a savepoint every few events, so that further failures undo little.
    async fn run_page(&mut self) -> Result<Ran, Error> {
        let Self { inner, range, hands, pages, failed, again, careful, alone, many_wait, at_work } = self;
        let Inner { group, log, .. } = *inner;
        let Hands { work, aside, log: log_db, has_begun } = hands;
        let began = Instant::now();
        let mut tx = answered(work.begin_with(inner.begin())).await?;
        let claimed = Claim::take(&mut tx, log, group, range.lo, &range.newest);
        let Some((mut claim, standing)) = answered(claimed).await? else {
            return Ok(Ran::Leave(Left::Taken));
        };
        at_work.begin();
        let news = match range.news.take() {
            Some(news) => news.of(&claim).await,
            None => None,
        };
        let unconfirmed = news.map(|(page, confirmed)| {
            pages.put_back(claim.clone(), page);
            confirmed
        });
        if (unconfirmed.is_none() && claim.is_caught_up()) || standing.paused {
            return Ok(Ran::Leave(Left::Done));
        }
        let read = pages.next(&claim, log_db.as_mut().unwrap_or(aside), log, &range.event_types);
        let mut page = answered(read).await?;
        let ends = page.ends();
        let suspect = ends.is_some_and(|(first, _)| standing.suspects(first, *again));
        if suspect && unconfirmed.is_some() {
            // it is in no hurry any more
            return Ok(Ran::Leave(Left::Done));
        }
        // else it is said while the handlers run: it is sent before them, and that is as good if they take the process down
        let begins_first = suspect || !*has_begun || inner.settings.route == Route::Pooler;
        if suspect {
            if !answered(take_turn(inner, &mut tx)).await? {
                return Ok(Ran::Leave(Left::Suspect));
            }
            pages.shorten(&claim, &mut page, SUSPECTS);
            if let Some(attempt) = answered(begin_suspects(inner, aside, range.lo, &page, *again)).await? {
                pages.shorten(&claim, &mut page, 1);
                if inner.settings.retry.is_spent(attempt) {
                    let begun = attempt - 1;
                    let error = format!("the process ended while it handled the event, {begun} times");
                    failed.extend(page.events.iter().map(|event| (event.seq, Hold::dead(begun, &error))));
                    inner.metrics.held(Reason::Dead);
                }
            }
        } else if let (true, Some(ends)) = (begins_first, ends) {
            answered(begin_chunk(inner, aside, range.lo, ends, *again)).await?;
            *has_begun = true;
        }
        if *alone > 0 {
            pages.shorten(&claim, &mut page, 1);
        }
        let blocked = match standing.holding {
            true => answered(blocked(inner, &mut tx, &page)).await?,
            false => HashSet::new(),
        };
        let repeated = match inner.has_repeats.load(Ordering::Relaxed) {
            true => answered(repeated(inner, &mut tx, &page)).await?,
            false => HashSet::new(),
        };
        let first = HashMap::new();
        let mut chunk =
            Chunk { inner, blocked, repeated: &repeated, attempts: &first, failed, aside: Aside::default() };
        let beside = async {
            if let (false, Some(ends)) = (begins_first, ends) {
                answered(begin_chunk(inner, aside, range.lo, ends, *again)).await?;
            }
            pages.read_ahead(&claim, &page, log_db.as_mut().unwrap_or(aside), log, &range.event_types).await;
            Ok::<(), Error>(())
        };
        let (said, ran) = tokio::join!(biased; beside, chunk.run(&mut tx, &page.events, *careful > 0));
        said?;
        if let Some(confirmed) = unconfirmed {
            let Ok(Confirmed { window, event_types, fits }) = confirmed.await else {
                answered(forget_chunk(inner, aside, range.lo)).await?;
                return Ok(Ran::Leave(Left::Done));
            };
            range.newest = window.clone();
            range.event_types = event_types;
            claim.read_to(window);
            match fits {
                Fits::Whole => {}
                Fits::Start => page.leave_the_rest(),
                Fits::Not => {
                    answered(undo(tx)).await?;
                    return Ok(Ran::Again);
                }
            }
        }
        let (held_back, blocked) = (chunk.aside, chunk.blocked);
        match ran? {
            Run::Done(0) if !page.events.is_empty() => {
                answered(forget_chunk(inner, aside, range.lo)).await?;
                return Ok(Ran::Leave(Left::Done));
            }
            Run::Done(count) => pages.shorten(&claim, &mut page, count),
            Run::Failed => {
                *careful = CAREFUL_PAGES;
                pages.failed();
                pages.put_back(claim, page);
                answered(undo(tx)).await?;
                return Ok(Ran::Again);
            }
            Run::Aborted => return Ok(single_out(inner, &page, failed, alone, &swallowed())),
        }
        let handled = page.events.len() - held_back.len();
        let behind = held_back.holds().filter(|(_, hold)| hold.reason == Reason::Behind).count();
        *many_wait = behind > 0 && behind * BEHIND >= page.events.len();
        let committed = async {
            held_back.store(inner, &mut tx, &blocked).await?;
            if !repeated.is_empty() {
                let query = inner.query(FORGET_REPEATS).bind(group).bind(page.event_ids());
                query.execute(&mut *tx).await?;
            }
            let moved = claim.advance(&mut tx, log, group, &page).await?;
            match moved {
                Moved::Not => tx.rollback().await?,
                Moved::On | Moved::Through => tx.commit().await?,
            }
            Ok::<Moved, Error>(moved)
        };
        match answered(committed).await {
            Ok(Moved::Not) => {
                warn!(group, "a crash took a window back, and the events up to it are read again");
                answered(forget_chunk(inner, aside, range.lo)).await?;
                Ok(Ran::Leave(Left::Done))
            }
            Ok(moved) => {
                inner.metrics.handled(handled);
                match *many_wait {
                    true => pages.failed(),
                    false => pages.handled(page.events.len(), began.elapsed()),
                }
                let gives_up = standing.wanted_with.is_some_and(|with| inner.has_more_ranges_than(with));
                Ok(match moved {
                    _ if gives_up => Ran::Leave(Left::Yielded),
                    Moved::Through => Ran::Leave(Left::Done),
                    Moved::On | Moved::Not => Ran::More,
                })
            }
            Err(Error::Database(error)) if is_aborted(&error) => {
                Ok(single_out(inner, &page, failed, alone, &swallowed()))
            }
            // a constraint that is checked at the end, say
            Err(Error::Database(error)) if error.as_database_error().is_some() && !is_shutdown(&error) => {
                Ok(single_out(inner, &page, failed, alone, &error.into()))
            }
            Err(error) => Err(error),
        }
    }
}

/// The page failed as a whole. We know which event it was where there was but one; so they run one by one.
fn single_out<D, S>(
    inner: &Inner<D, S>,
    page: &Page,
    failed: &mut HashMap<i64, Hold>,
    alone: &mut usize,
    failure: &Failure,
) -> Ran {
    match page.events.as_slice() {
        [event] => {
            failed.insert(event.seq, inner.failed(event, failure, 1));
        }
        events => *alone = events.len(),
    }
    Ran::Again
}

/// Says what is about to run.
async fn begin_chunk<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
    (first_seq, last_seq): (i64, i64),
    again: bool,
) -> Result<(), sqlx::Error> {
    let query = inner.query(BEGIN_CHUNK).bind(&inner.group).bind(lo).bind(first_seq).bind(last_seq).bind(again);
    inner.ask_on(aside, query).await?;
    Ok(())
}

/// The chunk was begun, and nothing of it has run: whoever comes next need not be suspicious.
async fn forget_chunk<D, S>(inner: &Inner<D, S>, aside: &mut PgConnection, lo: i16) -> Result<(), sqlx::Error> {
    inner.ask_on(aside, inner.query(FORGET_CHUNK).bind(&inner.group).bind(lo)).await?;
    Ok(())
}

/// Suspects of a group take turns: an innocent one that ran beside the culprit would otherwise be counted for each process that
/// the culprit takes down.
async fn take_turn<D, S>(inner: &Inner<D, S>, tx: &mut PgConnection) -> Result<bool, sqlx::Error> {
    inner.query(TAKE_TURN).bind(&inner.group).fetch_one(tx).await?.try_get("taken")
}

/// Says which suspects are about to run. Returns which attempt this is at the first of them, which is to run alone; `None`: they may
/// run together.
async fn begin_suspects<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
    page: &Page,
    again: bool,
) -> Result<Option<u32>, sqlx::Error> {
    let Some((first, few)) = page.ends() else { return Ok(None) };
    let query = inner.query(BEGIN_SUSPECTS).bind(&inner.group).bind(lo).bind(first).bind(few).bind(again);
    let begun = inner.ask_on(aside, query).await?.ok_or(sqlx::Error::RowNotFound)?;
    let attempt: i32 = begun.try_get("attempt")?;
    Ok(Some(attempt.unsigned_abs()).filter(|attempt| *attempt > 0))
}

async fn blocked<D, S>(
    inner: &Inner<D, S>,
    tx: &mut PgConnection,
    page: &Page,
) -> Result<HashSet<String>, sqlx::Error> {
    let subjects: HashSet<&str> = page.events.iter().map(|event| event.envelope.subject.as_str()).collect();
    let subjects: Vec<&str> = subjects.into_iter().collect();
    let query = inner.query_anew(BLOCKED).bind(&inner.group).bind(subjects).bind(inner.settings.keeps_order);
    let blocked = query.fetch_all(tx).await?;
    blocked.iter().map(|row| row.try_get("subject")).collect()
}

/// Events that the group was given before its log went back in time.
async fn repeated<D, S>(inner: &Inner<D, S>, tx: &mut PgConnection, page: &Page) -> Result<HashSet<Uuid>, sqlx::Error> {
    let repeats = inner.query(REPEATS).bind(&inner.group).bind(page.event_ids()).fetch_all(tx).await?;
    repeats.iter().map(|row| row.try_get("event_id")).collect()
}

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
