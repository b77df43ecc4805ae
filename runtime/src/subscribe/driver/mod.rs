//! The loop that looks for work, hands it out to tasks, and sleeps when there is none.

mod hand_out;
mod pace;
mod sleep;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::ask::{NO_ANSWER, answered, is_of_connection};
use super::at_hand::AtHand;
use super::breaker::May;
use super::follow::follow;
use super::glance::Stood;
use super::hands::Kept;
use super::log::Opened;
use super::look::{Look, from_now, ranges, spans};
use super::maintain::{maintain, publish_due, report};
use super::tasks::Tasks;
use super::wake::{Called, Listener, Ticket};
use super::{Inner, group};
use crate::Error;
use crate::contract::Domain;
use pace::Pace;
use sleep::next_call;

const LOOK: &str = include_str!("../../sql/look.sql");
const MEET: &str = "SELECT eventwright.meet($1)";

/// How often to look while there is work, and while a ticket settles.
const BUSY: Duration = Duration::from_millis(10);
/// How often to look when all hands are full: the group may have been paused.
const FULL: Duration = Duration::from_millis(500);
/// How long a range is left to the worker that has it, before it is asked for again.
const TAKEN: Duration = Duration::from_millis(50);
const MAINTENANCE: Duration = Duration::from_secs(30);
/// How long connections are kept before the pool has them, which may replace them: others begin cold.
const KEPT: Duration = Duration::from_secs(300);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Shutdown,
    Quiet,
}

struct Driver<D, S> {
    inner: Arc<Inner<D, S>>,
    tasks: Tasks,
    listener: Option<Listener>,
    ticket: Option<Ticket>,
    back_off: Duration,
    /// Whether a database has refused, us or a worker, since we last looked.
    was_refused: bool,
    maintained: Option<Instant>,
    kept_since: Instant,
    maintenance: Option<JoinHandle<()>>,
    /// The last ticket for which publishers were told that they need not call.
    answered: i64,
    /// The connection that looks at the log.
    eyes: Kept,
    pace: Pace,
    /// Where all was done, and nothing to do, when it last looked.
    stood: Option<Stood>,
    /// That a publisher has called since.
    called: Option<Called>,
    at_hand: AtHand,
}

pub(super) async fn run<D: Domain, S: Send + Sync + 'static>(
    inner: Inner<D, S>,
    shutdown: impl Future<Output = ()> + Send,
    until: Until,
) -> Result<(), Error> {
    let mut run = inner.health.run();
    let ended = drive(inner, shutdown, until).await;
    run.ended(&ended);
    ended
}

async fn drive<D: Domain, S: Send + Sync + 'static>(
    mut inner: Inner<D, S>,
    shutdown: impl Future<Output = ()> + Send,
    until: Until,
) -> Result<(), Error> {
    group::join(&mut inner).await?;
    let listener = if inner.settings.listen && until == Until::Shutdown {
        Some(Listener::start(&inner.log.pool, &inner.log.schema, &inner.health).await?)
    } else {
        None
    };
    inner.health.joined();
    let mut driver = Driver {
        inner: Arc::new(inner),
        tasks: Tasks::default(),
        listener,
        ticket: None,
        back_off: BUSY,
        was_refused: false,
        maintained: None,
        kept_since: Instant::now(),
        maintenance: None,
        answered: 0,
        eyes: Kept::none(),
        pace: Pace::default(),
        stood: None,
        called: None,
        at_hand: AtHand::nobody(),
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
            let turned = match self.turn(until).await {
                Err(Error::AnotherLog(_)) if self.inner.log.is_elsewhere => self.follow().await.map(|()| false),
                turned => turned,
            };
            match turned {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // who drains waits for the end, not for a database
                Err(error) if until == Until::Quiet || error.is_final() => return Err(error),
                Err(error) => {
                    self.inner.health.can_not_look(&error);
                    self.back_off(&error).await;
                }
            }
        }
    }

    /// Waits after a failure, longer each time until there is a success.
    async fn back_off(&mut self, error: &Error) {
        error!(group = self.inner.group, %error, retry_in = ?self.back_off, "the database refused");
        if is_of_connection(error) {
            self.inner.discard_resting();
        }
        let mut rest = pin!(tokio::time::sleep(self.back_off));
        loop {
            tokio::select! {
                () = &mut rest => break,
                // or that it has ended would not be noticed
                call = next_call(&mut self.listener) => self.answer(call),
            }
        }
        self.back_off = (self.back_off * 2).min(LONGEST_BACK_OFF);
        self.was_refused = true;
    }

    /// The log is another one than it was: goes on with it, if it has all that the group has read. Where a database refuses to say so,
    /// the next turn notices again.
    async fn follow(&mut self) -> Result<(), Error> {
        // what they have read of the log before, they handle before, or never
        self.tasks.all_over().await;
        self.ticket = None;
        // they may lead to where the log was
        self.eyes.discard();
        self.inner.resting.discard();
        follow(&self.inner).await
    }

    /// Looks, hands out, and waits for what comes first. Returns whether all is done.
    async fn turn(&mut self, until: Until) -> Result<bool, Error> {
        self.maintain().await?;
        self.pace.keep().await;
        self.take_back_hands(until).await?;
        if std::mem::take(&mut self.was_refused) {
            // the group's database may have gone back in time
            report(&self.inner).await?;
        }
        self.pace.looks();
        let eyes = self.eyes.get(&self.inner.log).await.map(|_| ());
        self.unless_blind(eyes).await?;
        let answered_at_once = self.answer_at_once().await;
        self.let_go();
        if let Some(look) = answered_at_once? {
            self.looked_at(&look);
            return self.wait_at_work(until).await.map(|()| false);
        }
        let look = answered(self.look()).await;
        let look = self.unless_blind(look).await?;
        self.stood = Stood::at(&look);
        self.pace.found(!look.spans.is_empty() || look.due_in == Some(Duration::ZERO));
        let ends = until == Until::Quiet || self.inner.settings.replay.is_some();
        if ends && look.is_quiet() && self.tasks.is_empty() {
            return Ok(true);
        }
        if !self.hand_out_what_is_new(&look).await? {
            self.hand_out(&look);
        }
        self.looked_at(&look);
        if !self.tasks.is_empty() {
            return self.wait_at_work(until).await.map(|()| false);
        }
        self.back_off = BUSY;
        if let Some(rest) = look.rests {
            tokio::time::sleep(rest).await;
        } else if look.meeting {
            tokio::time::sleep(BUSY).await;
        } else if look.spans.is_empty() {
            self.sleep(&look).await?;
        }
        Ok(false)
    }

    async fn look(&mut self) -> Result<Look, Error> {
        let Inner { group, kinds, log, .. } = &*self.inner;
        let over = self.ticket.as_ref().map(Ticket::fence);
        let eyes = self.eyes.get(log).await?;
        let (Opened { newest, settled, scheduled_in }, row) = match log.is_elsewhere {
            false => log.open_and_look(eyes, over, group, kinds).await?,
            true => {
                let opened = log.open_window(eyes, over).await?;
                let row = look_at_group(&self.inner, opened.newest.id).await?;
                (opened, row)
            }
        };
        let row = row.ok_or_else(|| Error::NoGroup { group: group.clone() })?;
        if row.try_get("detached")? {
            return Err(Error::Detached { group: group.clone() });
        }
        let meeting: bool = row.try_get("meeting")?;
        if meeting {
            self.inner.ask(self.inner.query(MEET).bind(group)).await?;
        }
        let paused: bool = row.try_get("paused")?;
        let may = self.inner.breaker.may();
        let due_in: Option<f64> = row.try_get("due_in")?;
        let mut scheduled_in = scheduled_in.map(from_now);
        if scheduled_in == Some(Duration::ZERO) && !publish_due(&self.inner).await? {
            // another one is at it, or is just cancelling it
            scheduled_in = Some(TAKEN);
        }
        Ok(Look {
            newest,
            settled,
            spans: spans(&row)?,
            ranges: ranges(&row)?,
            meeting,
            event_types: row.try_get("event_types")?,
            due_in: due_in.map(from_now),
            scheduled_in,
            rests: match may {
                _ if paused => Some(FULL),
                May::Wait(wait) => Some(wait),
                May::Run | May::Try => None,
            },
            trial: may == May::Try,
        })
    }

    /// What the connection that looks has answered. Where it has not, it is not asked again; and where there was none, hands that rest
    /// make room.
    async fn unless_blind<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &answer {
            self.eyes.discard();
            if !is_of_connection(error) {
                self.inner.resting.give_back(self.inner.settings.route).await;
            }
        }
        answer
    }

    fn looked_at(&self, look: &Look) {
        let rest = look.rests.unwrap_or_default().max(self.inner.settings.poll);
        self.inner.health.looked(rest, |work| look.is_to_be_done(work));
    }

    /// Begins what is due now and then, in the background.
    async fn maintain(&mut self) -> Result<(), Error> {
        if self.maintained.is_some_and(|last| last.elapsed() < MAINTENANCE) {
            return Ok(());
        }
        self.maintained = Some(Instant::now());
        if self.kept_since.elapsed() > KEPT {
            self.kept_since = Instant::now();
            self.eyes.give_back(&self.inner.log).await;
            self.inner.resting.give_back(self.inner.settings.route).await;
        }
        report(&self.inner).await?;
        if self.maintenance.as_ref().is_none_or(JoinHandle::is_finished) {
            let inner = Arc::clone(&self.inner);
            self.maintenance = Some(tokio::spawn(async move { maintain(&inner).await }));
        }
        Ok(())
    }

    /// Lets the tasks finish or roll back, waits for them, and closes the connections.
    async fn stop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        self.inner.health.stops();
        self.let_go();
        self.tasks.all_over().await;
        if let Some(maintenance) = self.maintenance.take() {
            // its connections are closed below; what it has begun it goes on with the next time
            maintenance.abort();
        }
        // they have connections, which closing the pools would wait for
        self.listener = None;
        self.eyes.discard();
        self.inner.resting.discard();
        // sqlx says goodbye to each, also where nobody listens any more
        let close = async { tokio::join!(self.inner.log.pool.close(), self.inner.pool.close()) };
        if tokio::time::timeout(NO_ANSWER, close).await.is_err() {
            warn!(group = self.inner.group, "some connections gave no answer, and were left");
        }
    }
}

/// Tasks come to their own end, also when the run is dropped: a task that is aborted while it begins a transaction would leave
/// it open on a connection that goes back to the pool (sqlx 0.9 knows of a transaction only once BEGIN was answered).
impl<D, S> Drop for Driver<D, S> {
    fn drop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        if let (Some((_, rest)), Ok(runtime)) = (self.at_hand.let_go(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(rest);
        }
        self.tasks.detach();
    }
}

async fn look_at_group<D, S>(inner: &Inner<D, S>, newest: i64) -> Result<Option<PgRow>, sqlx::Error> {
    inner.ask(inner.query(LOOK).bind(&inner.group).bind(newest).bind(&inner.kinds)).await
}
