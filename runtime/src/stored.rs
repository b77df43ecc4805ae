use sqlx::postgres::PgRow;
use sqlx::{ColumnIndex, Row};

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
        Columns::of(row)?.read(row)
    }
}

/// Where in the rows of a statement its columns are: looking for each of them by its name in each row takes longer than reading it.
#[derive(Debug)]
pub(crate) struct Columns {
    seq: usize,
    event_id: usize,
    event_type: usize,
    schema_version: usize,
    source: usize,
    tenant_id: usize,
    subject: usize,
    occurred_at: usize,
    published_at: usize,
    correlation_id: usize,
    causation_id: usize,
    traceparent: usize,
    payload: usize,
    downcast_version: usize,
    downcast_payload: usize,
}

impl Columns {
    pub(crate) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            seq: "seq".index(row)?,
            event_id: "event_id".index(row)?,
            event_type: "event_type".index(row)?,
            schema_version: "schema_version".index(row)?,
            source: "source".index(row)?,
            tenant_id: "tenant_id".index(row)?,
            subject: "subject".index(row)?,
            occurred_at: "occurred_at".index(row)?,
            published_at: "published_at".index(row)?,
            correlation_id: "correlation_id".index(row)?,
            causation_id: "causation_id".index(row)?,
            traceparent: "traceparent".index(row)?,
            payload: "payload".index(row)?,
            downcast_version: "downcast_version".index(row)?,
            downcast_payload: "downcast_payload".index(row)?,
        })
    }

    pub(crate) fn read(&self, row: &PgRow) -> Result<Stored, sqlx::Error> {
        let downcast_version: Option<i32> = row.try_get(self.downcast_version)?;
        let downcast_payload: Option<String> = row.try_get(self.downcast_payload)?;
        let causation_id: Option<uuid::Uuid> = row.try_get(self.causation_id)?;
        Ok(Stored {
            seq: row.try_get(self.seq)?,
            payload: row.try_get(self.payload)?,
            downcast: downcast_version.map(version).transpose()?.zip(downcast_payload),
            envelope: Envelope {
                event_id: event_id(row.try_get(self.event_id)?)?,
                event_type: row.try_get(self.event_type)?,
                schema_version: version(row.try_get(self.schema_version)?)?,
                source: row.try_get(self.source)?,
                tenant_id: row.try_get(self.tenant_id)?,
                subject: row.try_get(self.subject)?,
                occurred_at: row.try_get(self.occurred_at)?,
                published_at: row.try_get(self.published_at)?,
                correlation_id: row.try_get(self.correlation_id)?,
                causation_id: causation_id.map(event_id).transpose()?,
                traceparent: row.try_get(self.traceparent)?,
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
