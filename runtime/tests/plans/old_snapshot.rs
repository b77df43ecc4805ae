//! Somebody keeps an old snapshot, so no version of a row can be removed: what a group asks must not take longer for it.

use crate::common::{Happened, Home, Result, happened, migrated, until};
use eventwright::{Context, Event, Failure, Handled, Publisher, Subscriber};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot};

/// What was looked at so far of a group's positions, and of what its ranges were about to run: index entries, blocks (also those that
/// an update looks at to see that a key is there but once), and how often all of either table.
#[derive(Debug)]
struct LookedAt {
    entries: i64,
    blocks: i64,
    scans: i64,
}
const LOOKED_AT: &str =
    "SELECT (SELECT sum(idx_tup_read)::bigint FROM pg_stat_all_indexes WHERE relid = ANY (of.tables)) AS entries,
           (SELECT sum(heap_blks_hit + idx_blks_hit)::bigint FROM pg_statio_all_tables WHERE relid = ANY (of.tables)) AS blocks,
           (SELECT sum(seq_scan)::bigint FROM pg_stat_all_tables WHERE relid = ANY (of.tables)) AS scans
      FROM (SELECT ARRAY['eventwright.positions'::regclass, 'eventwright.begun'::regclass]::oid[] AS tables) of";
const GROUP_IS_AWAY: &str = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'group' AND datname = current_database())";

async fn looked_at(pool: &PgPool) -> Result<LookedAt> {
    let (entries, blocks, scans) = sqlx::query_as(LOOKED_AT).fetch_one(pool).await?;
    Ok(LookedAt { entries, blocks, scans })
}

async fn count(event: Event<Happened>, cx: &mut Context<'_, Home, mpsc::UnboundedSender<i64>>) -> Handled {
    cx.state().send(event.payload.n).map_err(|_| Failure::retry("nobody counts"))
}

/// Has a group of four ranges handle events of one of them, each once the one before is handled, and returns what it looked at.
async fn one_by_one(pool: &PgPool, events: i64) -> Result<LookedAt> {
    let (handled, mut hears) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let of_group = pool.connect_options().as_ref().clone().application_name("group");
    let of_group = pool.options().clone().connect_lazy_with(of_group);
    let before = looked_at(pool).await?;
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
    let after = looked_at(pool).await?;
    Ok(LookedAt {
        entries: after.entries - before.entries,
        blocks: after.blocks - before.blocks,
        scans: after.scans - before.scans,
    })
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
    let first = one_by_one(pool, 200).await?;
    one_by_one(pool, 3000).await?;
    // as autovacuum does, in vain
    sqlx::raw_sql("VACUUM ANALYZE eventwright.positions, eventwright.begun").execute(pool).await?;
    let last = one_by_one(pool, 200).await?;

    let blocks: i64 =
        sqlx::query_scalar("SELECT pg_relation_size('eventwright.positions') / 8192").fetch_one(pool).await?;
    assert!(blocks > 100, "all versions were removed: {blocks} blocks");
    assert!(
        2 * last.entries < 3 * first.entries && 2 * last.blocks < 3 * first.blocks && last.scans <= first.scans,
        "for the first events {first:?}, for the last {last:?}"
    );
    Ok(())
}
