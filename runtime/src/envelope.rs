use time::OffsetDateTime;

use crate::payload::EventId;

/// What every event carries beside its payload.
///
/// It maps to the attributes of [CloudEvents 1.0](https://cloudevents.io): `id`, `type`, `source`, `subject` and `time` are
/// `event_id`, `event_type`, `source`, `subject` and `occurred_at`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Envelope {
    /// The event's own id, the same in every group and every delivery.
    pub event_id: EventId,
    /// The event type's name.
    pub event_type: String,
    /// The version of the payload as it was published.
    pub schema_version: u16,
    /// The domain that published it.
    pub source: String,
    /// The tenant, where there is one.
    pub tenant_id: Option<String>,
    /// The id of what the event is about; a group sees the events of one subject in the order of their publishing.
    pub subject: String,
    /// When it happened, to the microsecond, in UTC.
    pub occurred_at: OffsetDateTime,
    /// When the log took it, by the database's clock.
    pub published_at: OffsetDateTime,
    /// Shared by all events of one story; the first event's id, unless its publisher said otherwise.
    pub correlation_id: String,
    /// The event that caused this one.
    pub causation_id: Option<EventId>,
    /// The publisher's place in its trace (W3C Trace Context, `traceparent`).
    pub traceparent: Option<String>,
}

/// An event as a handler receives it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event<E> {
    /// Who published it, when, about what.
    pub envelope: Envelope,
    /// What happened.
    pub payload: E,
}
