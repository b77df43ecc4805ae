//! `eventwright rebase`.

use crate::common::{eventwright, migrated};

#[tokio::test]
async fn a_restored_database_is_rebased_once() {
    let database = migrated().await;
    // as a dump has it in another cluster
    sqlx::query("UPDATE eventwright.cluster SET system_identifier = 7").execute(database.pool()).await.unwrap();
    let found = eventwright(&database, &["doctor"]);
    assert!(found.code == Some(1) && found.out.contains("run `eventwright rebase`"), "{found:?}");
    let said = eventwright(&database, &["rebase"]);
    assert!(said.code == Some(0) && said.out.contains("is rebased"), "{said:?}");
    let again = eventwright(&database, &["rebase", "--json"]).objects();
    assert_eq!(again, [serde_json::json!({ "was_restored": false, "renumbered_events": 0 })]);
    let found = eventwright(&database, &["doctor"]);
    assert_eq!(found.code, Some(0), "{found:?}");
}

#[tokio::test]
async fn a_group_is_rebased_onto_a_log() {
    let (home, log) = (migrated().await, migrated().await);
    let alone = eventwright(&home, &["rebase", "--group", "funnel"]);
    assert!(alone.code == Some(2) && alone.err.contains("--log-url"), "{alone:?}");
    let unknown = eventwright(&home, &["rebase", "--group", "funnel", "--log-url", log.url()]);
    assert!(unknown.code == Some(1) && unknown.err.contains("there is no group `funnel`"), "{unknown:?}");
    let identity: (i64, String, i32) = sqlx::query_as("SELECT system, database, timeline FROM eventwright.identity()")
        .fetch_one(log.pool())
        .await
        .unwrap();
    // as it stands after a failover to a standby that lagged behind: at a window that the log has not
    sqlx::query("INSERT INTO eventwright.groups (name, domain, log_system, log_database, log_timeline) VALUES ('funnel', 'home', $1, $2, $3)")
        .bind(identity.0)
        .bind(identity.1)
        .bind(identity.2)
        .execute(home.pool())
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('funnel', 0, 1023, 7)",
    )
    .execute(home.pool())
    .await
    .unwrap();
    let command = ["rebase", "--group", "funnel", "--log-url", log.url()];
    let said = eventwright(&home, &command);
    assert!(said.code == Some(0) && said.out.contains("goes back in 1 ranges"), "{said:?}");
    let again = eventwright(&home, &command);
    assert!(again.code == Some(0) && again.out.contains("nothing to do"), "{again:?}");
}
