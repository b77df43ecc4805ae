//! Creating and updating the tables.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::to_the_end::to_the_end;
use crate::{Error, Schema};

/// The migrations in their order; one that was released is never edited.
const MIGRATIONS: &[(i32, &str, &str)] = &[
    (1, "log", include_str!("../migrations/0001_log.sql")),
    (2, "groups", include_str!("../migrations/0002_groups.sql")),
    (3, "wake", include_str!("../migrations/0003_wake.sql")),
    (4, "groups", include_str!("../migrations/0004_groups.sql")),
    (5, "publishing", include_str!("../migrations/0005_publishing.sql")),
    (6, "retention", include_str!("../migrations/0006_retention.sql")),
    (8, "operations", include_str!("../migrations/0008_operations.sql")),
];

const LEDGER: &str = "CREATE TABLE eventwright.migrations (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)";

/// Creates eventwright's tables in the schema `eventwright`, or updates them, and makes room in the log.
///
/// Safe to call from many processes at once and at every start: they take turns, and what is done is not done again. All
/// migrations that are missing are applied in one transaction. Where nothing is missing, it needs no right to create anything.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::PgPool::connect("postgres://localhost/app").await?;
/// eventwright::migrate(&pool).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// Where the database refuses, or was migrated by a newer eventwright.
pub async fn migrate(pool: &PgPool) -> Result<(), Error> {
    migrate_in(pool, &Schema::default()).await
}

/// As [`migrate`], in another schema.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_in(pool: &PgPool, schema: &Schema) -> Result<(), Error> {
    to_the_end(apply(pool.clone(), schema.clone())).await
}

/// Some migrations need a table for themselves for a moment, and don't wait for it for long, since others would wait behind them.
/// So they are tried again, this many times, with a pause for the others.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(500);

async fn apply(pool: PgPool, schema: Schema) -> Result<(), Error> {
    for _ in 1..TRIES {
        match apply_once(&pool, &schema).await {
            Err(error) if waited_too_long(&error) => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
    apply_once(&pool, &schema).await
}

/// Postgres appendix A: `lock_not_available`.
fn waited_too_long(error: &Error) -> bool {
    matches!(error, Error::Database(error) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some("55P03"))
}

async fn apply_once(pool: &PgPool, schema: &Schema) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    // one number for all schemas: two first migrations of one database would otherwise race for the same catalog rows
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('eventwright migrations', 0))")
        .execute(&mut *tx)
        .await?;
    let applied = applied(&mut tx, schema).await?;
    let known = known_version();
    if applied > known {
        return Err(Error::NewerSchema { found: applied, known });
    }
    for (version, name, statements) in MIGRATIONS.iter().filter(|m| m.0 > applied) {
        sqlx::raw_sql(schema.sql(statements)).execute(&mut *tx).await?;
        sqlx::query(schema.sql("INSERT INTO eventwright.migrations (version, name) VALUES ($1, $2)"))
            .bind(version)
            .bind(name)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    make_room(&mut connection, schema).await
}

async fn applied(tx: &mut PgConnection, schema: &Schema) -> Result<i32, Error> {
    // looked up first: IF NOT EXISTS needs the right to create even where there is nothing to create
    let (has_schema, has_ledger): (bool, bool) =
        sqlx::query_as("SELECT to_regnamespace($1) IS NOT NULL, to_regclass($1 || '.migrations') IS NOT NULL")
            .bind(schema.name())
            .fetch_one(&mut *tx)
            .await?;
    if !has_schema {
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {}", schema.name()))).execute(&mut *tx).await?;
    }
    if !has_ledger {
        sqlx::query(schema.sql(LEDGER)).execute(&mut *tx).await?;
    }
    let last: Option<i32> =
        sqlx::query_scalar(schema.sql("SELECT max(version) FROM eventwright.migrations")).fetch_one(&mut *tx).await?;
    Ok(last.unwrap_or(0))
}

/// The last migration of this version.
pub(crate) fn known_version() -> i32 {
    MIGRATIONS.last().map_or(0, |m| m.0)
}

/// The last migration in the database; `None`: there is none.
pub(crate) async fn applied_version(pool: &PgPool, schema: &Schema) -> Result<Option<i32>, Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass($1 || '.migrations') IS NOT NULL")
        .bind(schema.name())
        .fetch_one(pool)
        .await?;
    if !there {
        return Ok(None);
    }
    Ok(sqlx::query_scalar(schema.sql("SELECT max(version) FROM eventwright.migrations")).fetch_one(pool).await?)
}

/// Creates the log's next partitions where they are missing. Blocks no publisher.
pub(crate) async fn make_room(db: &mut PgConnection, schema: &Schema) -> Result<(), Error> {
    sqlx::raw_sql(schema.sql("SELECT eventwright.ensure_partitions()")).execute(db).await?;
    Ok(())
}
