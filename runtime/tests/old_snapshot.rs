//! Somebody keeps an old snapshot, so no version of a row can be removed: what a group asks must not take longer for it.

mod common;

use common::{Happened, Home, Result, happened, migrated, until};
use eventwright::{Context, Event, Failure, Handled, Publisher, Subscriber};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot};

/// How many index entries of a group's positions, and of what its ranges were about to run, were looked at so far, and how often all of
/// either was.
const LOOKED_AT: &str =
    "SELECT (SELECT sum(idx_tup_read)::bigint FROM pg_stat_all_indexes WHERE relid = ANY (of.tables)),
           (SELECT sum(seq_scan)::bigint FROM pg_stat_all_tables WHERE relid = ANY (of.tables))
      FROM (SELECT ARRAY['eventwright.positions'::regclass, 'eventwright.begun'::regclass]::oid[] AS tables) of";
const GROUP_IS_AWAY: &str = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'group' AND datname = current_database())";

async fn count(event: Event<Happened>, cx: &mut Context<'_, Home, mpsc::UnboundedSender<i64>>) -> Handled {
    cx.state().send(event.payload.n).map_err(|_| Failure::retry("nobody counts"))
}

/// Has a group of four ranges handle events of one of them, each once the one before is handled, and returns what it looked at.
async fn one_by_one(pool: &PgPool, events: i64) -> Result<(i64, i64)> {
    let (handled, mut hears) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let of_group = pool.connect_options().as_ref().clone().application_name("group");
    let of_group = pool.options().clone().connect_lazy_with(of_group);
    let before: (i64, i64) = sqlx::query_as(LOOKED_AT).fetch_one(pool).await?;
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
    let after: (i64, i64) = sqlx::query_as(LOOKED_AT).fetch_one(pool).await?;
    Ok((after.0 - before.0, after.1 - before.1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_group_looks_at_does_not_grow_with_what_can_not_be_removed() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut stranger = PgConnection::connect(database.url()).await?;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM eventwright.groups")
        .execute(&mut stranger)
        .await?;

    // the first generations; and plans are those of small tables
    one_by_one(pool, 200).await?;
    sqlx::raw_sql("ANALYZE eventwright.positions, eventwright.begun, eventwright.groups").execute(pool).await?;
    let (entries, scans) = one_by_one(pool, 200).await?;
    one_by_one(pool, 3000).await?;
    // as autovacuum does, in vain
    sqlx::raw_sql("VACUUM ANALYZE eventwright.positions, eventwright.begun").execute(pool).await?;
    let (entries_at_last, scans_at_last) = one_by_one(pool, 200).await?;

    let blocks: i64 =
        sqlx::query_scalar("SELECT pg_relation_size('eventwright.positions') / 8192").fetch_one(pool).await?;
    assert!(blocks > 100, "all versions were removed: {blocks} blocks");
    assert!(
        2 * entries_at_last < 3 * entries,
        "{entries} index entries for the first events, {entries_at_last} for the last"
    );
    assert!(
        scans_at_last <= scans,
        "all of a table was looked at {scans} times for the first events, {scans_at_last} for the last"
    );
    Ok(())
}
