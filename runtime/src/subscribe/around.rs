//! Middleware: what runs around each handler's call.

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use super::context::Context;
use super::failure::{Failure, Handled};
use super::handler::{Effect, Handlers, InTransaction, Version};
use crate::Envelope;
use crate::stored::Stored;

/// An async function that runs around each call of a handler: `async fn(Next<'_, D, S>) -> Handled`.
///
/// Nobody implements this trait; such functions have it.
#[diagnostic::on_unimplemented(
    message = "this can't be put around handlers",
    label = "expected `async fn(Next<'_, Domain, State>) -> Handled`",
    note = "`Next` names the subscriber's domain and the type given to `state`; the future must be `Send`"
)]
pub trait AroundFn<'a, D: 'a, S: 'a>: Fn(Next<'a, D, S>) -> Self::Fut {
    /// The future that the function returns.
    type Fut: Future<Output = Handled> + Send + 'a;
}

impl<'a, D: 'a, S: 'a, F, Fut> AroundFn<'a, D, S> for F
where
    F: Fn(Next<'a, D, S>) -> Fut,
    Fut: Future<Output = Handled> + Send + 'a,
{
    type Fut = Fut;
}

pub(crate) type Around<D, S> = Box<dyn for<'a> Fn(Next<'a, D, S>) -> BoxFuture<'a, Handled> + Send + Sync>;

/// What is left of a call, as middleware has it: the event that is about to be handled, and the handler with what else is around it.
///
/// See [`Subscriber::around`](crate::Subscriber::around).
#[must_use = "the handler is not called unless `run` is"]
pub struct Next<'a, D, S = ()> {
    delivery: Delivery<'a>,
    state: &'a S,
    around: &'a [Around<D, S>],
    handler: Called<'a, D, S>,
}

enum Called<'a, D, S> {
    InTransaction(&'a InTransaction<D, S>, &'a mut Context<'a, D, S>),
    Effect(&'a Effect<S>),
}

/// An event that a handler is called with, and which attempt at it this is.
#[derive(Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) group: &'a str,
    pub(crate) event: &'a Stored,
    pub(crate) version: Version<'a>,
    pub(crate) attempt: u32,
}

impl<'a, D, S> Next<'a, D, S> {
    /// The event's envelope. The payload is the handler's alone.
    #[must_use]
    pub fn envelope(&self) -> &'a Envelope {
        &self.delivery.event.envelope
    }

    /// The subscriber group.
    #[must_use]
    pub fn group(&self) -> &'a str {
        self.delivery.group
    }

    /// Which attempt at the event this is in its group, from 1 on.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.delivery.attempt
    }

    /// The state that was given to the subscriber.
    #[must_use]
    pub fn state(&self) -> &'a S {
        self.state
    }

    /// The transaction in which the handler will run; `None` before an effect handler, which runs in none. What is written here is
    /// committed and undone with what the handler writes. What is set here, with `SET LOCAL` or `set_config(…, true)`, is also there
    /// for the handlers of later events of the same transaction: so set it for each event, or for none.
    pub fn tx(&mut self) -> Option<&mut PgConnection> {
        match &mut self.handler {
            Called::InTransaction(_, cx) => Some(cx.tx()),
            Called::Effect(_) => None,
        }
    }

    /// Calls what is next: further middleware, or the handler. An event that can't be decoded comes back as
    /// [`Failure::Reject`].
    ///
    /// # Errors
    /// What the handler returns, unless middleware in between makes something else of it.
    ///
    /// # Cancellation
    /// Dropping the future drops the handler's. Return a failure then: after an `Ok`, what it wrote so far is committed.
    pub fn run(self) -> BoxFuture<'a, Handled> {
        let Self { delivery, state, around, handler } = self;
        if let Some((first, around)) = around.split_first() {
            return first(Next { delivery, state, around, handler });
        }
        let started = match handler {
            Called::InTransaction(call, cx) => call(delivery, cx),
            Called::Effect(call) => call(delivery, state),
        };
        started.unwrap_or_else(|failure| Box::pin(std::future::ready(Err(failure))))
    }
}

impl<D: 'static, S: Send + Sync + 'static> Handlers<D, S> {
    pub(crate) fn around<F>(&mut self, middleware: F)
    where
        F: for<'a> AroundFn<'a, D, S> + Send + Sync + 'static,
    {
        self.around.push(Box::new(move |next| Box::pin(middleware(next))));
    }

    /// Begins a call of a handler that runs in a transaction, with all that is around it.
    ///
    /// # Errors
    /// Nothing runs, for this reason.
    pub(crate) fn start<'a>(
        &'a self,
        call: &'a InTransaction<D, S>,
        delivery: Delivery<'a>,
        cx: &'a mut Context<'a, D, S>,
    ) -> Result<BoxFuture<'a, Handled>, Failure> {
        if self.around.is_empty() {
            return call(delivery, cx);
        }
        let (state, around) = (cx.state, &*self.around);
        // within the future, so that a panic in middleware is caught wherever it happens
        Ok(Box::pin(
            async move { Next { delivery, state, around, handler: Called::InTransaction(call, cx) }.run().await },
        ))
    }

    /// The same, of an effect handler.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn start_effect<'a>(
        &'a self,
        call: &'a Effect<S>,
        delivery: Delivery<'a>,
        state: &'a S,
    ) -> Result<BoxFuture<'a, Handled>, Failure> {
        if self.around.is_empty() {
            return call(delivery, state);
        }
        let around = &*self.around;
        Ok(Box::pin(async move { Next { delivery, state, around, handler: Called::Effect(call) }.run().await }))
    }
}
