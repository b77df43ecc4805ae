//! Creating and updating the tables.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::release::BEGIN;
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
    (7, "roles", include_str!("../migrations/0007_roles.sql")),
    (8, "operations", include_str!("../migrations/0008_operations.sql")),
    (9, "rebase", include_str!("../migrations/0009_rebase.sql")),
    (10, "old snapshots", include_str!("../migrations/0010_old_snapshots.sql")),
    (11, "one flag", include_str!("../migrations/0011_one_flag.sql")),
    (12, "types of the window", include_str!("../migrations/0012_types_of_the_window.sql")),
    (13, "homes restored", include_str!("../migrations/0013_homes_restored.sql")),
    (14, "windows taken back", include_str!("../migrations/0014_windows_taken_back.sql")),
    (15, "repeats by age", include_str!("../migrations/0015_repeats_by_age.sql")),
    (16, "no jit", include_str!("../migrations/0016_no_jit.sql")),
    (17, "generations in the key", include_str!("../migrations/0017_generations_in_the_key.sql")),
    (18, "bounds of windows", include_str!("../migrations/0018_bounds_of_windows.sql")),
    (19, "suspects in company", include_str!("../migrations/0019_suspects_in_company.sql")),
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
/// Programs of the version before may run meanwhile. Where a transaction keeps a table from being changed, it gives way and tries
/// again, for a minute or two, so that nobody waits long behind it.
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

/// Changing a table needs it alone, and whoever comes while we wait for those who have it waits behind us. So it is not waited for
/// long, nor so long that a deadlock would be resolved at the expense of another.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '300ms'";
/// How long those go first who waited behind us.
const PAUSE: Duration = Duration::from_millis(200);
const TRIES: u32 = 300;
/// A function that was replaced has lost what roles need of it.
const SECURE_FUNCTIONS: &str =
    "SELECT CASE WHEN EXISTS (SELECT FROM eventwright.roles) THEN eventwright.secure_functions()::text END";

async fn apply(pool: PgPool, schema: Schema) -> Result<(), Error> {
    give_way(|| apply_once(pool.clone(), schema.clone())).await
}

/// Tries again, for a minute or two, where a transaction is in the way.
pub(crate) async fn give_way<F: Future<Output = Result<(), Error>>>(change: impl Fn() -> F) -> Result<(), Error> {
    for _ in 1..TRIES {
        match change().await {
            Err(error) if is_in_the_way(&error) => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
    change().await
}

/// Postgres appendix A: lock_not_available; and serialization failures and deadlocks.
fn is_in_the_way(error: &Error) -> bool {
    matches!(error, Error::Conflict(_)) || has_code(error, &["55P03"])
}

/// Whether the database gave one of these codes.
fn has_code(error: &Error, codes: &[&str]) -> bool {
    let Error::Database(error) = error else { return false };
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| codes.contains(&&*code))
}

async fn apply_once(pool: PgPool, schema: Schema) -> Result<(), Error> {
    let schema = &schema;
    let mut connection = pool.acquire().await?;
    // each statement has to see what another process migrated while we waited for it
    let mut tx = connection.begin_with(BEGIN).await?;
    // one number for all schemas: two first migrations of one database would otherwise race for the same catalog rows
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('eventwright migrations', 0))")
        .execute(&mut *tx)
        .await?;
    let applied = applied(&mut tx, schema).await?;
    let known = known_version();
    if applied > known {
        return Err(Error::NewerSchema { found: applied, known });
    }
    if applied < known {
        sqlx::raw_sql(LOCK_TIMEOUT).execute(&mut *tx).await?;
    }
    for (version, name, statements) in MIGRATIONS.iter().filter(|m| m.0 > applied) {
        sqlx::raw_sql(schema.sql(statements)).execute(&mut *tx).await?;
        sqlx::query(schema.sql("INSERT INTO eventwright.migrations (version, name) VALUES ($1, $2)"))
            .bind(version)
            .bind(name)
            .execute(&mut *tx)
            .await?;
    }
    if applied < known {
        sqlx::raw_sql(schema.sql(SECURE_FUNCTIONS)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    match make_room(&mut connection, schema).await {
        // a role of few rights that finds all done: whoever subscribes makes room
        Err(error) if applied == known && has_code(&error, &["42501"]) => Ok(()),
        made => made,
    }
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
    sqlx::raw_sql(schema.sql("SELECT eventwright.make_room()")).execute(db).await?;
    Ok(())
}
