//! The same publishing through each driver: one suite, which knows of a driver only how to connect and how to run plain SQL.

use std::time::Duration;

use crate::common::{Happened, Home, Result, happened, migrated, ticket};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use eventwright::testing::Database;
use eventwright::{Batch, Connection, Error, OffsetDateTime, Outgoing, Publish, Publisher};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

trait Driver: Connection + Sized {
    async fn open(url: &str) -> Result<Self>;
    async fn sql(&mut self, statements: &str) -> Result;
}

impl Driver for PgConnection {
    async fn open(url: &str) -> Result<Self> {
        Ok(<PgConnection as sqlx::Connection>::connect(url).await?)
    }

    async fn sql(&mut self, statements: &str) -> Result {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(self).await?;
        Ok(())
    }
}

impl Driver for tokio_postgres::Client {
    async fn open(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        // it ends with the client
        tokio::spawn(connection);
        Ok(client)
    }

    async fn sql(&mut self, statements: &str) -> Result {
        Ok(self.batch_execute(statements).await?)
    }
}

impl Driver for AsyncPgConnection {
    async fn open(url: &str) -> Result<Self> {
        Ok(AsyncPgConnection::establish(url).await?)
    }

    async fn sql(&mut self, statements: &str) -> Result {
        Ok(self.batch_execute(statements).await?)
    }
}

fn home() -> Publisher<Home> {
    Publisher::new()
}

async fn log(pool: &PgPool) -> Result<Vec<i64>> {
    let all = "SELECT (payload->>'n')::bigint FROM eventwright.outbox ORDER BY seq";
    Ok(sqlx::query_scalar(all).fetch_all(pool).await?)
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn what_is_published_is_in_the_log_with_all_that_was_said<D: Driver>() -> Result {
    let database = migrated().await?;
    let mut db = D::open(database.url()).await?;
    let then = OffsetDateTime::from_unix_timestamp(1_700_000_000)?;
    let event = || happened("ä😀", 1).tenant("acme").correlation("story").occurred_at(then).traceparent(TRACE);
    let one = home().publish(&mut db, event()).await?;
    let many = home().publish_all(&mut db, [event()]).await?;
    home().publish(&mut db, happened("bare", 2)).await?;
    let rows = sqlx::query("SELECT * , payload::text AS text FROM eventwright.outbox ORDER BY seq")
        .fetch_all(database.pool())
        .await?;
    for (row, published) in rows.iter().zip([one, many[0]]) {
        assert_eq!(row.get::<uuid::Uuid, _>("event_id"), published.event_id.as_uuid());
        assert_eq!(row.get::<String, _>("event_type"), "home.happened");
        assert_eq!(row.get::<i32, _>("schema_version"), 1);
        assert_eq!(row.get::<String, _>("source"), "home");
        assert_eq!(row.get::<String, _>("tenant_id"), "acme");
        assert_eq!(row.get::<String, _>("subject"), "ä😀");
        assert_eq!(row.get::<OffsetDateTime, _>("occurred_at"), then);
        assert_eq!(row.get::<String, _>("correlation_id"), "story");
        assert_eq!(row.get::<String, _>("traceparent"), TRACE);
        assert_eq!(row.get::<String, _>("text"), "{\"about\":\"ä😀\",\"n\":1}");
    }
    assert_eq!(rows[2].get::<Option<String>, _>("tenant_id"), None);
    assert_eq!(rows.len(), 3);
    Ok(())
}

async fn an_event_goes_the_way_of_the_transaction<D: Driver>() -> Result {
    let database = migrated().await?;
    let mut db = D::open(database.url()).await?;
    for (n, end) in [(1, "ROLLBACK"), (2, "COMMIT")] {
        db.sql("BEGIN").await?;
        home().publish(&mut db, happened("x", n)).await?;
        home().publish_all(&mut db, [happened("x", n + 10), happened("x", n + 20)]).await?;
        db.sql(end).await?;
    }
    assert_eq!(log(database.pool()).await?, [2, 12, 22]);
    Ok(())
}

async fn keys_schedule_and_locks_work<D: Driver>() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = D::open(database.url()).await?;
    let publisher = home().lock_subjects();
    let event = |n: i64| -> Outgoing<Happened> { happened("x", n).idempotency_key("k") };
    let first = publisher.publish(&mut db, event(1)).await?;
    let second = publisher.publish(&mut db, event(2)).await?;
    assert_eq!((second.event_id, second.is_new), (first.event_id, false));
    let mut batch = Batch::new();
    batch.add(event(3)).add(happened("y", 4)).add(happened("z", 5).publish_at(OffsetDateTime::UNIX_EPOCH));
    batch.add(happened("z", 6).deliver_after(Duration::from_secs(60)));
    let published = publisher.publish_batch(&mut db, batch).await?;
    assert_eq!(published.iter().map(|event| event.is_new).collect::<Vec<_>>(), [false, true, true, true]);
    assert!(publisher.cancel(&mut db, published[3].event_id).await?);
    assert!(!publisher.cancel(&mut db, published[3].event_id).await?);
    db.sql("SELECT eventwright.publish_due(10)").await?;
    assert_eq!(log(pool).await?, [1, 4, 5]);
    assert_eq!(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM eventwright.scheduled").fetch_one(pool).await?, 0);
    Ok(())
}

async fn errors_say_what_they_mean<D: Driver>() -> Result {
    let bare = Database::create().await?;
    let mut db = D::open(bare.url()).await?;
    for refused in [
        home().publish(&mut db, happened("x", 1)).await,
        home().publish(&mut db, happened("x", 1).idempotency_key("k")).await,
    ] {
        assert!(matches!(refused, Err(Error::NotMigrated(_))), "{refused:?}");
    }

    let database = migrated().await?;
    let pool = database.pool();
    let mut db = D::open(database.url()).await?;
    db.sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await?;
    home().publish(&mut pool.acquire().await?, happened("x", 1).idempotency_key("k")).await?;
    let conflict = home().publish(&mut db, happened("x", 2).idempotency_key("k")).await;
    assert!(matches!(conflict, Err(Error::Conflict(_))), "{conflict:?}");
    let aborted = home().publish(&mut db, happened("x", 3)).await.expect_err("published in an aborted transaction");
    assert!(matches!(aborted, Error::Database(_) | Error::Driver(_)), "{aborted:?}");
    db.sql("ROLLBACK").await?;

    sqlx::query("SELECT setval('eventwright.outbox_seq', 1000000000000)").execute(pool).await?;
    let full = home().publish(&mut db, happened("x", 4)).await;
    assert!(matches!(full, Err(Error::NoPartition(_))), "{full:?}");
    Ok(())
}

async fn sleepers_are_called<D: Driver>() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut ear = sqlx::postgres::PgListener::connect_with(pool).await?;
    ear.listen("eventwright").await?;
    let mut db = D::open(database.url()).await?;
    for round in 0..2 {
        db.sql("SELECT eventwright.fall_asleep('1 minute')").await?;
        match round {
            0 => drop(home().publish(&mut db, happened("x", 1)).await?),
            _ => drop(home().publish_all(&mut db, [happened("x", 1)]).await?),
        }
        let call = tokio::time::timeout(Duration::from_secs(20), ear.recv()).await.map_err(|_| "nobody called")??;
        assert!(ticket(&call)? > 0);
        sqlx::query("SELECT eventwright.wake_up($1)").bind(ticket(&call)?).execute(pool).await?;
    }
    Ok(())
}

async fn large_batches_keep_their_order<D: Driver>() -> Result {
    let database = migrated().await?;
    let mut db = D::open(database.url()).await?;
    let numbers: Vec<i64> = (0..3000).map(|n| (n * 7919) % 3001).collect();
    home().publish_all(&mut db, numbers.iter().map(|n| happened("x", *n))).await?;
    assert_eq!(log(database.pool()).await?, numbers);
    Ok(())
}

macro_rules! suite {
    ($module:ident, $driver:ty, [$($test:ident),* $(,)?]) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() -> super::Result {
                    super::$test::<$driver>().await
                }
            )*
        }
    };
    ($($module:ident: $driver:ty),* $(,)?) => {
        $(
            suite!($module, $driver, [
                what_is_published_is_in_the_log_with_all_that_was_said,
                an_event_goes_the_way_of_the_transaction,
                keys_schedule_and_locks_work,
                errors_say_what_they_mean,
                sleepers_are_called,
                large_batches_keep_their_order,
            ]);
        )*
    };
}

suite! {
    sqlx_driver: sqlx::PgConnection,
    tokio_postgres_driver: tokio_postgres::Client,
    diesel_async_driver: diesel_async::AsyncPgConnection,
}

/// Each driver's own idea of a transaction is taken as it is.
#[tokio::test]
async fn transactions_are_passed_as_they_are() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut tx = pool.begin().await?;
    home().publish(&mut tx, happened("x", 1)).await?;
    tx.commit().await?;
    home().publish(&mut pool.acquire().await?, happened("x", 2)).await?;

    let mut client = tokio_postgres::Client::open(database.url()).await?;
    let mut tx = client.transaction().await?;
    home().publish(&mut tx, happened("x", 3)).await?;
    let mut savepoint = tx.transaction().await?;
    home().publish(&mut savepoint, happened("x", 4)).await?;
    savepoint.rollback().await?;
    tx.commit().await?;

    let mut diesel = AsyncPgConnection::open(database.url()).await?;
    diesel
        .transaction::<_, Error, _>(async |tx| {
            home().publish(tx, happened("x", 5)).await?;
            Ok(())
        })
        .await?;
    let undone = diesel
        .transaction::<(), Error, _>(async |tx| {
            home().publish(tx, happened("x", 6)).await?;
            Err(Error::from(diesel::result::Error::RollbackTransaction))
        })
        .await;
    assert!(matches!(undone, Err(Error::Driver(_))), "{undone:?}");
    assert_eq!(log(pool).await?, [1, 2, 3, 5]);
    Ok(())
}

/// sqlx and diesel prepare the statement once for a connection; so the second publishing is one round trip.
#[tokio::test]
async fn diesel_prepares_the_statement_once() -> Result {
    let database = migrated().await?;
    let mut db = AsyncPgConnection::open(database.url()).await?;
    for n in 0..5 {
        home().publish(&mut db, happened("x", n)).await?;
    }
    db.sql(
        "DO $$ BEGIN ASSERT 1 = (SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%eventwright.outbox%'); END $$",
    )
    .await
}
