//! Publishing through diesel-async.

use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};
use diesel::sql_types::{Array, Bool, Double, Integer, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::columns::{Columns, ForAll, Repeated};
use super::connection::{Run, Sql};
use super::row::Row;
use crate::Error;
use crate::payload::EventId;

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        // Diesel tells some kinds of errors, and keeps the server's code to itself: the rest is known by English messages, and
        // is just a refusal where the server speaks another language.
        let (code, message) = match &error {
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => ("40001", String::new()),
            DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, about) => {
                ("23514", about.message().to_owned())
            }
            DieselError::DatabaseError(_, about) if is_missing(about.message()) => ("42P01", String::new()),
            DieselError::DatabaseError(_, about) if about.message() == "deadlock detected" => ("40P01", String::new()),
            _ => ("", String::new()),
        };
        Self::of_postgres(code, &message, error, |error| Self::Driver(error.into()))
    }
}

fn is_missing(message: &str) -> bool {
    let of_ours = ["relation ", "schema ", "function "].iter().any(|kind| message.starts_with(kind));
    of_ours && message.ends_with(" does not exist")
}

/// One of our statements with its parameters. Not diesel's `sql_query`, which is prepared anew each time, in a round trip of its own.
struct Statement<B> {
    sql: Sql,
    binds: B,
}

/// The parameters of a statement, in their order.
trait Binds {
    fn bind<'b>(&'b self, number: usize, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

impl<B> QueryId for Statement<B> {
    type QueryId = ();

    // the text is another for each schema: it is what prepared statements are found by
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<B> Query for Statement<B> {
    type SqlType = Untyped;
}

impl<B: Binds> QueryFragment<Pg> for Statement<B> {
    /// Diesel numbers parameters as they come, and ours come in the order of their numbers. A later mention of one is plain text.
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut bound = 0;
        for line in self.sql.text.0.lines().filter(|line| !line.trim_start().starts_with("--")) {
            let mut parts = line.split('$');
            pass.push_sql(parts.next().unwrap_or_default());
            for part in parts {
                let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
                let (number, rest) = part.split_at(end);
                if number.parse() == Ok(bound + 1) {
                    bound += 1;
                    self.binds.bind(bound, &mut pass)?;
                } else {
                    pass.push_sql("$");
                    pass.push_sql(number);
                }
                pass.push_sql(rest);
            }
            pass.push_sql("\n");
        }
        Ok(())
    }
}

struct One<'a> {
    event_id: Uuid,
    version: i32,
    source: &'static str,
    row: &'a Row,
    correlation_id: String,
    causation_id: Option<Uuid>,
    downcast_version: Option<i32>,
    downcast_payload: Option<&'a str>,
}

impl Binds for One<'_> {
    fn bind<'b>(&'b self, number: usize, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match number {
            1 => pass.push_bind_param::<SqlUuid, _>(&self.event_id),
            2 => pass.push_bind_param::<Text, _>(self.row.event_type),
            3 => pass.push_bind_param::<Integer, _>(&self.version),
            4 => pass.push_bind_param::<Text, _>(self.source),
            5 => pass.push_bind_param::<Nullable<Text>, _>(&self.row.tenant_id),
            6 => pass.push_bind_param::<Text, _>(&self.row.subject),
            7 => pass.push_bind_param::<Nullable<Timestamptz>, _>(&self.row.occurred_at),
            8 => pass.push_bind_param::<Text, _>(&self.correlation_id),
            9 => pass.push_bind_param::<Nullable<SqlUuid>, _>(&self.causation_id),
            10 => pass.push_bind_param::<Nullable<Text>, _>(&self.row.origin.traceparent),
            11 => pass.push_bind_param::<Text, _>(&self.row.payload),
            12 => pass.push_bind_param::<Nullable<Integer>, _>(&self.downcast_version),
            13 => pass.push_bind_param::<Nullable<Text>, _>(&self.downcast_payload),
            _ => Err(no_such(number)),
        }
    }
}

struct Many<'a> {
    columns: &'a Columns,
    all: ForAll,
}

impl Binds for Many<'_> {
    fn bind<'b>(&'b self, number: usize, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match number {
            1 => pass.push_bind_param::<Array<SqlUuid>, _>(&self.columns.event_id),
            2 => pass.push_bind_param::<Array<Text>, _>(&self.columns.event_type),
            3 => pass.push_bind_param::<Array<Integer>, _>(&self.columns.version),
            4 => pass.push_bind_param::<Array<Nullable<Text>>, _>(&self.columns.tenant_id),
            5 => pass.push_bind_param::<Array<Text>, _>(&self.columns.subject),
            6 => pass.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.columns.occurred_at),
            7 => pass.push_bind_param::<Array<Text>, _>(&self.columns.correlation_id),
            8 => pass.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.columns.causation_id),
            9 => pass.push_bind_param::<Array<Nullable<Text>>, _>(&self.columns.traceparent),
            10 => pass.push_bind_param::<Array<Text>, _>(&self.columns.payload),
            11 => pass.push_bind_param::<Array<Nullable<Integer>>, _>(&self.columns.downcast_version),
            12 => pass.push_bind_param::<Array<Nullable<Text>>, _>(&self.columns.downcast_payload),
            13 => pass.push_bind_param::<Array<Nullable<Text>>, _>(&self.columns.idempotency_key),
            14 => pass.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.columns.due_at),
            15 => pass.push_bind_param::<Array<Nullable<Double>>, _>(&self.columns.due_in),
            16 => pass.push_bind_param::<Bool, _>(&self.all.lock_subjects),
            17 => pass.push_bind_param::<Text, _>(self.all.source),
            18 => pass.push_bind_param::<Bool, _>(&self.all.notify),
            _ => Err(no_such(number)),
        }
    }
}

struct Cancel {
    event_id: Uuid,
    source: &'static str,
}

impl Binds for Cancel {
    fn bind<'b>(&'b self, number: usize, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match number {
            1 => pass.push_bind_param::<SqlUuid, _>(&self.event_id),
            2 => pass.push_bind_param::<Text, _>(self.source),
            _ => Err(no_such(number)),
        }
    }
}

/// A defect of ours, which the first run of the statement shows.
fn no_such(number: usize) -> DieselError {
    DieselError::QueryBuilderError(format!("the statement has no parameter ${number}").into())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Nullable<Array<Text>>)]
    repeated: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<SqlUuid>>)]
    earlier: Option<Vec<Uuid>>,
}

#[derive(QueryableByName)]
struct Cancelled {
    #[diesel(sql_type = Bool)]
    cancelled: bool,
}

impl Run for AsyncPgConnection {
    fn publish_one<'a>(&'a mut self, sql: Sql, source: &'static str, row: &'a Row) -> BoxFuture<'a, Result<(), Error>> {
        let downcast = row.downcast.as_ref();
        let binds = One {
            event_id: row.event_id.as_uuid(),
            version: row.version.into(),
            source,
            row,
            correlation_id: row.correlation_id(),
            causation_id: row.origin.causation_id.map(|id| id.as_uuid()),
            downcast_version: downcast.map(|(version, _)| i32::from(*version)),
            downcast_payload: downcast.map(|(_, json)| json.as_str()),
        };
        Box::pin(async move {
            Statement { sql, binds }.execute(self).await?;
            Ok(())
        })
    }

    fn publish_many<'a>(
        &'a mut self,
        sql: Sql,
        columns: &'a Columns,
        all: ForAll,
    ) -> BoxFuture<'a, Result<Repeated, Error>> {
        Box::pin(async move {
            let answer: Answer = Statement { sql, binds: Many { columns, all } }.get_result(self).await?;
            Ok(Repeated { keys: answer.repeated.unwrap_or_default(), earlier: answer.earlier.unwrap_or_default() })
        })
    }

    fn cancel<'a>(
        &'a mut self,
        sql: Sql,
        source: &'static str,
        event_id: EventId,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let binds = Cancel { event_id: event_id.as_uuid(), source };
            let answer: Cancelled = Statement { sql, binds }.get_result(self).await?;
            Ok(answer.cancelled)
        })
    }
}
