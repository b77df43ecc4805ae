//! Publishing through tokio-postgres. The parameters' types are said, so that preparing takes no round trip of its own.

use futures_util::future::BoxFuture;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, GenericClient, Transaction};
use uuid::Uuid;

use super::columns::{Columns, ForAll, Repeated};
use super::connection::{Run, Sql};
use super::row::Row;
use crate::Error;
use crate::payload::EventId;

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let about = error.as_db_error().map(|e| (e.code().code().to_owned(), e.message().to_owned()));
        let (code, message) = about.unwrap_or_default();
        Self::of_postgres(&code, &message, error, |error| Self::Driver(error.into()))
    }
}

type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

async fn publish_one<C: GenericClient>(db: &C, sql: Sql, source: &'static str, row: &Row) -> Result<(), Error> {
    let (version, downcast) = (i32::from(row.version), row.downcast.as_ref());
    let causation_id = row.origin.causation_id.map(|id| id.as_uuid());
    let (downcast_version, downcast_payload) =
        (downcast.map(|(version, _)| i32::from(*version)), downcast.map(|(_, json)| json));
    let parameters: [Parameter<'_>; 13] = [
        (&row.event_id.as_uuid(), Type::UUID),
        (&row.event_type, Type::TEXT),
        (&version, Type::INT4),
        (&source, Type::TEXT),
        (&row.tenant_id, Type::TEXT),
        (&row.subject, Type::TEXT),
        (&row.occurred_at, Type::TIMESTAMPTZ),
        (&row.correlation_id(), Type::TEXT),
        (&causation_id, Type::UUID),
        (&row.origin.traceparent, Type::TEXT),
        (&row.payload, Type::TEXT),
        (&downcast_version, Type::INT4),
        (&downcast_payload, Type::TEXT),
    ];
    db.query_typed(&sql.text.0, &parameters).await?;
    Ok(())
}

async fn publish_many<C: GenericClient>(db: &C, sql: Sql, columns: &Columns, all: ForAll) -> Result<Repeated, Error> {
    let parameters: [Parameter<'_>; 18] = [
        (&columns.event_id, Type::UUID_ARRAY),
        (&columns.event_type, Type::TEXT_ARRAY),
        (&columns.version, Type::INT4_ARRAY),
        (&columns.tenant_id, Type::TEXT_ARRAY),
        (&columns.subject, Type::TEXT_ARRAY),
        (&columns.occurred_at, Type::TIMESTAMPTZ_ARRAY),
        (&columns.correlation_id, Type::TEXT_ARRAY),
        (&columns.causation_id, Type::UUID_ARRAY),
        (&columns.traceparent, Type::TEXT_ARRAY),
        (&columns.payload, Type::TEXT_ARRAY),
        (&columns.downcast_version, Type::INT4_ARRAY),
        (&columns.downcast_payload, Type::TEXT_ARRAY),
        (&columns.idempotency_key, Type::TEXT_ARRAY),
        (&columns.due_at, Type::TIMESTAMPTZ_ARRAY),
        (&columns.due_in, Type::FLOAT8_ARRAY),
        (&all.lock_subjects, Type::BOOL),
        (&all.source, Type::TEXT),
        (&all.notify, Type::BOOL),
    ];
    let row = db.query_typed_one(&sql.text.0, &parameters).await?;
    let keys: Option<Vec<String>> = row.try_get("repeated")?;
    let earlier: Option<Vec<Uuid>> = row.try_get("earlier")?;
    Ok(Repeated { keys: keys.unwrap_or_default(), earlier: earlier.unwrap_or_default() })
}

async fn cancel<C: GenericClient>(db: &C, sql: Sql, source: &'static str, event_id: EventId) -> Result<bool, Error> {
    let parameters: [Parameter<'_>; 2] = [(&event_id.as_uuid(), Type::UUID), (&source, Type::TEXT)];
    Ok(db.query_typed_one(&sql.text.0, &parameters).await?.try_get(0)?)
}

macro_rules! through {
    ($type:ty) => {
        impl Run for $type {
            fn publish_one<'a>(
                &'a mut self,
                sql: Sql,
                source: &'static str,
                row: &'a Row,
            ) -> BoxFuture<'a, Result<(), Error>> {
                Box::pin(publish_one(&*self, sql, source, row))
            }

            fn publish_many<'a>(
                &'a mut self,
                sql: Sql,
                columns: &'a Columns,
                all: ForAll,
            ) -> BoxFuture<'a, Result<Repeated, Error>> {
                Box::pin(publish_many(&*self, sql, columns, all))
            }

            fn cancel<'a>(
                &'a mut self,
                sql: Sql,
                source: &'static str,
                event_id: EventId,
            ) -> BoxFuture<'a, Result<bool, Error>> {
                Box::pin(cancel(&*self, sql, source, event_id))
            }
        }
    };
}

through!(Client);
through!(Transaction<'_>);
