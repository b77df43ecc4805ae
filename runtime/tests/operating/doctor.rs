//! Each thing that can be wrong with a log or a group is found, and nothing where nothing is.

use std::time::Duration;

use crate::common::{Group, Result, migrated, open, publish};
use eventwright::testing::Database;
use eventwright::{Doctor, Finding, Severity};
use sqlx::PgPool;

async fn findings(pool: &PgPool) -> Result<Vec<Finding>> {
    Ok(Doctor::new(pool.clone()).examine().await?)
}

/// The only finding.
async fn finding(pool: &PgPool) -> Result<Finding> {
    let found = findings(pool).await?;
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert!(!finding.advice.is_empty());
    Ok(finding.clone())
}

/// Breaks something, and returns what is found then.
async fn broken_by(statements: &'static str) -> Result<Finding> {
    let database = migrated().await?;
    let pool = database.pool();
    open(pool, "x").await?.commit().await?;
    Group::new("a", pool).await?.next().await?;
    assert_eq!(findings(pool).await?, [], "nothing is wrong yet");
    sqlx::raw_sql(statements).execute(pool).await?;
    finding(pool).await
}

#[tokio::test]
async fn missing_tables_are_found_and_old_and_newer_ones() -> Result {
    let database = Database::create().await?;
    let pool = database.pool();
    assert!(finding(pool).await?.what.contains("no tables"));
    eventwright::migrate(pool).await?;
    assert_eq!(findings(pool).await?, []);
    sqlx::raw_sql("INSERT INTO eventwright.migrations (version, name) VALUES (1000000, 'future')")
        .execute(pool)
        .await?;
    assert!(finding(pool).await?.advice.contains("update this program"));
    sqlx::raw_sql("DELETE FROM eventwright.migrations WHERE version > 1").execute(pool).await?;
    let old = finding(pool).await?;
    assert!(old.severity == Severity::Wrong && old.what.contains("at migration 1,"), "{old:?}");
    Ok(())
}

#[tokio::test]
async fn a_sequence_that_gives_numbers_in_advance_is_found() -> Result {
    let found = broken_by("ALTER SEQUENCE eventwright.outbox_seq CACHE 20").await?;
    assert!(
        found.check == "sequence" && found.severity == Severity::Wrong && found.what.contains("CACHE 20"),
        "{found:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_number_that_is_taken_before_the_transactions_id_is_found() -> Result {
    let found = broken_by(
        "ALTER TABLE eventwright.outbox_to_2000000 ALTER COLUMN seq SET DEFAULT nextval('eventwright.outbox_seq')",
    )
    .await?;
    assert!(found.check == "numbering" && found.what.contains("outbox_to_2000000:"), "{found:?}");
    let found = broken_by("ALTER TABLE ONLY eventwright.outbox ALTER COLUMN seq DROP DEFAULT").await?;
    assert!(found.check == "numbering" && found.what.contains("outbox:"), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_log_from_another_cluster_is_found() -> Result {
    let found = broken_by("UPDATE eventwright.cluster SET system_identifier = 7").await?;
    assert!(found.check == "cluster" && found.severity == Severity::Wrong, "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_nearly_full_is_found() -> Result {
    let found =
        broken_by("SELECT setval('eventwright.outbox_seq', (SELECT max(upper) - 10 FROM eventwright.partitions))")
            .await?;
    assert!(found.check == "partitions" && found.what.contains("room for 10 more"), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn another_default_isolation_is_noted() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    sqlx::raw_sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$")
        .execute(pool)
        .await?;
    let found = finding(pool).await?;
    assert!(found.severity == Severity::Note && found.what.contains("all roles"), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn what_keeps_a_group_from_going_on_is_found() -> Result {
    let paused = broken_by("UPDATE eventwright.groups SET paused_at = now()").await?;
    assert!(
        paused.check == "paused" && paused.severity == Severity::Note && paused.advice.contains("resume a"),
        "{paused:?}"
    );
    let detached = broken_by("UPDATE eventwright.groups SET detached_at = now()").await?;
    assert!(detached.check == "detached" && detached.severity == Severity::Note, "{detached:?}");
    let suspect = broken_by("UPDATE eventwright.begun SET suspect = true, attempts = 3 WHERE first_seq > 0").await?;
    assert!(suspect.check == "suspect" && suspect.what.starts_with("3 processes of group `a`"), "{suspect:?}");
    let silent = broken_by(
        "INSERT INTO eventwright.readers (home, group_name, completed, seen_at) VALUES ('7/far', 'b', 0, now() - interval '2 hours')",
    )
    .await?;
    assert!(silent.check == "silent-reader" && silent.advice.contains("detach b --home 7/far"), "{silent:?}");
    Ok(())
}

#[tokio::test]
async fn a_group_that_is_late_is_found() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?.next().await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    assert_eq!(findings(pool).await?, []);
    sqlx::raw_sql("UPDATE eventwright.outbox SET published_at = now() - interval '3 days'").execute(pool).await?;
    let found = finding(pool).await?;
    assert!(found.check == "lag" && found.what.contains("72 hours behind"), "{found:?}");
    Ok(())
}

const HOLD: &str = "INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at,
                                               published_at, correlation_id, payload, reason, died_at)
    SELECT 'a', n, overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid, 'lead.created', 3, 'sales', 's' || n, now(), now(), 'c',
           '{}', $1, CASE WHEN $1 = 'dead' THEN now() END
      FROM generate_series(1, 3) n";

#[tokio::test]
async fn what_waits_for_a_person_or_a_deploy_is_found() -> Result {
    for (reason, check, what) in [
        ("dead", "dead-letters", "has 3 dead letters"),
        ("unknown", "unknown-version", "holds 3 events lead.created v3 back"),
    ] {
        let database = migrated().await?;
        let pool = database.pool();
        Group::new("a", pool).await?.next().await?;
        sqlx::query(HOLD).bind(reason).execute(pool).await?;
        let found = finding(pool).await?;
        assert!(found.check == check && found.severity == Severity::Wrong && found.what.contains(what), "{found:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_does_not_end_is_found() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let doctor = Doctor::new(pool.clone()).transactions_open_for(Duration::ZERO);
    let reads = pool.begin().await?;
    assert_eq!(doctor.examine().await?, []);
    let writes = open(pool, "x").await?;
    assert_eq!(findings(pool).await?, [], "it is young");
    let found = doctor.examine().await?;
    assert!(
        found.len() == 1 && found[0].check == "transaction" && found[0].advice.contains("pg_terminate_backend"),
        "{found:?}"
    );
    drop((reads, writes));
    Ok(())
}
