//! An idempotency key: published once, whoever tries, and however many at the same time.

use std::time::Duration;

use crate::common::{Happened, Home, Result, happened, migrated};
use eventwright::testing::Database;
use eventwright::{Domain, Error, EventId, OffsetDateTime, Outgoing, Publish, Published, PublishedBy, Publisher};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};

fn home() -> Publisher<Home> {
    Publisher::new()
}

fn paid(n: i64) -> Outgoing<Happened> {
    happened("order", n).idempotency_key("order-17-paid")
}

async fn numbers(pool: &PgPool) -> Result<Vec<i64>> {
    let all = "SELECT (payload->>'n')::bigint FROM eventwright.outbox ORDER BY seq";
    Ok(sqlx::query_scalar(all).fetch_all(pool).await?)
}

/// Waits until a transaction of this database waits for another.
async fn somebody_waits(pool: &PgPool) -> Result {
    let waits = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                                 WHERE NOT l.granted AND a.datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// What became of a publishing, and the transaction that it was in.
type Tried = (Result<Published, Error>, Transaction<'static, Postgres>);

/// A connection of its own, which publishes in a task and leaves the transaction to the caller.
fn in_background(
    pool: &PgPool,
    begin: &'static str,
    event: Outgoing<Happened>,
) -> tokio::task::JoinHandle<Result<Tried>> {
    let pool = pool.clone();
    tokio::spawn(async move {
        let mut tx = pool.begin_with(begin).await?;
        // the snapshot of a repeatable read is taken here
        sqlx::query("SELECT 1").execute(&mut *tx).await?;
        Ok((home().publish(&mut tx, event).await, tx))
    })
}

#[tokio::test]
async fn a_second_publishing_is_the_first() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let first = home().publish(&mut db, paid(1)).await?;
    let second = home().publish(&mut db, paid(2)).await?;
    assert!(first.is_new && !second.is_new);
    assert_eq!(first.event_id, second.event_id);
    assert!(home().publish(&mut db, happened("order", 3).idempotency_key("order-18-paid")).await?.is_new);
    assert_eq!(numbers(pool).await?, [1, 3]);
    Ok(())
}

/// Who does not know whether the commit got through tries again with the event that it has, id and all.
#[tokio::test]
async fn the_same_event_again_is_not_new_either() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let event = paid(1);
    assert!(home().publish(&mut db, event.clone()).await?.is_new);
    let again = home().publish(&mut db, event.clone()).await?;
    assert_eq!((again.event_id, again.is_new), (event.event_id(), false));
    assert_eq!(numbers(pool).await?, [1]);
    Ok(())
}

#[tokio::test]
async fn a_key_that_rolled_back_was_not_used() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut tx = pool.begin().await?;
    home().publish(&mut tx, paid(1)).await?;
    tx.rollback().await?;
    let mut tx = pool.begin().await?;
    let mut savepoint = tx.begin().await?;
    home().publish(&mut savepoint, paid(2)).await?;
    savepoint.rollback().await?;
    assert!(home().publish(&mut tx, paid(3)).await?.is_new);
    tx.commit().await?;
    assert_eq!(numbers(pool).await?, [3]);
    Ok(())
}

/// Two domains know nothing of each other's keys.
#[tokio::test]
async fn a_key_is_a_domains_own() -> Result {
    struct Away;
    impl Domain for Away {
        const NAME: &'static str = "away";
    }
    impl PublishedBy<Away> for Happened {}
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    assert!(home().publish(&mut db, paid(1)).await?.is_new);
    assert!(Publisher::<Away>::new().publish(&mut db, paid(2)).await?.is_new);
    assert_eq!(numbers(pool).await?, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn the_second_waits_and_is_a_repetition_if_the_first_commits() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut first = pool.begin().await?;
    let published = home().publish(&mut first, paid(1)).await?;
    let second = in_background(pool, "BEGIN ISOLATION LEVEL READ COMMITTED", paid(2));
    somebody_waits(pool).await?;
    first.commit().await?;
    let (second, tx) = second.await??;
    let second = second?;
    assert_eq!((second.event_id, second.is_new), (published.event_id, false));
    tx.commit().await?;
    assert_eq!(numbers(pool).await?, [1]);
    Ok(())
}

#[tokio::test]
async fn the_second_publishes_if_the_first_rolls_back() -> Result {
    for isolation in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let database = migrated().await?;
        let pool = database.pool();
        let mut first = pool.begin().await?;
        home().publish(&mut first, paid(1)).await?;
        let begin: &'static str = match isolation {
            "READ COMMITTED" => "BEGIN ISOLATION LEVEL READ COMMITTED",
            "REPEATABLE READ" => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            _ => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let second = in_background(pool, begin, paid(2));
        somebody_waits(pool).await?;
        first.rollback().await?;
        let (second, tx) = second.await??;
        assert!(second?.is_new, "{isolation}");
        tx.commit().await?;
        assert_eq!(numbers(pool).await?, [2], "{isolation}");
    }
    Ok(())
}

/// Its snapshot can't see the first one's key, and it must not publish a second time.
#[tokio::test]
async fn at_repeatable_read_a_conflict_asks_for_another_try() -> Result {
    for begin in ["BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE"] {
        let database = migrated().await?;
        let pool = database.pool();
        let mut first = pool.begin().await?;
        let published = home().publish(&mut first, paid(1)).await?;
        let second = in_background(pool, begin, paid(2));
        somebody_waits(pool).await?;
        first.commit().await?;
        let (second, tx) = second.await??;
        assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
        tx.rollback().await?;
        let mut again = pool.begin_with(begin).await?;
        let repeated = home().publish(&mut again, paid(2)).await?;
        assert_eq!((repeated.event_id, repeated.is_new), (published.event_id, false));
        again.commit().await?;
        assert_eq!(numbers(pool).await?, [1]);
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_holds_new_and_repeated_events() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let before = home().publish(&mut db, paid(0)).await?;
    let with = |n: i64, key: &str| happened("order", n).idempotency_key(key);
    let batch = [
        with(1, "b"),
        happened("order", 2).outgoing(),
        paid(3),
        with(4, "a"),
        with(5, "b"),
        happened("order", 6).outgoing(),
        paid(7),
    ];
    let ids: Vec<EventId> = batch.iter().map(Outgoing::event_id).collect();
    let published = home().publish_all(&mut db, batch).await?;
    let said: Vec<(EventId, bool)> = published.iter().map(|event| (event.event_id, event.is_new)).collect();
    let expected = [
        (ids[0], true),
        (ids[1], true),
        (before.event_id, false),
        (ids[3], true),
        (ids[0], false),
        (ids[5], true),
        (before.event_id, false),
    ];
    assert_eq!(said, expected);
    assert_eq!(numbers(pool).await?, [0, 1, 2, 4, 6]);
    let repeated = home().publish_all(&mut db, [with(8, "a"), with(9, "b")]).await?;
    assert!(repeated.iter().all(|event| !event.is_new));
    assert_eq!(numbers(pool).await?.len(), 5);
    Ok(())
}

/// Batches with the same keys in opposite orders, and both wait for each other: never a deadlock, never a double.
#[tokio::test]
async fn batches_with_the_same_keys_do_not_lock_each_other_out() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..6_i64 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut is_new = 0;
            for round in 0..20 {
                let mut keys: Vec<i64> = (0..30).collect();
                if worker % 2 == 0 {
                    keys.reverse();
                }
                let events =
                    keys.into_iter().map(|n| happened("x", round * 30 + n).idempotency_key(format!("{round}-{n}")));
                let published = home().publish_all(&mut pool.acquire().await?, events).await?;
                is_new += published.iter().filter(|event| event.is_new).count();
            }
            Ok::<usize, Box<dyn std::error::Error + Send + Sync>>(is_new)
        });
    }
    let mut is_new = 0;
    while let Some(done) = tasks.join_next().await {
        is_new += done??;
    }
    assert_eq!(is_new, 600);
    let mut numbers = numbers(pool).await?;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..600).collect::<Vec<_>>());
    Ok(())
}

/// One statement: neither asks first nor afterwards.
#[tokio::test]
async fn a_repetition_is_one_statement() -> Result {
    let database = migrated().await?;
    let mut db = PgConnection::connect(database.url()).await?;
    home().publish(&mut db, paid(1)).await?;
    home().publish(&mut db, paid(2)).await?;
    let prepared: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared_statements%'",
    )
    .fetch_one(&mut db)
    .await?;
    assert_eq!(prepared, 1);
    Ok(())
}

async fn keys(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT key FROM eventwright.idempotency_keys ORDER BY key").fetch_all(pool).await?)
}

async fn forget(pool: &PgPool, older_than: &str, at_most: i32) -> Result<i32> {
    let forget = "SELECT eventwright.forget_idempotency_keys($1::text::interval, $2)";
    Ok(sqlx::query_scalar(forget).bind(older_than).bind(at_most).fetch_one(pool).await?)
}

#[tokio::test]
async fn keys_are_forgotten_by_age_and_in_steps() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    for key in ["a", "b", "c", "d"] {
        home().publish(&mut db, happened("x", 1).idempotency_key(key)).await?;
    }
    let later = OffsetDateTime::now_utc() + Duration::from_secs(3600);
    home().publish(&mut db, happened("x", 1).idempotency_key("later").publish_at(later)).await?;
    sqlx::query(
        "UPDATE eventwright.idempotency_keys SET used_at = used_at - interval '8 days' WHERE key IN ('a', 'b', 'c')",
    )
    .execute(pool)
    .await?;
    assert_eq!(forget(pool, "7 days", 2).await?, 2);
    assert_eq!(forget(pool, "7 days", 2).await?, 1);
    assert_eq!(forget(pool, "7 days", 2).await?, 0);
    assert_eq!(keys(pool).await?, ["d", "later"]);
    assert_eq!(forget(pool, "0", 1000).await?, 1);
    assert_eq!(keys(pool).await?, ["later"], "a key is forgotten before its event is due");
    assert!(home().publish(&mut db, happened("x", 2).idempotency_key("a")).await?.is_new);
    Ok(())
}

/// A key that a publisher is at is passed over; one that waits for the forgetting publishes anew.
#[tokio::test]
async fn forgetting_and_publishing_do_not_wait_for_each_other() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    home().publish(&mut pool.acquire().await?, paid(1)).await?;
    let mut repeats = pool.begin().await?;
    home().publish(&mut repeats, paid(2)).await?;
    assert_eq!(forget(pool, "0", 1000).await?, 0);
    repeats.commit().await?;

    let mut forgets = pool.begin().await?;
    sqlx::query("SELECT eventwright.forget_idempotency_keys('0')").execute(&mut *forgets).await?;
    let published = in_background(pool, "BEGIN ISOLATION LEVEL READ COMMITTED", paid(3));
    somebody_waits(pool).await?;
    forgets.commit().await?;
    let (published, tx) = published.await??;
    assert!(published?.is_new);
    tx.commit().await?;
    assert_eq!(numbers(pool).await?, [1, 3]);
    Ok(())
}

/// The flag of the sleepers is read after the wait for another publisher's key, not when the statement began.
#[tokio::test]
async fn who_falls_asleep_while_a_publisher_waits_is_called() -> Result {
    let database: Database = migrated().await?;
    let pool = database.pool();
    let mut ear = sqlx::postgres::PgListener::connect_with(pool).await?;
    ear.listen("eventwright").await?;
    let mut first = pool.begin().await?;
    home().publish(&mut first, paid(1)).await?;
    let second = in_background(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ", paid(2));
    somebody_waits(pool).await?;
    sqlx::query("SELECT eventwright.fall_asleep('1 minute')").execute(pool).await?;
    first.rollback().await?;
    let (second, tx) = second.await??;
    assert!(second?.is_new);
    tx.commit().await?;
    tokio::time::timeout(Duration::from_secs(20), ear.recv()).await.map_err(|_| "nobody called")??;
    Ok(())
}

#[tokio::test]
async fn a_key_shows_the_event_that_has_it() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let published = home().publish(&mut pool.acquire().await?, paid(1)).await?;
    home().publish(&mut pool.acquire().await?, paid(1)).await?;
    let row: (String, uuid::Uuid, i32) =
        sqlx::query_as("SELECT source, event_id, repeats FROM eventwright.idempotency_keys").fetch_one(pool).await?;
    assert_eq!(row, ("home".to_owned(), published.event_id.as_uuid(), 1));
    Ok(())
}
