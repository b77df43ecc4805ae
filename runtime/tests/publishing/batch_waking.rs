//! A batch calls sleepers as a single event does: at most once, and only where somebody sleeps.

use std::time::Duration;

use crate::common::{Home, Result, happened, migrated};
use eventwright::{Publish, Publisher};
use sqlx::PgPool;
use sqlx::postgres::PgListener;

fn home() -> Publisher<Home> {
    Publisher::new()
}

async fn ear(pool: &PgPool) -> Result<PgListener> {
    let mut ear = PgListener::connect_with(pool).await?;
    ear.listen("eventwright").await?;
    Ok(ear)
}

/// How many calls came before this one, which ends the counting.
async fn calls(pool: &PgPool, ear: &mut PgListener) -> Result<usize> {
    sqlx::query("SELECT pg_notify('eventwright', 'end')").execute(pool).await?;
    let mut calls = 0;
    while tokio::time::timeout(Duration::from_secs(20), ear.recv()).await??.payload() != "end" {
        calls += 1;
    }
    Ok(calls)
}

#[tokio::test]
async fn a_batch_calls_once_and_only_sleepers() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut ear = ear(pool).await?;
    let mut db = pool.acquire().await?;
    let events = || (0..50).map(|n| happened("x", n));
    home().publish_all(&mut db, events()).await?;
    assert_eq!(calls(pool, &mut ear).await?, 0);
    sqlx::query("SELECT eventwright.fall_asleep('1 minute')").execute(pool).await?;
    home().publish_all(&mut db, events()).await?;
    assert_eq!(calls(pool, &mut ear).await?, 1);
    home().without_notify().publish_all(&mut db, events()).await?;
    home().without_notify().publish(&mut db, happened("x", 1)).await?;
    assert_eq!(calls(pool, &mut ear).await?, 0);
    Ok(())
}

/// A repetition is no news; the scheduling is, since who sleeps until the next one that it knows of may have to get up earlier.
#[tokio::test]
async fn news_call_and_repetitions_do_not() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut ear = ear(pool).await?;
    let mut db = pool.acquire().await?;
    let event = || happened("x", 1).idempotency_key("k");
    home().publish(&mut db, event()).await?;
    sqlx::query("SELECT eventwright.fall_asleep('1 minute')").execute(pool).await?;
    home().publish(&mut db, event()).await?;
    assert_eq!(calls(pool, &mut ear).await?, 0);
    home().publish(&mut db, happened("x", 1).deliver_after(Duration::ZERO)).await?;
    assert_eq!(calls(pool, &mut ear).await?, 1);
    sqlx::query("SELECT eventwright.publish_due(10)").execute(pool).await?;
    assert_eq!(calls(pool, &mut ear).await?, 1);
    sqlx::query("SELECT eventwright.publish_due(10)").execute(pool).await?;
    assert_eq!(calls(pool, &mut ear).await?, 0);
    Ok(())
}
