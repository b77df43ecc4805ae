//! Publishing through sqlx, which prepares each statement once for a connection.

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgConnection, Postgres, Row as _, Transaction};
use uuid::Uuid;

use super::columns::{Columns, ForAll, Repeated};
use super::connection::{Run, Sql};
use super::row::Row;
use crate::Error;
use crate::payload::EventId;

impl Run for PgConnection {
    fn publish_one<'a>(&'a mut self, sql: Sql, source: &'static str, row: &'a Row) -> BoxFuture<'a, Result<(), Error>> {
        let downcast = row.downcast.as_ref();
        let inside = must_be_inside(self, &sql);
        let query = sqlx::query(sql.text)
            .persistent(sql.named)
            .bind(row.event_id.as_uuid())
            .bind(row.event_type)
            .bind(i32::from(row.version))
            .bind(source)
            .bind(&row.tenant_id)
            .bind(&row.subject)
            .bind(row.occurred_at)
            .bind(row.correlation_id())
            .bind(row.origin.causation_id.map(|id| id.as_uuid()))
            .bind(&row.origin.traceparent)
            .bind(&row.payload)
            .bind(downcast.map(|(version, _)| i32::from(*version)))
            .bind(downcast.map(|(_, json)| json));
        Box::pin(async move {
            inside?;
            query.execute(self).await?;
            Ok(())
        })
    }

    fn publish_many<'a>(
        &'a mut self,
        sql: Sql,
        columns: &'a Columns,
        all: ForAll,
    ) -> BoxFuture<'a, Result<Repeated, Error>> {
        let inside = must_be_inside(self, &sql);
        let query = sqlx::query(sql.text)
            .persistent(sql.named)
            .bind(&columns.event_id)
            .bind(&columns.event_type)
            .bind(&columns.version)
            .bind(&columns.tenant_id)
            .bind(&columns.subject)
            .bind(&columns.occurred_at)
            .bind(&columns.correlation_id)
            .bind(&columns.causation_id)
            .bind(&columns.traceparent)
            .bind(&columns.payload)
            .bind(&columns.downcast_version)
            .bind(&columns.downcast_payload)
            .bind(&columns.idempotency_key)
            .bind(&columns.due_at)
            .bind(&columns.due_in)
            .bind(all.lock_subjects)
            .bind(all.source)
            .bind(all.notify);
        Box::pin(async move {
            inside?;
            let row = query.fetch_one(self).await?;
            let keys: Option<Vec<String>> = row.try_get("repeated")?;
            let earlier: Option<Vec<Uuid>> = row.try_get("earlier")?;
            Ok(Repeated { keys: keys.unwrap_or_default(), earlier: earlier.unwrap_or_default() })
        })
    }

    fn cancel<'a>(
        &'a mut self,
        sql: Sql,
        source: &'static str,
        event_id: EventId,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            must_be_inside(self, &sql)?;
            let query = sqlx::query_scalar(sql.text).persistent(sql.named);
            Ok(query.bind(event_id.as_uuid()).bind(source).fetch_one(self).await?)
        })
    }
}

/// sqlx sends a statement in two steps. Without a name and outside of a transaction, a pooler may send the second one to another
/// server, which then runs what somebody else has prepared there.
fn must_be_inside(db: &PgConnection, sql: &Sql) -> Result<(), Error> {
    match sql.named || db.is_in_transaction() {
        true => Ok(()),
        false => Err(Error::OutsideOfTransaction),
    }
}

/// What derefs to a connection: callers pass it as it is.
macro_rules! as_its_connection {
    ($type:ty) => {
        impl Run for $type {
            fn publish_one<'a>(
                &'a mut self,
                sql: Sql,
                source: &'static str,
                row: &'a Row,
            ) -> BoxFuture<'a, Result<(), Error>> {
                (**self).publish_one(sql, source, row)
            }

            fn publish_many<'a>(
                &'a mut self,
                sql: Sql,
                columns: &'a Columns,
                all: ForAll,
            ) -> BoxFuture<'a, Result<Repeated, Error>> {
                (**self).publish_many(sql, columns, all)
            }

            fn cancel<'a>(
                &'a mut self,
                sql: Sql,
                source: &'static str,
                event_id: EventId,
            ) -> BoxFuture<'a, Result<bool, Error>> {
                (**self).cancel(sql, source, event_id)
            }
        }
    };
}

as_its_connection!(Transaction<'_, Postgres>);
as_its_connection!(PoolConnection<Postgres>);
