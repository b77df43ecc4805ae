//! The loop that looks for work, hands it out to tasks, and sleeps when there is none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::task::{Id, JoinSet};
use tracing::{error, info, warn};

use super::ask::answered;
use super::breaker::May;
use super::chunk::{Left, Range, run_range};
use super::held::run_held;
use super::log::{Claim, Page, Window};
use super::scout::scout;
use super::wake::{Call, Listener, Ticket, answer};
use super::{Inner, group};
use crate::Error;
use crate::contract::Domain;
use crate::migrate::make_room;

const LOOK: &str = include_str!("../sql/look.sql");
const MEET: &str = "SELECT eventwright.meet($1)";
/// Asks whoever has the range to leave it to us, who have fewer.
const ASK_FOR: &str = "UPDATE eventwright.begun
    SET wanted_until = clock_timestamp() + interval '2 seconds', wanted_with = $3
  WHERE group_name = $1 AND bucket_lo = $2";

/// How often to look while there is work, and while a ticket settles.
const BUSY: Duration = Duration::from_millis(10);
/// How often to look when all hands are full: the group may have been paused.
const FULL: Duration = Duration::from_millis(500);
/// How often to look while a ticket settles that a long transaction keeps from settling.
const UNSETTLED: Duration = Duration::from_millis(50);
/// How long a range is left to the worker that has it, before it is asked for again.
const TAKEN: Duration = Duration::from_millis(50);
/// How long a range is left to the process that asked for it.
const YIELDED: Duration = Duration::from_millis(300);
const MAINTENANCE: Duration = Duration::from_secs(30);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);
/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Shutdown,
    Quiet,
}

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Range(i16),
    Held,
}

/// A range that is not at the newest window yet, as it stood a moment ago.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) lo: i16,
    pub(super) hi: i16,
    pub(super) done: i64,
    pub(super) current: Option<i64>,
    pub(super) stop_at: Option<i64>,
}

/// What there is to do.
struct Look {
    newest: Window,
    spans: Vec<Span>,
    event_types: Vec<String>,
    /// Until the next held event is due; `None`: there is none.
    due_in: Option<Duration>,
    /// Whether it saw all that those published who may not call us.
    settled: bool,
    /// Nothing may be done before this time is over.
    rests: Option<Duration>,
    /// One event is to be tried.
    trial: bool,
}

impl Look {
    fn is_quiet(&self) -> bool {
        self.spans.is_empty() && self.due_in.is_none()
    }
}

struct Driver<D, S> {
    inner: Arc<Inner<D, S>>,
    tasks: JoinSet<Result<(), Error>>,
    at_work: HashMap<Id, Work>,
    listener: Option<Listener>,
    ticket: Option<Ticket>,
    back_off: Duration,
    maintained: Option<Instant>,
}

pub(super) async fn run<D: Domain, S: Send + Sync + 'static>(
    mut inner: Inner<D, S>,
    shutdown: impl Future<Output = ()> + Send,
    until: Until,
) -> Result<(), Error> {
    group::join(&mut inner).await?;
    let listener = if inner.settings.listen && until == Until::Shutdown {
        Some(Listener::start(&inner.log.pool, &inner.log.schema).await?)
    } else {
        None
    };
    let mut driver = Driver {
        inner: Arc::new(inner),
        tasks: JoinSet::new(),
        at_work: HashMap::new(),
        listener,
        ticket: None,
        back_off: BUSY,
        maintained: None,
    };
    info!(group = driver.inner.group, "subscriber runs");
    let ended = tokio::select! {
        biased;
        () = shutdown => Ok(()),
        ended = driver.work(until) => ended,
    };
    driver.stop().await;
    info!(group = driver.inner.group, "subscriber stopped");
    ended
}

impl<D: Domain, S: Send + Sync + 'static> Driver<D, S> {
    async fn work(&mut self, until: Until) -> Result<(), Error> {
        loop {
            match self.turn(until).await {
                Ok(true) => return Ok(()),
                Ok(false) => self.back_off = BUSY,
                // who drains waits for the end, not for a database
                Err(error) if until == Until::Quiet || error.is_final() => return Err(error),
                Err(error) => {
                    self.inner.log.forget();
                    error!(group = self.inner.group, %error, retry_in = ?self.back_off, "the database refused");
                    tokio::time::sleep(self.back_off).await;
                    self.back_off = (self.back_off * 2).min(LONGEST_BACK_OFF);
                }
            }
        }
    }

    /// Looks, hands out, and waits for what comes first. Returns whether all is done.
    async fn turn(&mut self, until: Until) -> Result<bool, Error> {
        self.maintain().await?;
        let look = answered(self.look()).await?;
        if until == Until::Quiet && look.is_quiet() && self.tasks.is_empty() {
            return Ok(true);
        }
        if !self.hand_out_what_is_new(&look).await? {
            self.hand_out(&look);
        }
        if !self.tasks.is_empty() {
            self.wait_at_work().await?;
        } else if let Some(rest) = look.rests {
            tokio::time::sleep(rest).await;
        } else if look.spans.is_empty() {
            self.sleep(&look).await?;
        }
        Ok(false)
    }

    async fn look(&self) -> Result<Look, Error> {
        let Inner { group, kinds, log, .. } = &*self.inner;
        let over = self.ticket.as_ref().map(Ticket::fence);
        let (newest, settled, row) = match log.is_elsewhere {
            false => log.open_and_look(over, group, kinds).await?,
            true => {
                let (newest, settled) = log.open_window(over).await?;
                let row = self.look_at_group(newest.id).await?;
                (newest, settled, row)
            }
        };
        let row = row.ok_or_else(|| Error::NoGroup { group: group.clone() })?;
        if row.try_get("detached")? {
            return Err(Error::Detached { group: group.clone() });
        }
        if row.try_get("meeting")? {
            self.meet().await?;
        }
        let paused: bool = row.try_get("paused")?;
        let may = self.inner.breaker.may();
        let due_in: Option<f64> = row.try_get("due_in")?;
        Ok(Look {
            newest,
            settled,
            spans: spans(&row)?,
            event_types: row.try_get("event_types")?,
            due_in: due_in.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
            rests: match may {
                _ if paused => Some(FULL),
                May::Wait(wait) => Some(wait),
                May::Run | May::Try => None,
            },
            trial: may == May::Try,
        })
    }

    async fn look_at_group(&self, newest: i64) -> Result<Option<PgRow>, sqlx::Error> {
        let mut db = self.inner.pool.acquire().await?;
        let mut db = self.inner.alone(&mut db).await?;
        let query = self.inner.query(LOOK).bind(&self.inner.group).bind(newest).bind(&self.inner.kinds);
        let row = query.fetch_optional(&mut *db).await?;
        db.commit().await?;
        Ok(row)
    }

    async fn meet(&self) -> Result<(), sqlx::Error> {
        let mut db = self.inner.pool.acquire().await?;
        let mut db = self.inner.alone(&mut db).await?;
        self.inner.query(MEET).bind(&self.inner.group).execute(&mut *db).await?;
        db.commit().await
    }

    /// Where nobody is at work and there is little to do, ranges are handed out with what there is to do.
    async fn hand_out_what_is_new(&mut self, look: &Look) -> Result<bool, Error> {
        if !self.tasks.is_empty() || look.rests.is_some() || look.trial || look.due_in == Some(Duration::ZERO) {
            return Ok(false);
        }
        let scouted = scout(&self.inner, &look.spans, &look.newest, &look.event_types).await?;
        let Some(mut scouted) = scouted else { return Ok(false) };
        if scouted.found.len() > usize::from(self.inner.settings.workers) {
            return Ok(false);
        }
        for (claim, page) in std::mem::take(&mut scouted.found) {
            self.hand_out_range(look, claim.lo(), Some((claim, page)));
        }
        scouted.pass_over(&self.inner).await?;
        Ok(true)
    }

    fn hand_out_range(&mut self, look: &Look, lo: i16, ahead: Option<(Claim, Page)>) {
        let (newest, event_types) = (look.newest.clone(), look.event_types.clone());
        let range = Range { lo, newest, event_types, trial: look.trial, ahead };
        let inner = Arc::clone(&self.inner);
        let task = self.tasks.spawn(async move { run_and_rest(&inner, range).await });
        self.at_work.insert(task.id(), Work::Range(lo));
    }

    fn hand_out(&mut self, look: &Look) {
        if look.rests.is_some() || (look.trial && !self.tasks.is_empty()) {
            return;
        }
        let may_run_held = self.may_run_held() && (!look.trial || look.spans.is_empty());
        if look.due_in == Some(Duration::ZERO) && may_run_held {
            let inner = Arc::clone(&self.inner);
            let trial = look.trial;
            let task = self.tasks.spawn(async move { run_held(&inner, trial).await });
            self.at_work.insert(task.id(), Work::Held);
        }
        for span in &look.spans {
            if !self.has_hands_free() || (look.trial && !self.tasks.is_empty()) {
                return;
            }
            if self.at_work.values().all(|work| *work != Work::Range(span.lo)) {
                self.hand_out_range(look, span.lo, None);
            }
        }
    }

    fn has_hands_free(&self) -> bool {
        self.tasks.len() < usize::from(self.inner.settings.workers)
    }

    /// Half of the workers at most, or slow effects would keep the log from being read.
    fn may_run_held(&self) -> bool {
        let running = self.at_work.values().filter(|work| **work == Work::Held).count();
        self.has_hands_free() && running < usize::from(self.inner.settings.workers.div_ceil(2))
    }

    /// Waits until a task is finished, or for a moment, to see what else there is to do.
    async fn wait_at_work(&mut self) -> Result<(), Error> {
        let moment = if self.has_hands_free() { BUSY } else { FULL };
        tokio::select! {
            Some(finished) = self.tasks.join_next_with_id() => match finished {
                Ok((id, result)) => {
                    self.at_work.remove(&id);
                    result?;
                }
                Err(panic) => {
                    // handlers' panics are caught; this is a defect of ours, and others may go on
                    self.at_work.remove(&panic.id());
                    error!(group = self.inner.group, %panic, "a worker panicked");
                }
            },
            call = next_call(&mut self.listener) => self.answer(call),
            () = tokio::time::sleep(moment) => {}
        }
        Ok(())
    }

    /// Nothing to do: sleeps until there is, by the order that `wake` describes.
    async fn sleep(&mut self, look: &Look) -> Result<(), Error> {
        let at_most = look.due_in.unwrap_or(Duration::MAX).min(self.inner.settings.poll);
        if self.listener.is_none() {
            tokio::time::sleep(at_most).await;
            return Ok(());
        }
        let Some(ticket) = self.ticket.as_ref().filter(|ticket| !ticket.is_old()) else {
            let log = &self.inner.log;
            self.ticket = Some(answered(Ticket::take(&log.pool, &log.schema)).await?);
            return Ok(());
        };
        let nap = match look.settled {
            true => ticket.until_old(),
            false if ticket.is_young() => BUSY,
            false => UNSETTLED,
        };
        tokio::select! {
            call = next_call(&mut self.listener) => self.answer(call),
            () = tokio::time::sleep(nap.min(at_most)) => {}
        }
        Ok(())
    }

    /// Publishers are told in the background that they need not call any more: what there is to do comes first.
    fn answer(&mut self, call: Call) {
        self.ticket = None;
        if let Call::Answered(ticket) = call {
            let inner = Arc::clone(&self.inner);
            tokio::spawn(async move {
                if let Err(error) = answered(answer(&inner.log.pool, &inner.log.schema, ticket)).await {
                    warn!(group = inner.group, %error, "publishers were not told that the group is awake");
                }
            });
        }
    }

    /// Makes room in the log and forgets windows that nobody needs.
    async fn maintain(&mut self) -> Result<(), Error> {
        if self.maintained.is_some_and(|last| last.elapsed() < MAINTENANCE) {
            return Ok(());
        }
        self.maintained = Some(Instant::now());
        let log = &self.inner.log;
        let maintained = async {
            let mut db = log.pool.acquire().await?;
            let mut db = log.route.alone(&mut db).await?;
            sqlx::raw_sql(log.schema.sql(FORGET_WINDOWS)).execute(&mut *db).await?;
            db.commit().await
        };
        answered(self.make_room()).await?;
        answered(maintained).await
    }

    async fn make_room(&self) -> Result<(), sqlx::Error> {
        let log = &self.inner.log;
        let mut db = log.pool.acquire().await?;
        if let Err(error) = make_room(&mut db, &log.schema).await {
            warn!(%error, "the log's next partitions can't be made");
        }
        Ok(())
    }

    /// Lets the tasks finish or roll back, waits for them, and closes the connections.
    async fn stop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        // it has a connection, which closing the pool would wait for
        self.listener = None;
        self.inner.log.pool.close().await;
        self.inner.pool.close().await;
    }
}

/// Tasks come to their own end, also when the run is dropped: a task that is aborted while it begins a transaction would leave
/// it open on a connection that goes back to the pool (sqlx 0.9 knows of a transaction only once BEGIN was answered).
impl<D, S> Drop for Driver<D, S> {
    fn drop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        self.tasks.detach_all();
    }
}

fn spans(row: &PgRow) -> Result<Vec<Span>, sqlx::Error> {
    // null where there are none
    let lows: Option<Vec<i16>> = row.try_get("lows")?;
    let Some(lows) = lows else { return Ok(Vec::new()) };
    let highs: Vec<i16> = row.try_get("highs")?;
    let done: Vec<i64> = row.try_get("done")?;
    let current: Vec<Option<i64>> = row.try_get("current")?;
    let stop_at: Vec<Option<i64>> = row.try_get("stop_at")?;
    let rest = highs.into_iter().zip(done).zip(current.into_iter().zip(stop_at));
    let span = |(lo, ((hi, done), (current, stop_at)))| Span { lo, hi, done, current, stop_at };
    Ok(lows.into_iter().zip(rest).map(span).collect())
}

/// Runs a range, and keeps off it for a while where another worker has it, or is to have it.
async fn run_and_rest<D: Domain, S: Send + Sync + 'static>(inner: &Inner<D, S>, range: Range) -> Result<(), Error> {
    let lo = range.lo;
    match run_range(inner, range).await? {
        Left::Done => {}
        Left::Taken => {
            if inner.may_ask() {
                answered(ask_for(inner, lo)).await?;
            }
            tokio::time::sleep(TAKEN).await;
        }
        Left::Yielded => tokio::time::sleep(YIELDED).await,
    }
    Ok(())
}

async fn ask_for<D, S>(inner: &Inner<D, S>, lo: i16) -> Result<(), sqlx::Error> {
    let mut db = inner.pool.acquire().await?;
    let mut db = inner.alone(&mut db).await?;
    inner.query(ASK_FOR).bind(&inner.group).bind(lo).bind(inner.ranges_at_work()).execute(&mut *db).await?;
    db.commit().await
}

/// Windows before all positions, but for the first and the last, are of no use. The hour is for a group that is being made.
const FORGET_WINDOWS: &str = "DELETE FROM eventwright.windows
    WHERE id > 0 AND opened_at < clock_timestamp() - interval '1 hour'
      AND id < (SELECT max(id) FROM eventwright.windows)
      AND id < (SELECT min(least(done, current)) FROM eventwright.positions)";

async fn next_call(listener: &mut Option<Listener>) -> Call {
    match listener {
        Some(listener) => listener.call().await,
        None => std::future::pending().await,
    }
}
