//! The program and a database with tables.

use std::process::Command;

use eventwright::EventId;
use eventwright::testing::Database;
use serde_json::Value;
use sqlx::PgPool;

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The objects that it printed, one on each line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn eventwright(database: &Database, arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_eventwright"))
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) async fn migrated() -> Database {
    let database = Database::create().await.unwrap();
    eventwright::migrate(database.pool()).await.unwrap();
    database
}

/// Has a group hold back an event as it does after a failure.
pub(crate) async fn hold(pool: &PgPool, group: &str, subject: &str, reason: &str, error: Option<&str>) -> EventId {
    let id = EventId::new();
    sqlx::query(
        "WITH made AS (INSERT INTO eventwright.groups (name, domain) VALUES ($1, 'growth') ON CONFLICT DO NOTHING)
         INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at,
                                       published_at, correlation_id, payload, reason, attempts, last_error, died_at)
         SELECT $1, 1 + coalesce((SELECT max(seq) FROM eventwright.held), 0), $2, 'lead.created', 1, 'sales', $3, now(), now(),
                'import-17', '{\"name\":\"Ada\"}', $4, 3, $5, CASE WHEN $4 = 'dead' THEN clock_timestamp() END",
    )
    .bind(group)
    .bind(id.as_uuid())
    .bind(subject)
    .bind(reason)
    .bind(error)
    .execute(pool)
    .await
    .unwrap();
    id
}
