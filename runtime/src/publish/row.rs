use std::time::Duration;

use time::OffsetDateTime;

use crate::Error;
use crate::contract::Payload;
use crate::outgoing::{Due, Origin, Outgoing};
use crate::payload::{EncodeError, EventId};
use crate::trace::{self, is_traceparent};

/// What an index can hold, with room for what stands beside it there.
const MAX_INDEXED: usize = 1024;

/// 4713 BC, and a day's room for time zones.
const FIRST_YEAR: i32 = -4711;

const MAX_DELAY: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// An event as it is stored. What can be wrong with it is found when it is made, before the database is asked anything.
#[derive(Debug)]
pub struct Row {
    pub(super) event_id: EventId,
    pub(super) event_type: &'static str,
    pub(super) version: u16,
    pub(super) tenant_id: Option<String>,
    pub(super) subject: String,
    pub(super) occurred_at: Option<OffsetDateTime>,
    pub(super) origin: Origin,
    pub(super) payload: String,
    pub(super) downcast: Option<(u16, String)>,
    pub(super) idempotency_key: Option<String>,
    pub(super) due: Option<Due>,
}

impl Row {
    pub(super) fn of<P: Payload>(event: Outgoing<P>) -> Result<Self, Error> {
        let Outgoing { payload, subject, event_id, options } = event;
        let encoded = |version: u16, json: Result<String, EncodeError>| {
            json.map_err(|source| Error::Encode { event_type: P::EVENT_TYPE, version, source })
        };
        let mut origin = options.origin;
        origin.traceparent = origin.traceparent.or_else(trace::current);
        let downcast = options.downcast.map(|old| Ok::<_, Error>((old.version, encoded(old.version, old.json)?)));
        let row = Self {
            event_id,
            event_type: P::EVENT_TYPE,
            version: P::VERSION,
            tenant_id: options.tenant_id.or_else(|| payload.tenant().map(str::to_owned)),
            subject,
            occurred_at: options.occurred_at,
            origin,
            payload: encoded(P::VERSION, payload.encode())?,
            downcast: downcast.transpose()?,
            idempotency_key: options.idempotency_key,
            due: options.due,
        };
        match row.problem() {
            Some((field, problem)) => Err(Error::Refused { event_type: P::EVENT_TYPE, field, problem }),
            None => Ok(row),
        }
    }

    /// The first thing that could not be stored, or would be of no use.
    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let texts = [
            ("tenant id", self.tenant_id.as_deref()),
            ("subject", Some(self.subject.as_str())),
            ("correlation id", self.origin.correlation_id.as_deref()),
            ("idempotency key", self.idempotency_key.as_deref()),
        ];
        for (field, text) in texts.into_iter().filter_map(|(field, text)| Some((field, text?))) {
            if text.contains('\0') {
                return Some((field, "holds the character U+0000, which Postgres does not store in a text"));
            }
        }
        let key = self.idempotency_key.as_deref();
        if key.is_some_and(str::is_empty) {
            return Some(("idempotency key", "is empty: name what must happen once, such as `order-17-paid`"));
        }
        if self.subject.len() > MAX_INDEXED {
            return Some(("subject", "has more than 1024 bytes: it is to be an id"));
        }
        if key.is_some_and(|key| key.len() > MAX_INDEXED) {
            return Some(("idempotency key", "has more than 1024 bytes: use a digest of what is so long"));
        }
        if self.origin.traceparent.as_deref().is_some_and(|text| !is_traceparent(text)) {
            return Some((
                "traceparent",
                "is none of W3C Trace Context: it is to look like 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, \
                 in lower case, and neither id may be all zeros",
            ));
        }
        let due_at = match self.due {
            Some(Due::At(time)) => Some(time),
            _ => None,
        };
        for (field, time) in [("time of occurrence", self.occurred_at), ("time of publishing", due_at)] {
            if time.is_some_and(|time| time.year() < FIRST_YEAR) {
                return Some((field, "is before 4713 BC, where Postgres's calendar begins"));
            }
        }
        if matches!(self.due, Some(Due::After(delay)) if delay > MAX_DELAY) {
            return Some(("delay", "is longer than 100 years"));
        }
        None
    }

    /// The row, if its payloads are not larger than this.
    pub(super) fn within(self, limit: usize) -> Result<Self, Error> {
        let older = self.downcast.as_ref().map(|(version, json)| (*version, json.len()));
        let payloads = [Some((self.version, self.payload.len())), older];
        match payloads.into_iter().flatten().find(|(_, bytes)| *bytes > limit) {
            Some((version, bytes)) => {
                Err(Error::PayloadTooLarge { event_type: self.event_type, version, bytes, limit })
            }
            None => Ok(self),
        }
    }

    /// The cause's, or the event's own id where there is none.
    pub(super) fn correlation_id(&self) -> String {
        self.origin.correlation_id.clone().unwrap_or_else(|| self.event_id.to_string())
    }

    /// Whether one INSERT into the log is all that it takes.
    pub(super) fn is_plain(&self) -> bool {
        self.idempotency_key.is_none() && self.due.is_none()
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.len() + self.downcast.as_ref().map_or(0, |(_, json)| json.len())
    }
}
