//! Many rows as the arrays that `publish_batch.sql` takes.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;
use uuid::Uuid;

use super::Published;
use super::row::Row;
use crate::Error;
use crate::outgoing::Due;
use crate::payload::EventId;

/// Postgres takes a message of 1 GiB; this leaves room for what is beside payloads.
const MAX_BATCH: usize = 256 * 1024 * 1024;

/// The rows by columns, all of one length.
#[derive(Debug, Default)]
pub struct Columns {
    pub(super) event_id: Vec<Uuid>,
    pub(super) event_type: Vec<&'static str>,
    pub(super) version: Vec<i32>,
    pub(super) tenant_id: Vec<Option<String>>,
    pub(super) subject: Vec<String>,
    pub(super) occurred_at: Vec<Option<OffsetDateTime>>,
    pub(super) correlation_id: Vec<String>,
    pub(super) causation_id: Vec<Option<Uuid>>,
    pub(super) traceparent: Vec<Option<String>>,
    pub(super) payload: Vec<String>,
    pub(super) downcast_version: Vec<Option<i32>>,
    pub(super) downcast_payload: Vec<Option<String>>,
    pub(super) idempotency_key: Vec<Option<String>>,
    pub(super) due_at: Vec<Option<OffsetDateTime>>,
    /// In seconds.
    pub(super) due_in: Vec<Option<f64>>,
}

/// What is the same for all rows.
#[derive(Debug, Clone, Copy)]
pub struct ForAll {
    pub(super) lock_subjects: bool,
    pub(super) source: &'static str,
    pub(super) notify: bool,
}

/// Where each event of a batch is in the columns, and whether it is the first with its idempotency key.
#[derive(Debug)]
pub(super) struct Places(Vec<(usize, bool)>);

/// What the statement returns: the keys that had been used, and beside each the event that has it.
#[derive(Debug, Default)]
pub struct Repeated {
    pub(super) keys: Vec<String>,
    pub(super) earlier: Vec<Uuid>,
}

impl Columns {
    /// The rows, without those that repeat an earlier one's idempotency key.
    pub(super) fn of(rows: Vec<Row>) -> Result<(Self, Places), Error> {
        let bytes = rows.iter().map(Row::bytes).sum();
        if bytes > MAX_BATCH {
            return Err(Error::BatchTooLarge { bytes, limit: MAX_BATCH });
        }
        let mut columns = Self::default();
        let mut firsts: HashMap<String, usize> = HashMap::new();
        let mut places = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(first) = row.idempotency_key.as_ref().and_then(|key| firsts.get(key)) {
                places.push((*first, false));
                continue;
            }
            let at = columns.event_id.len();
            firsts.extend(row.idempotency_key.clone().map(|key| (key, at)));
            places.push((at, true));
            columns.push(row);
        }
        Ok((columns, Places(places)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.event_id.is_empty()
    }

    /// Whether no event has an idempotency key or a time to be published at.
    pub(super) fn are_plain(&self) -> bool {
        let timed = self.due_at.iter().any(Option::is_some) || self.due_in.iter().any(Option::is_some);
        !timed && self.idempotency_key.iter().all(Option::is_none)
    }

    /// How many events were published of each type: all but those whose keys had been used.
    pub(super) fn new_by_type(&self, repeated: &Repeated) -> HashMap<&'static str, u64> {
        let used: HashSet<&str> = repeated.keys.iter().map(String::as_str).collect();
        let mut counts = HashMap::new();
        for (event_type, key) in self.event_type.iter().zip(&self.idempotency_key) {
            if key.as_ref().is_none_or(|key| !used.contains(key.as_str())) {
                *counts.entry(*event_type).or_insert(0) += 1;
            }
        }
        counts
    }

    fn push(&mut self, row: Row) {
        self.correlation_id.push(row.correlation_id());
        let (downcast_version, downcast_payload) = row.downcast.unzip();
        let (due_at, due_in) = match row.due {
            Some(Due::At(time)) => (Some(time), None),
            Some(Due::After(delay)) => (None, Some(delay.as_secs_f64())),
            None => (None, None),
        };
        self.event_id.push(row.event_id.as_uuid());
        self.event_type.push(row.event_type);
        self.version.push(row.version.into());
        self.tenant_id.push(row.tenant_id);
        self.subject.push(row.subject);
        self.occurred_at.push(row.occurred_at);
        self.causation_id.push(row.origin.causation_id.map(|id| id.as_uuid()));
        self.traceparent.push(row.origin.traceparent);
        self.payload.push(row.payload);
        self.downcast_version.push(downcast_version.map(Into::into));
        self.downcast_payload.push(downcast_payload);
        self.idempotency_key.push(row.idempotency_key);
        self.due_at.push(due_at);
        self.due_in.push(due_in);
    }
}

impl Places {
    /// What became of each event.
    pub(super) fn published(self, columns: &Columns, repeated: &Repeated) -> Result<Vec<Published>, Error> {
        let earlier: HashMap<&str, Uuid> =
            repeated.keys.iter().map(String::as_str).zip(repeated.earlier.iter().copied()).collect();
        let published = |(at, is_first): (usize, bool)| {
            let key = columns.idempotency_key[at].as_deref();
            let (id, is_new) = match key.and_then(|key| earlier.get(key)) {
                Some(id) => (*id, false),
                None => (columns.event_id[at], is_first),
            };
            let event_id = EventId::from_uuid(id).map_err(|error| Error::Driver(error.into()))?;
            Ok(Published { event_id, is_new })
        };
        self.0.into_iter().map(published).collect()
    }
}
