//! The session that detaches and drops.
//!
//! DETACH CONCURRENTLY is the only way that does not stop publishers, and it can't run in a function or a transaction. It marks the
//! partition, waits for all transactions that use the log, and then takes the partition out. Where the wait is given up, the
//! mark stays, and FINALIZE goes on, which waits for all older snapshots.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row};

use super::report::{OpenTransaction, open_transaction};
use crate::{Error, Schema};

/// How long it waits for one other transaction. While FINALIZE waits for old snapshots it has the partition locked, and one of those may
/// want to read it: so not for long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long it waits for all of them.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

const NEXT: &str = "SELECT e.upper, e.partition, p.detaching
   FROM eventwright.expired e LEFT JOIN eventwright.partitions p ON p.name = e.partition
  WHERE e.dropped_at IS NULL
  ORDER BY e.upper
  LIMIT 1";
const BEGUN: &str = "SELECT name FROM eventwright.partitions WHERE detaching";
const ONE_AT_A_TIME: &str = "SELECT pg_try_advisory_lock('eventwright.outbox'::regclass::oid::bigint::bit(32)::int, 2)";

/// Who uses the log, or has a snapshot, for the longest time.
const WAITS_FOR: &str = "SELECT pid, name, since FROM (
        SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'unnamed') AS name, a.xact_start AS since
          FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
           AND (a.backend_xmin IS NOT NULL
                OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'eventwright.outbox'::regclass))
         UNION ALL
        SELECT NULL, gid, prepared FROM pg_prepared_xacts WHERE database = current_database()) t
  ORDER BY since
  LIMIT 1";

/// What a session removed, and what it waited for in vain.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) dropped: Vec<String>,
    pub(super) waits_for: Option<OpenTransaction>,
}

/// Removes the expired partitions, as far as nobody is in the way.
pub(super) async fn remove(pool: &PgPool, schema: &Schema) -> Result<Removed, Error> {
    let session = session(pool);
    let removed = async {
        let mut db: PoolConnection<Postgres> = session.acquire().await?;
        let alone: bool = sqlx::query_scalar(schema.sql(ONE_AT_A_TIME)).fetch_one(&mut *db).await?;
        if !alone {
            return Ok(Removed::default());
        }
        let mut removed = Removed::default();
        match remove_all(&mut db, schema, &mut removed.dropped).await {
            Err(error) if is_in_the_way(&error) => removed.waits_for = waits_for(&mut db, schema).await?,
            done => done?,
        }
        Ok(removed)
    }
    .await;
    // the lock goes with the session
    session.close().await;
    removed
}

/// A pool of one connection, with the hooks of the given one. The timeouts are set as it connects: a pooler in transaction mode
/// refuses that, where it would let a SET through to others.
fn session(pool: &PgPool) -> PgPool {
    let milliseconds = |timeout: Duration| timeout.as_millis().to_string();
    let options = (*pool.connect_options()).clone().options([
        ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
        ("statement_timeout", milliseconds(STATEMENT_TIMEOUT)),
        ("default_transaction_isolation", "read committed".to_owned()),
    ]);
    pool.options().clone().min_connections(0).max_connections(1).connect_lazy_with(options)
}

async fn remove_all(db: &mut PgConnection, schema: &Schema, dropped: &mut Vec<String>) -> Result<(), sqlx::Error> {
    // only one can be detached at a time, so this one is in the way, whoever began with it
    let begun: Option<String> = sqlx::query_scalar(schema.sql(BEGUN)).fetch_optional(&mut *db).await?;
    if let Some(partition) = begun {
        alter(db, schema, &partition, "FINALIZE").await?;
    }
    while let Some(next) = sqlx::query(schema.sql(NEXT)).fetch_optional(&mut *db).await? {
        let (upper, partition): (i64, String) = (next.try_get("upper")?, next.try_get("partition")?);
        if next.try_get::<Option<bool>, _>("detaching")?.is_some() {
            alter(db, schema, &partition, "CONCURRENTLY").await?;
        }
        sqlx::query(schema.sql("SELECT eventwright.drop_detached($1)")).bind(upper).execute(&mut *db).await?;
        dropped.push(partition);
    }
    Ok(())
}

async fn alter(db: &mut PgConnection, schema: &Schema, partition: &str, how: &str) -> Result<(), sqlx::Error> {
    let (schema, partition) = (schema.name(), partition.replace('"', "\"\""));
    let statement = format!("ALTER TABLE {schema}.outbox DETACH PARTITION {schema}.\"{partition}\" {how}");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await?;
    Ok(())
}

/// Postgres appendix A: lock_not_available, query_canceled, deadlock_detected, and object_not_in_prerequisite_state, where somebody
/// else detaches by hand.
fn is_in_the_way(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    matches!(code.as_deref(), Some("55P03" | "57014" | "40P01" | "55000"))
}

async fn waits_for(db: &mut PgConnection, schema: &Schema) -> Result<Option<OpenTransaction>, sqlx::Error> {
    let oldest = sqlx::query(schema.sql(WAITS_FOR)).fetch_optional(db).await?;
    oldest.as_ref().map(open_transaction).transpose()
}
