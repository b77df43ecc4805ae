//! Sleeping while there is nothing to do, and waking up.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::{BUSY, Driver};
use crate::Error;
use crate::contract::Domain;
use crate::subscribe::ask::answered;
use crate::subscribe::look::Look;
use crate::subscribe::wake::{Call, Listener, Ticket, answer};

/// How long publishers go on calling one that is awake.
const ANSWERS_AFTER: Duration = Duration::from_millis(2);
/// How often to look while a ticket settles that a long transaction keeps from settling.
const UNSETTLED: Duration = Duration::from_millis(50);

impl<D: Domain, S: Send + Sync + 'static> Driver<D, S> {
    /// Nothing to do: sleeps until there is, by the order that `wake` describes.
    pub(super) async fn sleep(&mut self, look: &Look) -> Result<(), Error> {
        self.pace.sleeps();
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
    pub(super) fn answer(&mut self, call: Call) {
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
}

pub(super) async fn next_call(listener: &mut Option<Listener>) -> Call {
    match listener {
        Some(listener) => listener.call().await,
        None => std::future::pending().await,
    }
}
