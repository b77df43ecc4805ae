use time::OffsetDateTime;

use crate::contract::{CarriesSubject, Payload};
use crate::envelope::Event;
use crate::payload::EventId;

/// An event that is ready to publish: the payload, its subject, and what was said beside.
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
    pub(crate) correlation_id: Option<String>,
    pub(crate) causation_id: Option<EventId>,
    pub(crate) occurred_at: Option<OffsetDateTime>,
    pub(crate) traceparent: Option<String>,
}

impl<E> Outgoing<E> {
    pub(crate) fn new(payload: E, subject: String) -> Self {
        Self { payload, subject, event_id: EventId::new(), options: Options::default() }
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

    pub(crate) fn caused_by_unless_said(mut self, cause: &crate::Envelope) -> Self {
        self.options.causation_id.get_or_insert(cause.event_id);
        self.options.correlation_id.get_or_insert_with(|| cause.correlation_id.clone());
        if self.options.traceparent.is_none() {
            self.options.traceparent.clone_from(&cause.traceparent);
        }
        self
    }
}

/// What can be published: a payload that carries its subject's id, or one to which it was given with `about`.
///
/// What else there is to say about an event hangs on it:
///
/// ```
/// # use eventwright::{Publish, Outgoing, CarriesSubject};
/// # fn example<E: CarriesSubject>(lead_created: E) -> Outgoing<E> {
/// lead_created.tenant("acme").correlation("import-17")
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be published as it is",
    label = "this event does not carry its subject's id: what is it about?",
    note = "publish `event.about(id)`, with an id of the prefix that event-types-registry.json names as the event type's `subject`"
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
        event.options.correlation_id = Some(correlation_id.into());
        event
    }

    /// Names the event that caused this one, and takes over its correlation id and trace.
    fn caused_by<E>(self, cause: &Event<E>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing().caused_by_unless_said(&cause.envelope);
        event.options.causation_id = Some(cause.envelope.event_id);
        event
    }

    /// Says when it happened, where that is not now.
    fn occurred_at(self, time: OffsetDateTime) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.occurred_at = Some(time);
        event
    }

    /// Sets the publisher's place in its trace (W3C Trace Context).
    fn traceparent(self, traceparent: impl Into<String>) -> Outgoing<Self::Payload> {
        let mut event = self.outgoing();
        event.options.traceparent = Some(traceparent.into());
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
