//! The server, and a database for each side.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use eventwright::testing;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::Result;
use crate::events::{Subjects, TEMPLATE, TEMPLATE_AMOUNT, TEMPLATE_SUBJECT};
use crate::turns::Table;

pub(crate) struct Server {
    options: PgConnectOptions,
    databases: AtomicU32,
    /// Stops it when dropped.
    _own: testing::Server,
}

impl Server {
    /// A durable server, with as much memory and as few checkpoints as a server that is used in earnest is given.
    pub(crate) async fn start(given: bool, statements: bool) -> Result<Self> {
        let settings = testing::Settings::new()
            .durable(true)
            .set("shared_buffers", "1GB")
            .set("max_wal_size", "8GB")
            .set("checkpoint_timeout", "30min");
        let settings = if statements {
            settings.set("shared_preload_libraries", "pg_stat_statements").set("pg_stat_statements.track", "all")
        } else {
            settings
        };
        let settings = if given { settings } else { settings.ignore_database_url() };
        let own = tokio::task::spawn_blocking(move || settings.start()).await??;
        let options = PgConnectOptions::from_str(own.url())?;
        Ok(Self { options, databases: AtomicU32::new(0), _own: own })
    }

    /// Says what the figures depend on.
    pub(crate) async fn describe(&self) -> Result {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let mut settings = Vec::new();
        for name in ["server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size"] {
            let value: String =
                sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut connection).await?;
            settings.push(format!("{name} {value}"));
        }
        let cores = std::thread::available_parallelism()?;
        println!("Postgres: {}; {cores} cores for it and us", settings.join(", "));
        Ok(())
    }

    /// Prints what the server spent its time on since the last call. Needs the contrib module pg_stat_statements.
    pub(crate) async fn print_statements(&self) -> Result {
        const SPENT: &str = r"
            SELECT calls, total_exec_time + total_plan_time, (total_exec_time + total_plan_time) / calls * 1000, rows,
                   left(regexp_replace(regexp_replace(query, '--[^\n]*\n', '', 'g'), '\s+', ' ', 'g'), 90)
              FROM pg_stat_statements ORDER BY 2 DESC LIMIT 25";
        let mut connection = PgConnection::connect_with(&self.options).await?;
        sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&mut connection).await?;
        let spent: Vec<(i64, f64, f64, i64, String)> = sqlx::query_as(SPENT).fetch_all(&mut connection).await?;
        let table =
            Table::new("What the server spent its time on", ["statement", "calls", "ms in all", "µs each", "rows"]);
        for (calls, all, each, rows, statement) in spent {
            let statement = format!("`{}`", statement.replace('|', "¦"));
            table.row(&[statement, calls.to_string(), format!("{all:.0}"), format!("{each:.0}"), rows.to_string()]);
        }
        sqlx::raw_sql("SELECT pg_stat_statements_reset()").execute(&mut connection).await?;
        Ok(())
    }

    /// An empty database.
    pub(crate) async fn database(&self) -> Result<PgConnectOptions> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_{}_{number}", std::process::id());
        let mut connection = PgConnection::connect_with(&self.options).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        Ok(self.options.clone().database(&name))
    }

    /// Removes a database that is not needed any more: they are large.
    pub(crate) async fn drop(&self, database: &PgConnectOptions) -> Result {
        let name = database.get_database().unwrap_or_default();
        let mut connection = PgConnection::connect_with(&self.options).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut connection).await?;
        Ok(())
    }

    /// Removes a role whose databases are gone.
    pub(crate) async fn drop_role(&self, role: &str) -> Result {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP ROLE {role}"))).execute(&mut connection).await?;
        Ok(())
    }

    /// A database with eventwright's tables.
    pub(crate) async fn migrated(&self) -> Result<PgPool> {
        let pool = pool(&self.database().await?);
        eventwright::migrate(&pool).await?;
        Ok(pool)
    }
}

pub(crate) fn pool(database: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(4).connect_lazy_with(database.clone())
}

/// Fills the log by its own column defaults, as so many publishers would have.
pub(crate) async fn fill(pool: &PgPool, subjects: &Subjects, events: i64) -> Result {
    const CHUNK: i64 = 100_000;
    const FILL: &str = "
        INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
        SELECT event_id, 'payment.received', 1, 'revenue', subject, clock_timestamp(), 'evt_' || event_id,
               replace(replace($4, $5, subject), $6, n::text)::json
          FROM (SELECT n, subject, overlay(md5(n::text) PLACING '7' FROM 13 FOR 1) AS id
                  FROM generate_series($1::bigint, $2::bigint) n
                  JOIN unnest($3::text[]) WITH ORDINALITY s (subject, i) ON s.i = 1 + n % cardinality($3::text[])
                 ORDER BY n) numbered,
               LATERAL (SELECT overlay(id PLACING '8' FROM 17 FOR 1)::uuid AS event_id) made";
    let names: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    for from in (1..=events).step_by(CHUNK as usize) {
        sqlx::query("SELECT eventwright.ensure_partitions()").execute(pool).await?;
        sqlx::query(FILL)
            .bind(from)
            .bind((from + CHUNK - 1).min(events))
            .bind(&names)
            .bind(TEMPLATE)
            .bind(TEMPLATE_SUBJECT)
            .bind(TEMPLATE_AMOUNT)
            .execute(pool)
            .await?;
    }
    // hint bits and statistics as they are in a log that has been there for a while
    for statement in ["VACUUM (ANALYZE) eventwright.outbox", "CHECKPOINT"] {
        sqlx::raw_sql(statement).execute(pool).await?;
    }
    Ok(())
}
