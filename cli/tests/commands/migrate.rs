//! `eventwright migrate` makes the outbox's tables, and says where it can't.

use std::process::{Command, Output};

use eventwright::testing::Database;

fn migrate(database_url: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eventwright")).arg("migrate").env("DATABASE_URL", database_url).output().unwrap()
}

#[tokio::test]
async fn makes_the_tables_once() {
    let database = Database::create().await.unwrap();
    for _ in 0..2 {
        let output = migrate(database.url());
        assert!(output.status.success(), "{output:?}");
    }
    let rows: i64 =
        sqlx::query_scalar("select count(*) from eventwright.outbox").fetch_one(database.pool()).await.unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn a_database_that_does_not_answer_is_an_error_at_once() {
    let output = migrate("postgres://me:secret@127.0.0.1:1/mine");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("DATABASE_URL") && said.contains("Connection refused"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}
