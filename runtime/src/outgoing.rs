use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

use crate::contract::{CarriesSubject, Payload};
use crate::envelope::{Envelope, Event};
use crate::payload::{EncodeError, EventId};
use crate::trace::{self, is_traceparent};

/// An event that is ready to publish: the payload, its subject, and what was said beside.
///
/// It has its id from the beginning. Who publishes a clone of it publishes an event of the same id again, unless it has an
/// [idempotency key](Publish::idempotency_key).
#[derive(Debug, Clone)]
#[must_use = "an event does nothing until it is published"]
pub struct Outgoing<E> {
    pub(crate) payload: E,
    pub(crate) subject: String,
    pub(crate) event_id: EventId,
    pub(crate) options: Options,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) tenant_id: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) occurred_at: Option<OffsetDateTime>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) due: Option<Due>,
    pub(crate) downcast: Option<Downcast>,
}

/// What led to an event, as far as it was said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) correlation_id: Option<String>,
    pub(crate) causation_id: Option<EventId>,
    pub(crate) traceparent: Option<String>,
}

impl Origin {
    pub(crate) fn caused_by_unless_said(&mut self, cause: &Envelope) {
        self.causation_id.get_or_insert(cause.event_id);
        self.correlation_id.get_or_insert_with(|| cause.correlation_id.clone());
        if self.traceparent.is_none() {
            // what another program wrote into the log may be anything: a trace that can't be read begins anew
            let causes = || cause.traceparent.clone().filter(|parent| is_traceparent(parent));
            self.traceparent = trace::current().or_else(causes);
        }
    }
}

/// When a scheduled event comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Due {
    At(OffsetDateTime),
    /// After the publishing, by the database's clock.
    After(Duration),
}

/// The event's payload in an older version.
#[derive(Clone)]
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "nobody publishes without a database"))]
pub(crate) struct Downcast {
    pub(crate) version: u16,
    pub(crate) json: Result<String, EncodeError>,
}

/// It may hold personal data.
impl fmt::Debug for Downcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downcast").field("version", &self.version).finish_non_exhaustive()
    }
}

impl<E> Outgoing<E> {
    pub(crate) fn new(payload: E, subject: String) -> Self {
        Self { payload, subject, event_id: EventId::new(), options: Options::default() }
    }

    pub(crate) fn in_older_version<O: Payload>(mut self, older: &O) -> Self {
        self.options.downcast = Some(Downcast { version: O::VERSION, json: older.encode() });
        self
    }

    /// The id that the event will have.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        self.event_id
    }

    /// What happened.
    #[must_use]
    pub fn payload(&self) -> &E {
        &self.payload
    }

    /// The id of what the event is about.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub(crate) fn caused_by_unless_said(mut self, cause: &Envelope) -> Self {
        self.options.origin.caused_by_unless_said(cause);
        self
    }
}

/// What can be published: a payload that carries its subject's id, or one to which it was given with `about`. Where the registry
/// still promises subscribers an older version, also that was said, with [`with_downcast`](crate::NeedsDowncast::with_downcast).
///
/// What else there is to say about an event hangs on it:
///
/// ```
/// # use eventwright::{Publish, Outgoing, CarriesSubject};
/// # use std::time::Duration;
/// # fn example<E: CarriesSubject>(lead_created: E, reminder: E) -> [Outgoing<E>; 2] { [
/// lead_created.tenant("acme").correlation("import-17"),
/// reminder.idempotency_key("order-17-reminder").deliver_after(Duration::from_secs(3 * 24 * 3600)),
/// # ] }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be published as it is",
    label = "something is still to be said: what is this event about, or what is it in its older version?",
    note = "where it does not carry its subject's id, publish `event.about(id)`, with an id of the prefix that event-types-registry.json names as the event type's `subject`",
    note = "where event-types-registry.json still promises subscribers a deprecated version, publish `event.with_downcast(|event| …)`, which tells the same fact in that version"
)]
pub trait Publish: Sized {
    /// The payload that is published.
    type Payload: Payload;

    /// Makes it ready to publish, with an id of its own.
    fn outgoing(self) -> Outgoing<Self::Payload>;

    /// Sets the tenant, which otherwise is the payload's, where it says one.
    fn tenant(self, tenant_id: impl Into<String>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.tenant_id = Some(tenant_id.into());
        event
    }

    /// Sets the correlation id, which otherwise is the cause's, or the event's own id where there is no cause.
    fn correlation(self, correlation_id: impl Into<String>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.origin.correlation_id = Some(correlation_id.into());
        event
    }

    /// Names the event that caused this one, and takes over its correlation id and trace.
    fn caused_by<E>(self, cause: &Event<E>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing().caused_by_unless_said(&cause.envelope);
        event.options.origin.causation_id = Some(cause.envelope.event_id);
        event
    }

    /// Says when it happened, where that is not now; for a scheduled event, where that is not the time at which it is due.
    fn occurred_at(self, time: OffsetDateTime) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.occurred_at = Some(time);
        event
    }

    /// Sets the publisher's place in its trace: a `traceparent` of W3C Trace Context, such as
    /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. Anything else is an error at the publishing.
    ///
    /// With the feature `opentelemetry`, it otherwise is that of the span in which the event is published, if it is in one.
    fn traceparent(self, traceparent: impl Into<String>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.origin.traceparent = Some(traceparent.into());
        event
    }

    /// Has the event published once, however often it is tried: who publishes with a key that its domain used before publishes
    /// nothing, and gets the id of the event that was published then. What the two events say is not compared.
    ///
    /// Two that publish the same key at the same time take turns: the second waits for the first one's transaction, and publishes if that
    /// rolls back. At repeatable read and serializable it gets [`Error::Conflict`](enum@crate::Error) instead if the first commits.
    ///
    /// A key is kept for a time, seven days unless the subscribers' settings say otherwise, counted from the publishing or, for a
    /// scheduled event, from the time at which it is due. It may have 1 to 1024 bytes.
    fn idempotency_key(self, key: impl Into<String>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.idempotency_key = Some(key.into());
        event
    }

    /// Has the event come at a later time. Until then it is on a schedule beside the log, from which
    /// [`Publisher::cancel`](struct@crate::Publisher) takes it off again.
    ///
    /// It comes once, if the transaction commits, and not before the time; how soon after depends on a running subscriber, which moves what
    /// is due into the log. What is due comes in the order of the times, and of the scheduling where those are equal. It takes its place
    /// in the log when it comes: relative to events of its subject that are published directly about that time, no order is
    /// promised.
    fn publish_at(self, time: OffsetDateTime) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.due = Some(Due::At(time));
        event
    }

    /// As [`publish_at`](Self::publish_at), so long after the publishing, by the database's clock; at most 100 years.
    fn deliver_after(self, delay: Duration) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.due = Some(Due::After(delay));
        event
    }
}

// so that the compiler complains about `Publish`, which says what to do, and does not list all types that carry a subject
#[diagnostic::do_not_recommend]
impl<E: CarriesSubject> Publish for E {
    type Payload = E;

    fn outgoing(self) -> Outgoing<E> {
        let subject = self.subject().to_string();
        Outgoing::new(self, subject)
    }
}

impl<E: Payload> Publish for Outgoing<E> {
    type Payload = E;

    fn outgoing(self) -> Self {
        self
    }
}
