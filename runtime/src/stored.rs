use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::Envelope;
use crate::payload::EventId;

/// A row of the log, or of one of the tables that keep its columns.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) seq: i64,
    pub(crate) envelope: Envelope,
    pub(crate) payload: String,
    pub(crate) downcast: Option<(u16, String)>,
}

impl Stored {
    /// How many bytes its payloads are, which is most of it.
    pub(crate) fn bytes(&self) -> usize {
        self.payload.len() + self.downcast.as_ref().map_or(0, |(_, payload)| payload.len())
    }

    pub(crate) fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let downcast_version: Option<i32> = row.try_get("downcast_version")?;
        let downcast_payload: Option<String> = row.try_get("downcast_payload")?;
        let causation_id: Option<uuid::Uuid> = row.try_get("causation_id")?;
        Ok(Self {
            seq: row.try_get("seq")?,
            payload: row.try_get("payload")?,
            downcast: downcast_version.map(version).transpose()?.zip(downcast_payload),
            envelope: Envelope {
                event_id: event_id(row.try_get("event_id")?)?,
                event_type: row.try_get("event_type")?,
                schema_version: version(row.try_get("schema_version")?)?,
                source: row.try_get("source")?,
                tenant_id: row.try_get("tenant_id")?,
                subject: row.try_get("subject")?,
                occurred_at: row.try_get("occurred_at")?,
                published_at: row.try_get("published_at")?,
                correlation_id: row.try_get("correlation_id")?,
                causation_id: causation_id.map(event_id).transpose()?,
                traceparent: row.try_get("traceparent")?,
            },
        })
    }
}

fn event_id(id: uuid::Uuid) -> Result<EventId, sqlx::Error> {
    EventId::from_uuid(id).map_err(|e| sqlx::Error::Decode(e.into()))
}

fn version(number: i32) -> Result<u16, sqlx::Error> {
    number
        .try_into()
        .map_err(|_| sqlx::Error::Decode(format!("schema version {number} is not between 0 and 65535").into()))
}
