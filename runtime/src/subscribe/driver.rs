//! The loop that looks for work, hands it out to tasks, and sleeps when there is none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;
use tokio::task::{Id, JoinSet};
use tracing::{error, info, warn};

use super::chunk::{Left, Range, run_range};
use super::held::run_held;
use super::log::open_window;
use super::wake::{Call, Listener, Ticket, answer};
use super::{Inner, Start};
use crate::Error;
use crate::contract::Domain;
use crate::migrate::make_room;

const LOOK: &str = include_str!("../sql/look.sql");

/// How often to look while there is work, and while a ticket settles.
const BUSY: Duration = Duration::from_millis(10);
/// How often to look while a ticket settles that a long transaction keeps from settling.
const UNSETTLED: Duration = Duration::from_millis(50);
/// How long a range is left to the worker that has it, before it is asked for again.
const TAKEN: Duration = Duration::from_millis(50);
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

/// What there is to do.
struct Look {
    newest: i64,
    ranges: Vec<i16>,
    /// Until the next held event is due; `None`: there is none.
    due_in: Option<Duration>,
    /// Whether it saw all that those published who may not call us.
    settled: bool,
}

struct Driver<D, S> {
    inner: Arc<Inner<D, S>>,
    tasks: JoinSet<Result<(), sqlx::Error>>,
    at_work: HashMap<Id, Work>,
    listener: Option<Listener>,
    ticket: Option<Ticket>,
    back_off: Duration,
    maintained: Option<Instant>,
}

pub(super) async fn run<D: Domain, S: Send + Sync + 'static>(
    inner: Inner<D, S>,
    shutdown: impl Future<Output = ()> + Send,
    until: Until,
) -> Result<(), Error> {
    join_group(&inner).await?;
    let listener = if inner.settings.listen && until == Until::Shutdown {
        Some(Listener::start(&inner.pool, &inner.schema).await?)
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
    Ok(ended?)
}

impl<D: Domain, S: Send + Sync + 'static> Driver<D, S> {
    async fn work(&mut self, until: Until) -> Result<(), sqlx::Error> {
        loop {
            match self.turn(until).await {
                Ok(true) => return Ok(()),
                Ok(false) => self.back_off = BUSY,
                // who drains waits for the end, not for a database
                Err(error) if until == Until::Quiet => return Err(error),
                Err(error) => {
                    error!(group = self.inner.group, %error, retry_in = ?self.back_off, "the database refused");
                    tokio::time::sleep(self.back_off).await;
                    self.back_off = (self.back_off * 2).min(LONGEST_BACK_OFF);
                }
            }
        }
    }

    /// Looks, hands out, and waits for what comes first. Returns whether all is done.
    async fn turn(&mut self, until: Until) -> Result<bool, sqlx::Error> {
        self.maintain().await?;
        let look = self.look().await?;
        let idle = look.ranges.is_empty() && self.tasks.is_empty();
        if idle && look.due_in.is_none() && until == Until::Quiet {
            return Ok(true);
        }
        self.hand_out(&look);
        if !self.tasks.is_empty() {
            self.wait_at_work().await?;
        } else if look.ranges.is_empty() {
            self.sleep(&look).await?;
        }
        Ok(false)
    }

    async fn look(&self) -> Result<Look, sqlx::Error> {
        let Inner { pool, schema, group, kinds, .. } = &*self.inner;
        let (newest, settled) = open_window(pool, schema, self.ticket.as_ref().map(Ticket::fence)).await?;
        let row = sqlx::query(schema.sql(LOOK)).bind(group).bind(newest).bind(kinds).fetch_one(pool).await?;
        let due_in: Option<f64> = row.try_get("due_in")?;
        Ok(Look {
            newest,
            settled,
            ranges: row.try_get("ranges")?,
            due_in: due_in.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
        })
    }

    fn hand_out(&mut self, look: &Look) {
        if look.due_in == Some(Duration::ZERO) && self.may_run_held() {
            let inner = Arc::clone(&self.inner);
            let task = self.tasks.spawn(async move { run_held(&inner).await });
            self.at_work.insert(task.id(), Work::Held);
        }
        for &lo in &look.ranges {
            if !self.has_hands_free() {
                return;
            }
            if self.at_work.values().any(|work| *work == Work::Range(lo)) {
                continue;
            }
            let inner = Arc::clone(&self.inner);
            let range = Range { lo, newest: look.newest };
            let task = self.tasks.spawn(async move {
                if run_range(&inner, range).await? == Left::Taken {
                    // whoever has it works on it: don't ask again at once
                    tokio::time::sleep(TAKEN).await;
                }
                Ok(())
            });
            self.at_work.insert(task.id(), Work::Range(lo));
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
    async fn wait_at_work(&mut self) -> Result<(), sqlx::Error> {
        let hands_free = self.has_hands_free();
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
            call = next_call(&mut self.listener) => self.answer(call).await?,
            () = tokio::time::sleep(BUSY), if hands_free => {}
        }
        Ok(())
    }

    /// Nothing to do: sleeps until there is, by the order that `wake` describes.
    async fn sleep(&mut self, look: &Look) -> Result<(), sqlx::Error> {
        let at_most = look.due_in.unwrap_or(Duration::MAX).min(self.inner.settings.poll);
        if self.listener.is_none() {
            tokio::time::sleep(at_most).await;
            return Ok(());
        }
        let Some(ticket) = self.ticket.as_ref().filter(|ticket| !ticket.is_old()) else {
            self.ticket = Some(Ticket::take(&self.inner.pool, &self.inner.schema).await?);
            return Ok(());
        };
        let nap = match look.settled {
            true => ticket.until_old(),
            false if ticket.is_young() => BUSY,
            false => UNSETTLED,
        };
        tokio::select! {
            call = next_call(&mut self.listener) => self.answer(call).await?,
            () = tokio::time::sleep(nap.min(at_most)) => {}
        }
        Ok(())
    }

    async fn answer(&mut self, call: Call) -> Result<(), sqlx::Error> {
        self.ticket = None;
        if let Call::Answered(ticket) = call {
            answer(&self.inner.pool, &self.inner.schema, ticket).await?;
        }
        Ok(())
    }

    /// Makes room in the log and forgets windows that nobody needs.
    async fn maintain(&mut self) -> Result<(), sqlx::Error> {
        if self.maintained.is_some_and(|last| last.elapsed() < MAINTENANCE) {
            return Ok(());
        }
        self.maintained = Some(Instant::now());
        let Inner { pool, schema, .. } = &*self.inner;
        let mut db = pool.acquire().await?;
        if let Err(error) = make_room(&mut db, schema).await {
            warn!(%error, "the log's next partitions can't be made");
        }
        sqlx::query(schema.sql(FORGET_WINDOWS)).execute(&mut *db).await?;
        Ok(())
    }

    /// Lets the tasks finish or roll back, waits for them, and closes the connections.
    async fn stop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        // it has a connection, which closing the pool would wait for
        self.listener = None;
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

/// The group and its ranges in one statement: who comes second finds both.
const MAKE_GROUP: &str = "WITH made AS (
        INSERT INTO eventwright.groups (name, domain) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name
    )
    INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done)
    SELECT made.name, range.lo, range.hi, $5 FROM made, unnest($3::smallint[], $4::smallint[]) AS range (lo, hi)";

/// Makes the group, unless it is there.
async fn join_group<D: Domain, S>(inner: &Inner<D, S>) -> Result<(), Error> {
    let Inner { pool, schema, group, settings, .. } = inner;
    let done = match settings.start {
        Start::Beginning => 0,
        Start::Now => open_window(pool, schema, None).await?.0,
    };
    let (lows, highs): (Vec<i16>, Vec<i16>) = split(settings.ranges).unzip();
    sqlx::query(schema.sql(MAKE_GROUP))
        .bind(group)
        .bind(D::NAME)
        .bind(lows)
        .bind(highs)
        .bind(done)
        .execute(pool)
        .await?;
    let owner: String = sqlx::query_scalar(schema.sql("SELECT domain FROM eventwright.groups WHERE name = $1"))
        .bind(group)
        .fetch_one(pool)
        .await?;
    if owner != D::NAME {
        return Err(Error::GroupOfAnotherDomain { group: group.clone(), owner, domain: D::NAME });
    }
    Ok(())
}

/// The buckets 0 to 1023 in this many ranges of nearly equal size, both ends included.
fn split(ranges: u16) -> impl Iterator<Item = (i16, i16)> {
    let edge = move |n: u16| (u32::from(n) * 1024 / u32::from(ranges)) as i16;
    (0..ranges).map(move |n| (edge(n), edge(n + 1) - 1))
}
