//! Handing out what there is to do to tasks, and taking back their hands.

use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use super::sleep::next_call;
use super::{BUSY, Driver, FULL, TAKEN, Until};
use crate::Error;
use crate::contract::Domain;
use crate::subscribe::Inner;
use crate::subscribe::ask::answered;
use crate::subscribe::at_hand::Job;
use crate::subscribe::breaker::May;
use crate::subscribe::glance::glance;
use crate::subscribe::held::run_held;
use crate::subscribe::look::Look;
use crate::subscribe::scout::scout;
use crate::subscribe::tasks::{Over, Work};
use crate::subscribe::worker::{Left, Range, run_range};

/// Asks whoever has the range to leave it to us, who have fewer.
const ASK_FOR: &str = "UPDATE eventwright.begun
    SET wanted_until = clock_timestamp() + interval '2 seconds', wanted_with = $3
  WHERE group_name = $1 AND bucket_lo = $2";

/// How long a range is left to the process that asked for it.
const YIELDED: Duration = Duration::from_millis(300);

impl<D: Domain, S: Send + Sync + 'static> Driver<D, S> {
    /// Handles what a publisher has called for, where nothing was to be done a moment ago. Returns what there is to do, once its window is
    /// opened; `None`: it is to be looked for.
    pub(super) async fn answer_at_once(&mut self) -> Result<Option<Look>, Error> {
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

    /// Where nobody is at work and there is little to do, ranges are handed out with what there is to do.
    pub(super) async fn hand_out_what_is_new(&mut self, look: &Look) -> Result<bool, Error> {
        if !self.tasks.is_empty() || look.rests.is_some() || look.trial || look.due_in == Some(Duration::ZERO) {
            return Ok(false);
        }
        let eyes = self.eyes.get(&self.inner.log).await?;
        let scouted = scout(&self.inner, eyes, &look.spans, &look.newest, &look.event_types).await;
        let Some(mut scouted) = self.unless_blind(scouted).await? else { return Ok(false) };
        if scouted.found.len() > usize::from(self.inner.settings.workers) {
            return Ok(false);
        }
        if scouted.found.is_empty() {
            self.pace.was_in_vain();
        }
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
    pub(super) fn let_go(&mut self) {
        if let Some((work, rest)) = self.at_hand.let_go() {
            self.tasks.begin(work, rest);
        }
    }

    pub(super) fn hand_out(&mut self, look: &Look) {
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
    pub(super) async fn wait_at_work(&mut self, until: Until) -> Result<(), Error> {
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
    pub(super) async fn take_back_hands(&mut self, until: Until) -> Result<(), Error> {
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
