//! Events that come later: not before their time, once, in order, and not at all where they are cancelled.

use std::time::Duration;

use crate::common::{Group, Happened, Home, Result, happened, migrated};
use eventwright::{Domain, OffsetDateTime, Outgoing, Publish, PublishedBy, Publisher};
use sqlx::{Connection, PgConnection, PgPool};

fn home() -> Publisher<Home> {
    Publisher::new()
}

/// Due so many seconds from now; a negative number is the past.
fn due(n: i64, seconds: i64) -> Outgoing<Happened> {
    happened("x", n).publish_at(OffsetDateTime::now_utc() + time::Duration::seconds(seconds))
}

async fn publish_due(pool: &PgPool, at_most: i32) -> Result<i32> {
    Ok(sqlx::query_scalar("SELECT eventwright.publish_due($1)").bind(at_most).fetch_one(pool).await?)
}

async fn next_due(pool: &PgPool) -> Result<Option<f64>> {
    Ok(sqlx::query_scalar("SELECT eventwright.next_due()").fetch_one(pool).await?)
}

async fn numbers(pool: &PgPool) -> Result<Vec<i64>> {
    let all = "SELECT (payload->>'n')::bigint FROM eventwright.outbox ORDER BY seq";
    Ok(sqlx::query_scalar(all).fetch_all(pool).await?)
}

/// Lets time pass for what is on the schedule.
async fn pass(pool: &PgPool, seconds: i32) -> Result {
    sqlx::query("UPDATE eventwright.scheduled SET due_at = due_at - make_interval(secs => $1)")
        .bind(f64::from(seconds))
        .execute(pool)
        .await?;
    Ok(())
}

#[tokio::test]
async fn an_event_comes_not_before_its_time_and_once() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    assert_eq!(next_due(pool).await?, None);
    let scheduled = home().publish(&mut db, due(1, 3600)).await?;
    assert!(scheduled.is_new);
    home().publish(&mut db, happened("x", 2).deliver_after(Duration::from_secs(7200))).await?;
    assert!(next_due(pool).await?.is_some_and(|seconds| (3500.0..=3600.0).contains(&seconds)));
    assert_eq!(publish_due(pool, 10).await?, 0);
    assert!(numbers(pool).await?.is_empty());

    pass(pool, 3600).await?;
    assert_eq!(next_due(pool).await?, Some(0.0));
    assert_eq!(publish_due(pool, 10).await?, 1);
    assert_eq!(publish_due(pool, 10).await?, 0);
    assert_eq!(numbers(pool).await?, [1]);
    assert!(next_due(pool).await?.is_some_and(|seconds| (3500.0..=3600.0).contains(&seconds)));
    let id: uuid::Uuid = sqlx::query_scalar("SELECT event_id FROM eventwright.outbox").fetch_one(pool).await?;
    assert_eq!(id, eventwright::Id::as_uuid(&scheduled.event_id));
    pass(pool, 3600).await?;
    assert_eq!(publish_due(pool, 10).await?, 1);
    assert_eq!((numbers(pool).await?, next_due(pool).await?), (vec![1, 2], None));
    Ok(())
}

#[tokio::test]
async fn what_is_due_comes_in_order_of_time_then_of_scheduling() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let time = OffsetDateTime::now_utc();
    let event = |n: i64, seconds: i64| happened("x", n).publish_at(time - time::Duration::seconds(seconds));
    let mut db = pool.acquire().await?;
    home().publish(&mut db, event(5, 10)).await?;
    home().publish_all(&mut db, [event(6, 10), event(1, 30), event(7, 10), event(3, 20)]).await?;
    home().publish_all(&mut db, [event(2, 30), event(8, 10), event(4, 20)]).await?;
    assert_eq!(publish_due(pool, 3).await?, 3);
    assert_eq!(numbers(pool).await?, [1, 2, 3]);
    assert_eq!(publish_due(pool, 100).await?, 5);
    assert_eq!(numbers(pool).await?, [1, 2, 3, 4, 5, 6, 7, 8]);
    Ok(())
}

/// A batch may hold both; only what is not put off is in the log.
#[tokio::test]
async fn a_batch_may_put_some_events_off() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let batch = [happened("x", 1).outgoing(), due(2, 3600), happened("x", 3).outgoing()];
    home().publish_all(&mut pool.acquire().await?, batch).await?;
    assert_eq!(numbers(pool).await?, [1, 3]);
    pass(pool, 3600).await?;
    publish_due(pool, 10).await?;
    assert_eq!(numbers(pool).await?, [1, 3, 2]);
    Ok(())
}

/// It states a fact of its due time, unless it says otherwise.
#[tokio::test]
async fn an_event_occurs_when_it_is_due() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let time = OffsetDateTime::from_unix_timestamp(1_700_000_000)?;
    let mut db = pool.acquire().await?;
    home().publish(&mut db, happened("x", 1).publish_at(time)).await?;
    home().publish(&mut db, happened("x", 2).publish_at(time).occurred_at(OffsetDateTime::UNIX_EPOCH)).await?;
    publish_due(pool, 10).await?;
    let times: Vec<(OffsetDateTime, bool)> = sqlx::query_as(
        "SELECT occurred_at, published_at > clock_timestamp() - interval '1 minute' FROM eventwright.outbox ORDER BY seq",
    )
    .fetch_all(pool)
    .await?;
    assert_eq!(times, [(time, true), (OffsetDateTime::UNIX_EPOCH, true)]);
    Ok(())
}

#[tokio::test]
async fn an_event_is_scheduled_if_its_transaction_commits() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut tx = pool.begin().await?;
    home().publish(&mut tx, due(1, -1)).await?;
    tx.rollback().await?;
    assert_eq!(publish_due(pool, 10).await?, 0);
    // one whose mover fails stays on the schedule
    home().publish(&mut pool.acquire().await?, due(2, -1)).await?;
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT eventwright.publish_due(10)").execute(&mut *tx).await?;
    tx.rollback().await?;
    assert_eq!(publish_due(pool, 10).await?, 1);
    assert_eq!(numbers(pool).await?, [2]);
    Ok(())
}

#[tokio::test]
async fn a_second_mover_does_not_wait() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    home().publish_all(&mut pool.acquire().await?, [due(1, -3), due(2, -2)]).await?;
    let mut first = pool.begin().await?;
    assert_eq!(sqlx::query_scalar::<_, i32>("SELECT eventwright.publish_due(1)").fetch_one(&mut *first).await?, 1);
    let second = tokio::time::timeout(Duration::from_secs(20), publish_due(pool, 1));
    assert_eq!(second.await.map_err(|_| "waits for the first mover")??, 0, "two movers at a time turn the order round");
    first.commit().await?;
    assert_eq!(publish_due(pool, 1).await?, 1);
    assert_eq!(numbers(pool).await?, [1, 2]);
    Ok(())
}

/// Movers, publishers and cancellers at the same time: each event comes once or was cancelled, and never both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_event_comes_once_or_is_cancelled() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let published = home().publish_all(&mut pool.acquire().await?, (0..400).map(|n| due(n, -1))).await?;
    let mut movers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let pool = pool.clone();
        movers.spawn(async move {
            while next_due(&pool).await?.is_some() {
                publish_due(&pool, 7).await?;
            }
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    let mut cancelled = Vec::new();
    for (n, event) in published.iter().enumerate().rev() {
        if n % 3 == 0 && home().cancel(&mut pool.acquire().await?, event.event_id).await? {
            cancelled.push(n as i64);
        }
    }
    while let Some(done) = movers.join_next().await {
        done??;
    }
    let mut all = numbers(pool).await?;
    assert!(all.is_sorted(), "{all:?}");
    all.extend(cancelled);
    all.sort_unstable();
    assert_eq!(all, (0..400).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_cancelled_event_never_comes() -> Result {
    struct Away;
    impl Domain for Away {
        const NAME: &'static str = "away";
    }
    impl PublishedBy<Away> for Happened {}
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let event = home().publish(&mut db, due(1, -1)).await?.event_id;
    assert!(!Publisher::<Away>::new().cancel(&mut db, event).await?, "another domain's event was cancelled");
    let mut tx = db.begin().await?;
    assert!(home().cancel(&mut tx, event).await?);
    // passed over by a mover that does not know yet whether the cancelling commits
    assert_eq!(publish_due(pool, 10).await?, 0);
    tx.rollback().await?;
    assert!(home().cancel(&mut db, event).await?);
    assert!(!home().cancel(&mut db, event).await?);
    assert_eq!(publish_due(pool, 10).await?, 0);
    let late = home().publish(&mut db, due(2, -1)).await?.event_id;
    publish_due(pool, 10).await?;
    assert!(!home().cancel(&mut db, late).await?, "cancelled what is in the log");
    assert_eq!(numbers(pool).await?, [2]);
    Ok(())
}

#[tokio::test]
async fn a_key_counts_for_scheduled_events_until_they_are_cancelled() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let event = |n: i64| due(n, 3600).idempotency_key("reminder");
    let first = home().publish(&mut db, event(1)).await?;
    let second = home().publish(&mut db, happened("x", 2).idempotency_key("reminder")).await?;
    assert_eq!((second.event_id, second.is_new), (first.event_id, false));
    assert!(home().cancel(&mut db, first.event_id).await?);
    let third = home().publish(&mut db, event(3)).await?;
    assert!(third.is_new, "a cancelled event keeps its key");
    pass(pool, 3600).await?;
    publish_due(pool, 10).await?;
    assert!(!home().publish(&mut db, event(4)).await?.is_new, "a key was forgotten when its event came");
    assert_eq!(numbers(pool).await?, [3]);
    Ok(())
}

/// Its subscriber has moved it into the log, and what is due later stays on the schedule.
#[tokio::test]
async fn groups_handle_what_is_due() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    home().publish_all(&mut pool.acquire().await?, [due(1, -1), due(2, 3600)]).await?;
    assert_eq!(group.next().await?, ["x"]);
    assert_eq!(numbers(pool).await?, [1]);
    pass(pool, 3600).await?;
    assert_eq!(group.next().await?, ["x"]);
    assert_eq!(numbers(pool).await?, [1, 2]);
    Ok(())
}

/// However much is on the schedule: what asks whether anything is due looks at one entry of an index.
#[tokio::test]
async fn nothing_due_costs_one_probe() -> Result {
    let database = migrated().await?;
    let mut db = PgConnection::connect(database.url()).await?;
    home().publish_all(&mut db, (0..3000).map(|n| due(n, 3600 + n))).await?;
    sqlx::query("VACUUM ANALYZE eventwright.scheduled").execute(&mut db).await?;
    let read = "SELECT seq_scan, coalesce(idx_tup_read, 0)::bigint FROM pg_stat_user_tables t
                  JOIN pg_stat_user_indexes i USING (relid) WHERE i.indexrelname = 'scheduled_due'";
    // statistics are told when a session ends a transaction, at most once in a second
    let flush = "SELECT pg_stat_force_next_flush()";
    for question in ["SELECT eventwright.publish_due(100)", "SELECT eventwright.next_due()"] {
        sqlx::raw_sql(flush).execute(&mut db).await.ok();
        let before: (i64, i64) = sqlx::query_as(read).fetch_one(&mut db).await?;
        for _ in 0..20 {
            sqlx::query(question).execute(&mut db).await?;
        }
        sqlx::raw_sql(flush).execute(&mut db).await.ok();
        let after: (i64, i64) = sqlx::query_as(read).fetch_one(&mut db).await?;
        assert_eq!(after.0, before.0, "{question} reads the whole table");
        assert!(after.1 - before.1 <= 20, "{question} read {} entries", after.1 - before.1);
    }
    Ok(())
}
