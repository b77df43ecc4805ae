use futures_util::future::BoxFuture;
use sqlx::AssertSqlSafe;
use std::borrow::Cow;

use super::columns::{Columns, ForAll, Repeated};
use super::row::Row;
use crate::Error;
use crate::payload::EventId;

/// A statement, and whether it may have a name by which a driver finds it again.
pub struct Sql {
    pub(super) text: AssertSqlSafe<Cow<'static, str>>,
    pub(super) named: bool,
}

/// What events can be published through: the connection, or the open transaction, of a driver.
///
/// - sqlx: [`PgConnection`](sqlx::PgConnection), [`Transaction`](sqlx::Transaction), and a pool's connection;
/// - tokio-postgres (feature `tokio-postgres`): its `Client` and `Transaction`. Each publishing is one round trip, which also prepares
///   the statement, so it works behind a pooler in transaction mode;
/// - diesel-async (feature `diesel-async`): `AsyncPgConnection`.
///
/// What derefs to one of these, such as the object of a pool, is passed as `&mut *object`.
#[diagnostic::on_unimplemented(
    message = "events can't be published through `{Self}`",
    label = "not a connection or transaction that eventwright knows",
    note = "pass the open transaction, as `&mut tx`; of what derefs to a connection, `&mut *object`",
    note = "transactions of tokio-postgres and diesel-async need the features of these names"
)]
pub trait Connection: Run {}

// so that the compiler says what `Connection` says, and not that a sealed trait is missing
#[diagnostic::do_not_recommend]
impl<C: Run> Connection for C {}

/// What a driver does, sealed: it is not exported.
pub trait Run: Send {
    fn publish_one<'a>(&'a mut self, sql: Sql, source: &'static str, row: &'a Row) -> BoxFuture<'a, Result<(), Error>>;

    fn publish_many<'a>(
        &'a mut self,
        sql: Sql,
        columns: &'a Columns,
        all: ForAll,
    ) -> BoxFuture<'a, Result<Repeated, Error>>;

    fn cancel<'a>(
        &'a mut self,
        sql: Sql,
        source: &'static str,
        event_id: EventId,
    ) -> BoxFuture<'a, Result<bool, Error>>;
}
