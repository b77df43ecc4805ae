//! The loop that looks for work, hands it out to tasks, and sleeps when there is none.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::ask::{NO_ANSWER, answered, is_of_connection};
use super::at_hand::{AtHand, Job};
use super::breaker::May;
use super::chunk::{Left, Range, run_range};
use super::follow::follow;
use super::glance::{Stood, glance};
use super::hands::Kept;
use super::held::run_held;
use super::log::Opened;
use super::look::{Look, from_now, ranges, spans};
use super::maintain::{maintain, publish_due, report};
use super::scout::scout;
use super::tasks::{Over, Tasks, Work};
use super::wake::{Call, Called, Listener, Ticket, answer};
use super::{Inner, group};
use crate::Error;
use crate::contract::Domain;

const LOOK: &str = include_str!("../sql/look.sql");
const MEET: &str = "SELECT eventwright.meet($1)";
/// Asks whoever has the range to leave it to us, who have fewer.
const ASK_FOR: &str = "UPDATE eventwright.begun
    SET wanted_until = clock_timestamp() + interval '2 seconds', wanted_with = $3
  WHERE group_name = $1 AND bucket_lo = $2";

/// How often to look while there is work, and while a ticket settles.
const BUSY: Duration = Duration::from_millis(10);
/// How long it is between two looks at least while each finds something: twice as long from look to look, between these two. So
/// events are handled together where there are many, and looking does not compete with publishing; one alone does not wait.
const FIRST_PACE: Duration = Duration::from_micros(500);
const LAST_PACE: Duration = Duration::from_millis(5);
/// The same where there is always something, and none of it is the group's.
const PACE_IN_VAIN: Duration = Duration::from_millis(20);
/// How long publishers go on calling one that is awake.
const ANSWERS_AFTER: Duration = Duration::from_millis(2);
/// How often to look when all hands are full: the group may have been paused.
const FULL: Duration = Duration::from_millis(500);
/// How often to look while a ticket settles that a long transaction keeps from settling.
const UNSETTLED: Duration = Duration::from_millis(50);
/// How long a range is left to the worker that has it, before it is asked for again.
const TAKEN: Duration = Duration::from_millis(50);
/// How long a range is left to the process that asked for it.
const YIELDED: Duration = Duration::from_millis(300);
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
    /// When it last looked, unless it has slept since.
    looked: Option<tokio::time::Instant>,
    /// How long it waits after that.
    pace: Duration,
    /// Whether it last found what is new, and nothing for the group in it.
    in_vain: bool,
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
        looked: None,
        pace: Duration::ZERO,
        in_vain: false,
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
        if let Some(looked) = self.looked {
            tokio::time::sleep_until(looked + self.pace).await;
        }
        self.take_back_hands(until).await?;
        if std::mem::take(&mut self.was_refused) {
            // the group's database may have gone back in time
            report(&self.inner).await?;
        }
        self.looked = Some(tokio::time::Instant::now());
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
        let last_pace = if std::mem::take(&mut self.in_vain) { PACE_IN_VAIN } else { LAST_PACE };
        self.pace = match look.spans.is_empty() && look.due_in != Some(Duration::ZERO) {
            true => Duration::ZERO,
            false => (self.pace * 2).clamp(FIRST_PACE, last_pace),
        };
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

    /// Handles what a publisher has called for, where nothing was to be done a moment ago. Returns what there is to do, once its window is
    /// opened; `None`: it is to be looked for.
    async fn answer_at_once(&mut self) -> Result<Option<Look>, Error> {
        let (Some(stood), Some(called)) = (self.stood.take(), self.called.take()) else { return Ok(None) };
        if self.inner.log.is_elsewhere || !self.tasks.is_empty() || self.inner.breaker.may() != May::Run {
            return Ok(None);
        }
        let inner = Arc::clone(&self.inner);
        let mut guess = called.bucket.and_then(|bucket| stood.range_of(bucket)).map(|(range, claims)| {
            self.at_hand.put(Work::Range(range.lo), self.job(range));
            claims
        });
        let eyes = self.eyes.get(&inner.log).await?;
        let glanced = self.at_hand.beside(answered(glance(&inner, eyes, &stood))).await;
        let Some(found) = self.unless_blind(glanced).await? else { return Ok(None) };
        if found.len() > usize::from(inner.settings.workers) {
            return Ok(None);
        }
        let mut unconfirmed = Vec::new();
        for (claim, page) in found {
            let claims = guess.take_if(|guess| guess.lo == claim.lo()).unwrap_or_else(|| {
                let (range, claims) = stood.range(claim.lo());
                self.hand_out_range(range);
                claims
            });
            unconfirmed.push(claims.give(claim, page));
        }
        drop(guess);
        // what is asked now would be in their way
        for page in &mut unconfirmed {
            self.at_hand.beside(page.begun()).await;
        }
        self.let_go();
        let look = answered(self.look()).await;
        let look = self.unless_blind(look).await?;
        let eyes = self.eyes.get(&inner.log).await?;
        let read = scout(&inner, eyes, &look.spans, &look.newest, &look.event_types).await;
        let read = self.unless_blind(read).await?;
        for page in unconfirmed {
            page.confirm(read.as_ref(), &look);
        }
        if let Some(read) = read {
            let passed = read.pass_over(&inner, self.eyes.get(&inner.log).await?).await;
            self.unless_blind(passed).await?;
        }
        Ok(Some(look))
    }

    fn looked_at(&self, look: &Look) {
        let rest = look.rests.unwrap_or_default().max(self.inner.settings.poll);
        self.inner.health.looked(rest, |work| look.is_to_be_done(work));
    }

    /// Where nobody is at work and there is little to do, ranges are handed out with what there is to do.
    async fn hand_out_what_is_new(&mut self, look: &Look) -> Result<bool, Error> {
        if !self.tasks.is_empty() || look.rests.is_some() || look.trial || look.due_in == Some(Duration::ZERO) {
            return Ok(false);
        }
        let eyes = self.eyes.get(&self.inner.log).await?;
        let scouted = scout(&self.inner, eyes, &look.spans, &look.newest, &look.event_types).await;
        let Some(mut scouted) = self.unless_blind(scouted).await? else { return Ok(false) };
        if scouted.found.len() > usize::from(self.inner.settings.workers) {
            return Ok(false);
        }
        self.in_vain = scouted.found.is_empty();
        for (claim, page) in std::mem::take(&mut scouted.found) {
            self.hand_out_range(look.range(claim.lo(), Some((claim, page))));
        }
        let passed = scouted.pass_over(&self.inner, self.eyes.get(&self.inner.log).await?).await;
        self.unless_blind(passed).await?;
        Ok(true)
    }

    fn hand_out_range(&mut self, range: Range) {
        let (work, job) = (Work::Range(range.lo), self.job(range));
        self.tasks.begin(work, job);
    }

    fn job(&self, range: Range) -> Job {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { run_and_rest(&inner, range).await })
    }

    /// Makes a task of the worker that is at hand.
    fn let_go(&mut self) {
        if let Some((work, rest)) = self.at_hand.let_go() {
            self.tasks.begin(work, rest);
        }
    }

    fn hand_out(&mut self, look: &Look) {
        if look.rests.is_some() || (look.trial && !self.tasks.is_empty()) {
            return;
        }
        let may_run_held = self.may_run_held() && (!look.trial || look.spans.is_empty());
        if look.due_in == Some(Duration::ZERO) && may_run_held {
            let inner = Arc::clone(&self.inner);
            let trial = look.trial;
            self.tasks.begin(Work::Held, async move { run_held(&inner, trial).await });
        }
        for span in &look.spans {
            if !self.has_hands_free() || (look.trial && !self.tasks.is_empty()) {
                return;
            }
            if self.tasks.at(Work::Range(span.lo)) == 0 {
                self.hand_out_range(look.range(span.lo, None));
            }
        }
    }

    fn has_hands_free(&self) -> bool {
        self.tasks.len() < usize::from(self.inner.settings.workers)
    }

    /// One may always run, or a long backlog would keep them waiting to its end; and half of the workers at most, or slow effects
    /// would keep the log from being read.
    fn may_run_held(&self) -> bool {
        let running = self.tasks.at(Work::Held);
        running == 0 || (self.has_hands_free() && running < usize::from(self.inner.settings.workers.div_ceil(2)))
    }

    /// Waits until a task is finished, or for a moment, to see what else there is to do.
    async fn wait_at_work(&mut self, until: Until) -> Result<(), Error> {
        let moment = if self.has_hands_free() || self.may_run_held() { BUSY } else { FULL };
        tokio::select! {
            Some(over) = self.tasks.next_over() => {
                if let Some(error) = self.is_over(over, until)? {
                    self.back_off(&error).await;
                }
            }
            call = next_call(&mut self.listener) => self.answer(call),
            () = tokio::time::sleep(moment) => {}
        }
        Ok(())
    }

    /// Takes back the hands of all tasks that are over: of several that end at once, waiting finds one.
    async fn take_back_hands(&mut self, until: Until) -> Result<(), Error> {
        let mut refused = None;
        while let Some(over) = self.tasks.try_next_over() {
            refused = self.is_over(over, until)?.or(refused);
        }
        if let Some(error) = refused {
            self.back_off(&error).await;
        }
        Ok(())
    }

    /// Takes back the hands of a task. Returns what is to be tried again later.
    fn is_over(&mut self, Over { work, ended }: Over, until: Until) -> Result<Option<Error>, Error> {
        let ended = match ended {
            Ok(ended) => ended,
            Err(panic) => {
                // handlers' panics are caught; this is a defect of ours, and others may go on
                error!(group = self.inner.group, %panic, "a worker panicked");
                return Ok(None);
            }
        };
        self.inner.health.worked(work, &ended);
        match ended {
            Ok(()) => {
                self.back_off = BUSY;
                Ok(None)
            }
            Err(error) if until == Until::Quiet || error.is_final() || matches!(error, Error::AnotherLog(_)) => {
                Err(error)
            }
            Err(error) => Ok(Some(error)),
        }
    }

    /// Nothing to do: sleeps until there is, by the order that `wake` describes.
    async fn sleep(&mut self, look: &Look) -> Result<(), Error> {
        self.looked = None;
        let due = [look.due_in, look.scheduled_in].into_iter().flatten().min().unwrap_or(Duration::MAX);
        let at_most = due.min(self.inner.settings.poll);
        if self.listener.is_none() {
            tokio::time::sleep(at_most).await;
            return Ok(());
        }
        let Some(ticket) = self.ticket.as_ref().filter(|ticket| !ticket.is_old()) else {
            let log = &self.inner.log;
            let eyes = self.eyes.get(log).await?;
            let ticket = answered(Ticket::take(eyes, &log.schema)).await;
            self.ticket = Some(self.unless_blind(ticket).await?);
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

    /// Publishers are told in the background, and a moment later, that they need not call any more: what there is to do comes first.
    fn answer(&mut self, call: Call) {
        match call {
            // of one who had not seen that; a ticket that was taken since is as good as before
            Call::Answered(called) if called.ticket <= self.answered => self.called = Some(called),
            Call::Answered(called) => {
                let ticket = called.ticket;
                self.called = Some(called);
                self.ticket = None;
                self.answered = ticket;
                let inner = Arc::clone(&self.inner);
                tokio::spawn(async move {
                    tokio::time::sleep(ANSWERS_AFTER).await;
                    if let Err(error) = answered(answer(&inner.log.pool, &inner.log.schema, ticket)).await {
                        warn!(group = inner.group, %error, "publishers were not told that the group is awake");
                    }
                });
            }
            Call::Lost => self.ticket = None,
        }
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

/// Runs a range, and keeps off it for a while where another worker has it, or is to have it.
async fn run_and_rest<D: Domain, S: Send + Sync + 'static>(inner: &Inner<D, S>, range: Range) -> Result<(), Error> {
    let lo = range.lo;
    match run_range(inner, range).await? {
        Left::Done => {}
        Left::Taken => {
            if inner.may_ask() {
                let query = inner.query(ASK_FOR).bind(&inner.group).bind(lo).bind(inner.ranges_at_work());
                answered(inner.ask(query)).await?;
            }
            tokio::time::sleep(TAKEN).await;
        }
        Left::Yielded => tokio::time::sleep(YIELDED).await,
        Left::Suspect => tokio::time::sleep(TAKEN).await,
    }
    Ok(())
}

async fn next_call(listener: &mut Option<Listener>) -> Call {
    match listener {
        Some(listener) => listener.call().await,
        None => std::future::pending().await,
    }
}
