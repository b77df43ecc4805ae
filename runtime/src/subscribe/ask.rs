//! Asking the database: with or without a pooler in between, and not for ever.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Connection, PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};

use super::Inner;
use crate::{Error, Schema};

/// An answer that takes longer does not come any more: the other side is gone, and did not say so.
pub(super) const NO_ANSWER: Duration = Duration::from_secs(15);

pub(crate) type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// What the database says, or an error where it says nothing.
pub(super) async fn answered<T, E: Into<Error>>(asked: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
    answered_within(NO_ANSWER, asked).await
}

/// The same, where the answer may have to wait for others first.
pub(super) async fn answered_within<T, E: Into<Error>>(
    limit: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, asked).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Error::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
    }
}

/// Whether a connection has ended, or gives no answer any more.
pub(super) fn is_of_connection(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Io(_)))
}

/// How statements are sent.
///
/// sqlx sends a statement in two steps, first its text, then its arguments. A pooler in transaction mode may send them to two
/// servers, unless both belong to one transaction; and a statement that has a name is not there any more in the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    /// Each statement is nameless, and in a transaction.
    Pooler,
}

impl Route {
    /// Asks a statement that is alone in its transaction; returns its first row, if there is one.
    pub(super) async fn ask_on(self, db: &mut PgConnection, query: Query<'_>) -> Result<Option<PgRow>, sqlx::Error> {
        let mut db = self.alone(db).await?;
        let row = query.fetch_optional(&mut *db).await?;
        db.commit().await?;
        Ok(row)
    }

    /// The same, on any connection of a pool.
    pub(crate) async fn ask(self, pool: &PgPool, query: Query<'_>) -> Result<Option<PgRow>, sqlx::Error> {
        self.ask_on(&mut *pool.acquire().await?, query).await
    }

    /// The same, of a statement that always has a row.
    pub(crate) async fn ask_one(self, pool: &PgPool, query: Query<'_>) -> Result<PgRow, sqlx::Error> {
        self.ask(pool, query).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Sets something for the session, where there is one.
    pub(super) async fn set(self, db: &mut PgConnection, statement: impl SqlSafeStr) -> Result<(), sqlx::Error> {
        match self {
            Self::Direct => sqlx::raw_sql(statement).execute(db).await.map(|_| ()),
            Self::Pooler => Ok(()),
        }
    }

    pub(crate) fn query<'q>(self, schema: &Schema, statement: &'static str) -> Query<'q> {
        sqlx::query(schema.sql(statement)).persistent(self == Self::Direct)
    }

    /// A connection for a statement that is alone in its transaction.
    pub(super) async fn alone(self, db: &mut PgConnection) -> Result<Alone<'_>, sqlx::Error> {
        Ok(match self {
            Self::Direct => Alone::Statement(db),
            Self::Pooler => Alone::Transaction(db.begin_with(crate::release::BEGIN).await?),
        })
    }
}

pub(super) enum Alone<'c> {
    Statement(&'c mut PgConnection),
    Transaction(Transaction<'c, Postgres>),
}

impl Alone<'_> {
    /// What was done is done.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Statement(_) => Ok(()),
            Self::Transaction(tx) => tx.commit().await,
        }
    }
}

impl Deref for Alone<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Statement(db) => db,
            Self::Transaction(tx) => tx,
        }
    }
}

impl DerefMut for Alone<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Statement(db) => db,
            Self::Transaction(tx) => tx,
        }
    }
}

impl<D, S> Inner<D, S> {
    /// One of our statements.
    pub(super) fn query<'q>(&self, statement: &'static str) -> Query<'q> {
        self.settings.route.query(&self.schema, statement)
    }

    /// One of our statements about held events, planned anew each time: a plan that was made while there were few would scan them all
    /// when there are many.
    pub(super) fn query_anew<'q>(&self, statement: &'static str) -> Query<'q> {
        self.query(statement).persistent(false)
    }

    /// Asks the group's database a statement that is alone in its transaction.
    pub(super) async fn ask(&self, query: Query<'_>) -> Result<Option<PgRow>, sqlx::Error> {
        self.settings.route.ask(&self.pool, query).await
    }

    /// The same, on a connection that one has.
    pub(super) async fn ask_on(&self, db: &mut PgConnection, query: Query<'_>) -> Result<Option<PgRow>, sqlx::Error> {
        self.settings.route.ask_on(db, query).await
    }

    /// Asks the log's database.
    pub(super) async fn ask_log(&self, query: Query<'_>) -> Result<PgRow, sqlx::Error> {
        self.settings.route.ask_one(&self.log.pool, query).await
    }
}

/// Undoes what a handler did. A statement of the handler for which nobody waits any more may answer first, and with an error: then
/// dropping the transaction does what is left to do.
pub(super) async fn undo(tx: Transaction<'_, Postgres>) -> Result<(), sqlx::Error> {
    match tx.rollback().await {
        Err(error) if error.as_database_error().is_some() => Ok(()),
        other => other,
    }
}

/// As [`undo`], back to the savepoint.
pub(super) async fn undo_to_savepoint(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    const BACK: &str = "ROLLBACK TO SAVEPOINT eventwright";
    match sqlx::raw_sql(BACK).execute(&mut *tx).await {
        Err(error) if error.as_database_error().is_some() => sqlx::raw_sql(BACK).execute(tx).await?,
        other => other?,
    };
    Ok(())
}
