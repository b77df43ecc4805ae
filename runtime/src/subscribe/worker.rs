//! Handling a range: page by page, each in one transaction with the position.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use sqlx::{Connection, PgConnection, Row};
use tokio::sync::oneshot;
use tracing::warn;
use uuid::Uuid;

use super::Inner;
use super::ask::{Route, answered, undo};
use super::begun::{begin_chunk, begin_suspects, forget_chunk, take_turn};
use super::call::{is_aborted, is_shutdown, swallowed};
use super::chunk::{Chunk, Run};
use super::failure::Failure;
use super::glance::{Confirmed, Fits, News};
use super::hands::Hands;
use super::hold::{Aside, Hold, Reason};
use super::log::{Claim, Moved, Page, Window};
use super::page::Pages;
use super::together::together;
use crate::Error;
use crate::contract::Domain;

const BLOCKED: &str = include_str!("../sql/blocked.sql");

/// One by one, for which no plan reads all that the group has noted.
const REPEATS: &str = "SELECT r.event_id FROM unnest($2::uuid[]) AS given (id) CROSS JOIN LATERAL (
        SELECT event_id FROM eventwright.repeats WHERE group_name = $1 AND event_id = given.id LIMIT 1) r";
const FORGET_REPEATS: &str = "DELETE FROM eventwright.repeats WHERE ctid = ANY (ARRAY(
    SELECT r.place FROM unnest($2::uuid[]) AS given (id) CROSS JOIN LATERAL (
        SELECT ctid AS place FROM eventwright.repeats WHERE group_name = $1 AND event_id = given.id LIMIT 1) r))";

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
    let mut hands = Hands::take(inner).await?;
    let pages = Pages::new(at_most, range.ahead.take());
    let at_work = AtWork { ranges: &inner.ranges_at_work, counted: false };
    let mut worker = Worker {
        inner,
        range,
        pages,
        failed: HashMap::new(),
        again: false,
        careful: 0,
        alone: 0,
        many_wait: false,
        at_work,
    };
    let left = worker.run(&mut hands).await;
    match left {
        Ok(_) => hands.rest(inner).await?,
        Err(_) => {
            hands.discard();
            inner.resting.discard();
        }
    }
    left
}

struct Worker<'i, D, S> {
    inner: &'i Inner<D, S>,
    range: Range,
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
    async fn run(&mut self, hands: &mut Hands) -> Result<Left, Error> {
        while !self.inner.must_wait() {
            match self.run_page(hands).await? {
                Ran::Again => self.again = true,
                Ran::Leave(left) => return Ok(left),
                Ran::More => {
                    if self.range.trial {
                        return Ok(Left::Done);
                    }
                    self.again = false;
                    self.failed.clear();
                    while std::mem::take(&mut self.many_wait) && !self.inner.must_wait() {
                        self.many_wait = together(self.inner, &mut hands.work).await?;
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
    async fn run_page(&mut self, hands: &mut Hands) -> Result<Ran, Error> {
        let inner = self.inner;
        let Hands { work, aside, log: log_db, has_begun } = hands;
        let began = Instant::now();
        let mut tx = answered(work.begin_with(inner.begin())).await?;
        let claimed = Claim::take(&mut tx, &inner.log, &inner.group, self.range.lo, &self.range.newest);
        let Some((mut claim, standing)) = answered(claimed).await? else {
            return Ok(Ran::Leave(Left::Taken));
        };
        self.at_work.begin();
        let unconfirmed = self.take_news(&claim).await;
        if (unconfirmed.is_none() && claim.is_caught_up()) || standing.paused {
            return Ok(Ran::Leave(Left::Done));
        }
        let reading = log_db.as_mut().unwrap_or(aside);
        let mut page = answered(self.pages.next(&claim, reading, &inner.log, &self.range.event_types)).await?;
        let mut to_begin = page.ends();
        if to_begin.is_some_and(|(first, _)| standing.suspects(first, self.again)) {
            if unconfirmed.is_some() {
                // it is in no hurry any more
                return Ok(Ran::Leave(Left::Done));
            }
            if !answered(take_turn(inner, &mut tx)).await? {
                return Ok(Ran::Leave(Left::Suspect));
            }
            self.begin_suspects(aside, &claim, &mut page).await?;
            to_begin = None;
        } else if (!*has_begun || inner.settings.route == Route::Pooler)
            && let Some(ends) = to_begin.take()
        {
            answered(begin_chunk(inner, aside, self.range.lo, ends, self.again)).await?;
            *has_begun = true;
        }
        if self.alone > 0 {
            self.pages.shorten(&claim, &mut page, 1);
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
        let failed = &mut self.failed;
        let mut chunk =
            Chunk { inner, blocked, repeated: &repeated, attempts: &first, failed, aside: Aside::default() };
        let beside = async {
            if let Some(ends) = to_begin {
                // it is sent before the handlers run, and that is as good if they take the process down
                answered(begin_chunk(inner, aside, self.range.lo, ends, self.again)).await?;
            }
            let reading = log_db.as_mut().unwrap_or(aside);
            self.pages.read_ahead(&claim, &page, reading, &inner.log, &self.range.event_types).await;
            Ok::<(), Error>(())
        };
        let (said, ran) = tokio::join!(biased; beside, chunk.run(&mut tx, &page.events, self.careful > 0));
        said?;
        if let Some(confirmed) = unconfirmed {
            let Ok(Confirmed { window, event_types, fits }) = confirmed.await else {
                answered(forget_chunk(inner, aside, self.range.lo)).await?;
                return Ok(Ran::Leave(Left::Done));
            };
            self.range.newest = window.clone();
            self.range.event_types = event_types;
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
                answered(forget_chunk(inner, aside, self.range.lo)).await?;
                return Ok(Ran::Leave(Left::Done));
            }
            Run::Done(count) => self.pages.shorten(&claim, &mut page, count),
            Run::Failed => {
                self.careful = CAREFUL_PAGES;
                self.pages.failed();
                self.pages.put_back(claim, page);
                answered(undo(tx)).await?;
                return Ok(Ran::Again);
            }
            Run::Aborted => return Ok(self.single_out(&page, &swallowed())),
        }
        let handled = page.events.len() - held_back.len();
        let behind = held_back.holds().filter(|(_, hold)| hold.reason == Reason::Behind).count();
        self.many_wait = behind > 0 && behind * BEHIND >= page.events.len();
        let committed = async {
            held_back.store(inner, &mut tx, &blocked).await?;
            if !repeated.is_empty() {
                let query = inner.query(FORGET_REPEATS).bind(&inner.group).bind(page.event_ids());
                query.execute(&mut *tx).await?;
            }
            let moved = claim.advance(&mut tx, &inner.log, &inner.group, &page).await?;
            match moved {
                Moved::Not => tx.rollback().await?,
                Moved::On | Moved::Through => tx.commit().await?,
            }
            Ok::<Moved, Error>(moved)
        };
        match answered(committed).await {
            Ok(Moved::Not) => {
                warn!(inner.group, "a crash took a window back, and the events up to it are read again");
                answered(forget_chunk(inner, aside, self.range.lo)).await?;
                Ok(Ran::Leave(Left::Done))
            }
            Ok(moved) => {
                inner.metrics.handled(handled);
                match self.many_wait {
                    true => self.pages.failed(),
                    false => self.pages.handled(page.events.len(), began.elapsed()),
                }
                let gives_up = standing.wanted_with.is_some_and(|with| inner.has_more_ranges_than(with));
                Ok(match moved {
                    _ if gives_up => Ran::Leave(Left::Yielded),
                    Moved::Through => Ran::Leave(Left::Done),
                    Moved::On | Moved::Not => Ran::More,
                })
            }
            Err(Error::Database(error)) if is_aborted(&error) => Ok(self.single_out(&page, &swallowed())),
            // a constraint that is checked at the end, say
            Err(Error::Database(error)) if error.as_database_error().is_some() && !is_shutdown(&error) => {
                Ok(self.single_out(&page, &error.into()))
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for what a glance has found, which is then the next page, and returns who confirms it. `None`: there is nothing of the kind.
    async fn take_news(&mut self, claim: &Claim) -> Option<oneshot::Receiver<Confirmed>> {
        let (page, confirmed) = self.range.news.take()?.of(claim).await?;
        self.pages.put_back(claim.clone(), page);
        Some(confirmed)
    }

    /// Begins a page one of whose events may take the process down: as a company of some or, where that was cut short, too, as its first
    /// event, which is given up once its attempts are spent.
    async fn begin_suspects(&mut self, aside: &mut PgConnection, claim: &Claim, page: &mut Page) -> Result<(), Error> {
        let inner = self.inner;
        self.pages.shorten(claim, page, SUSPECTS);
        let begun = begin_suspects(inner, aside, self.range.lo, page, self.again);
        let Some(attempt) = answered(begun).await? else { return Ok(()) };
        self.pages.shorten(claim, page, 1);
        if inner.settings.retry.is_spent(attempt) {
            let begun = attempt - 1;
            let error = format!("the process ended while it handled the event, {begun} times");
            self.failed.extend(page.events.iter().map(|event| (event.seq, Hold::dead(begun, &error))));
            inner.metrics.held(Reason::Dead);
        }
        Ok(())
    }

    /// The page failed as a whole. We know which event it was where there was but one; so they run one by one.
    fn single_out(&mut self, page: &Page, failure: &Failure) -> Ran {
        match page.events.as_slice() {
            [event] => {
                self.failed.insert(event.seq, self.inner.failed(event, failure, 1));
            }
            events => self.alone = events.len(),
        }
        Ran::Again
    }
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
