//! A migration that needs a table for itself gives way to the handlers that use it, and comes through in the end.

mod common;

use common::{Result, migrated};
use sqlx::PgPool;

const BEFORE: &str = "DELETE FROM eventwright.migrations WHERE version >= 8;
    DROP TABLE eventwright.erasures;
    DELETE FROM eventwright.subscriber_functions WHERE name IN ('was_erased', 'seq_at', 'erased', 'is_erased');
    DROP FUNCTION eventwright.begin_erasure, eventwright.erased, eventwright.is_erased, eventwright.was_erased, eventwright.seq_at;
    DROP INDEX eventwright.held_dead_event;
    DROP VIEW eventwright.dead_letters;
    ALTER TABLE eventwright.held DROP COLUMN failed_at;
    CREATE VIEW eventwright.dead_letters AS
    SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
           correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, attempts, last_error AS error, died_at
      FROM eventwright.held WHERE reason = 'dead'";

async fn waits_for_held(pool: &PgPool) -> Result<bool> {
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'eventwright.held'::regclass)";
    Ok(sqlx::query_scalar(waits).fetch_one(pool).await?)
}

#[tokio::test]
async fn a_long_handler_stops_neither_others_nor_in_the_end_the_migration() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    sqlx::raw_sql(BEFORE).execute(pool).await?;
    let mut handler = pool.begin().await?;
    sqlx::raw_sql("LOCK TABLE eventwright.held IN ROW EXCLUSIVE MODE").execute(&mut *handler).await?;
    let migrating = tokio::spawn({
        let pool = pool.clone();
        async move { eventwright::migrate(&pool).await }
    });
    while !waits_for_held(pool).await? {}
    // another handler waits behind the migration, and gets its turn while the first one still runs
    let mut other = pool.begin().await?;
    sqlx::raw_sql("LOCK TABLE eventwright.held IN ROW EXCLUSIVE MODE").execute(&mut *other).await?;
    other.rollback().await?;
    assert!(!migrating.is_finished());
    handler.rollback().await?;
    migrating.await??;
    let applied: bool =
        sqlx::query_scalar("SELECT max(version) >= 8 FROM eventwright.migrations").fetch_one(pool).await?;
    assert!(applied);
    sqlx::query("SELECT failed_at FROM eventwright.dead_letters").execute(pool).await?;
    Ok(())
}
