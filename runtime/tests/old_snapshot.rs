//! Somebody keeps an old snapshot, so no version of a row can be removed: what a group asks must not take longer for it.

mod common;

use common::{Happened, Home, Result, happened, migrated, until};
use eventwright::{Context, Event, Failure, Handled, Publisher, Subscriber};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot};

/// Blocks of a group's positions, and of what its ranges were about to run, that were looked at so far, indexes included.
const LOOKED_AT: &str = "SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint
      FROM pg_statio_all_tables WHERE relid IN ('eventwright.positions'::regclass, 'eventwright.begun'::regclass)";
const GROUP_IS_AWAY: &str = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'group' AND datname = current_database())";

async fn count(event: Event<Happened>, cx: &mut Context<'_, Home, mpsc::UnboundedSender<i64>>) -> Handled {
    cx.state().send(event.payload.n).map_err(|_| Failure::retry("nobody counts"))
}

/// Has a group of four ranges handle events of one of them, each once the one before is handled, and returns how many blocks it looked at.
async fn one_by_one(pool: &PgPool, events: i64) -> Result<i64> {
    let (handled, mut hears) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let of_group = pool.connect_options().as_ref().clone().application_name("group");
    let of_group = pool.options().clone().connect_lazy_with(of_group);
    let before: i64 = sqlx::query_scalar(LOOKED_AT).fetch_one(pool).await?;
    let subscriber = Subscriber::<Home>::new("a", of_group).ranges(4).state(handled).on(count);
    let running = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
    let home = Publisher::<Home>::new();
    let mut db = pool.acquire().await?;
    for n in 0..events {
        home.publish(&mut *db, happened("s", n)).await?;
        while hears.recv().await.ok_or("nobody handles")? != n {}
    }
    drop(db);
    stop.send(()).map_err(|()| "nobody to stop")?;
    running.await??;
    // sessions report what they have looked at as they end
    until(pool, GROUP_IS_AWAY).await?;
    let after: i64 = sqlx::query_scalar(LOOKED_AT).fetch_one(pool).await?;
    Ok(after - before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_group_looks_at_does_not_grow_with_what_can_not_be_removed() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut stranger = PgConnection::connect(database.url()).await?;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM eventwright.groups")
        .execute(&mut stranger)
        .await?;

    // the first generations
    one_by_one(pool, 200).await?;
    let at_first = one_by_one(pool, 200).await?;
    let meanwhile = one_by_one(pool, 3000).await?;
    let at_last = one_by_one(pool, 200).await?;

    let blocks: i64 =
        sqlx::query_scalar("SELECT pg_relation_size('eventwright.positions') / 8192").fetch_one(pool).await?;
    assert!(blocks > 100, "all versions were removed: {blocks} blocks");
    assert!(
        2 * at_last < 3 * at_first,
        "{at_first} blocks for the first events, {at_last} for the last (and {meanwhile} between)"
    );
    Ok(())
}
