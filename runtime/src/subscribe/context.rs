use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use crate::contract::{Domain, NotRetired, PublishedBy};
use crate::outgoing::Publish;
use crate::payload::EventId;
use crate::publish::{Batch, Published, Publisher};
use crate::{Envelope, Error};

/// What a handler works with: the transaction, the subscriber's state, and a way to publish.
///
/// Whatever a handler writes through [`tx`](Context::tx) commits together with the group's position in the log, or not at all:
/// so it happens exactly once, also when the process is killed in the middle.
pub struct Context<'a, D, S = ()> {
    tx: &'a mut PgConnection,
    /// Whether the transaction was asked for.
    has_tx: &'a AtomicBool,
    pub(crate) state: &'a S,
    cause: &'a Envelope,
    publisher: &'a Publisher<D>,
}

impl<'a, D, S> Context<'a, D, S> {
    pub(crate) fn new(
        tx: &'a mut PgConnection,
        has_tx: &'a AtomicBool,
        state: &'a S,
        cause: &'a Envelope,
        publisher: &'a Publisher<D>,
    ) -> Self {
        Self { tx, has_tx, state, cause, publisher }
    }

    /// The transaction. Don't end it: the subscriber commits it after the handler, or rolls it back where the handler failed. What
    /// fails without having asked for it has nothing to undo, and the other events of the transaction go on.
    pub fn tx(&mut self) -> &mut PgConnection {
        self.has_tx.store(true, Ordering::Relaxed);
        self.tx
    }
}

impl<D: Domain, S> Context<'_, D, S> {
    /// The state that was given to the subscriber.
    pub fn state(&self) -> &S {
        self.state
    }

    /// Publishes an event of the subscriber's own domain in the same transaction. Its cause is the event at hand, whose
    /// correlation id and trace it carries on, unless it says otherwise.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub fn publish<P>(&mut self, event: P) -> BoxFuture<'_, Result<Published, Error>>
    where
        P: Publish,
        P::Payload: PublishedBy<D> + NotRetired,
    {
        let event = event.outgoing().caused_by_unless_said(self.cause);
        self.publisher.publish(self.tx(), event)
    }

    /// As [`publish`](Self::publish), many events in one statement, in this order.
    ///
    /// # Errors
    /// As [`Publisher::publish_all`].
    pub fn publish_all<P>(
        &mut self,
        events: impl IntoIterator<Item = P>,
    ) -> BoxFuture<'_, Result<Vec<Published>, Error>>
    where
        P: Publish,
        P::Payload: PublishedBy<D> + NotRetired,
    {
        let cause = self.cause;
        let events = events.into_iter().map(|event| event.outgoing().caused_by_unless_said(cause));
        self.publisher.publish_all(self.tx(), events)
    }

    /// As [`publish_all`](Self::publish_all), events of several types.
    ///
    /// # Errors
    /// As [`Publisher::publish_batch`].
    pub fn publish_batch(&mut self, mut batch: Batch<D>) -> BoxFuture<'_, Result<Vec<Published>, Error>> {
        batch.caused_by(self.cause);
        self.publisher.publish_batch(self.tx(), batch)
    }

    /// Takes an event of the subscriber's own domain off the schedule, in the same transaction.
    ///
    /// # Errors
    /// As [`Publisher::cancel`].
    pub fn cancel(&mut self, event_id: EventId) -> BoxFuture<'_, Result<bool, Error>> {
        self.publisher.cancel(self.tx(), event_id)
    }
}
