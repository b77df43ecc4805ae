//! `eventwright metrics` and `eventwright doctor`: what machines and people are told of a database.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::common::{eventwright, hold, migrated};
use eventwright::testing::Database;

/// A program that serves, ended when this is dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn serve(database: &Database) -> Serving {
    let mut child = Command::new(env!("CARGO_BIN_EXE_eventwright"))
        .args(["metrics", "--listen", "127.0.0.1:0"])
        .env("DATABASE_URL", database.url())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("metrics at http://").unwrap().strip_suffix("/metrics").unwrap().to_owned();
    Serving { child, address }
}

impl Serving {
    /// Status line and body.
    fn ask(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

#[tokio::test]
async fn groups_and_log_can_be_scraped() {
    let database = migrated().await;
    let pool = database.pool();
    hold(pool, "funnel", "lead_1", "dead", Some("no")).await;
    hold(pool, "funnel", "lead_1", "behind", None).await;
    sqlx::raw_sql(
        "INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('funnel', 0, 1023, 0);
         INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/far', 'greetings', 0);
         SELECT setval('eventwright.outbox_seq', 12)",
    )
    .execute(pool)
    .await
    .unwrap();
    let serving = serve(&database);
    let (status, page) = serving.ask("GET /metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    for line in [
        "# TYPE eventwright_group_lag_events gauge",
        "eventwright_group_lag_events{group=\"funnel\"} 12",
        "eventwright_group_lag_events{group=\"greetings\",home=\"7/far\"} 12",
        "eventwright_group_held_events{group=\"funnel\",reason=\"behind\"} 1",
        "eventwright_group_held_events{group=\"funnel\",reason=\"failed\"} 0",
        "eventwright_group_dead_letters{group=\"funnel\"} 1",
        "eventwright_group_paused{group=\"funnel\"} 0",
        "eventwright_log_last_seq 12",
        "eventwright_log_windows 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    // asked anew by each scrape
    sqlx::raw_sql("UPDATE eventwright.groups SET paused_at = now()").execute(pool).await.unwrap();
    assert!(serving.ask("GET /metrics").1.contains("eventwright_group_paused{group=\"funnel\"} 1"));
}

#[tokio::test]
async fn probes_tell_a_running_program_from_a_working_one() {
    let database = migrated().await;
    let serving = serve(&database);
    assert_eq!(serving.ask("GET /health/ready").1, "ready\n");
    sqlx::raw_sql("DROP SCHEMA eventwright CASCADE").execute(database.pool()).await.unwrap();
    assert_eq!(serving.ask("GET /health/live").1, "alive\n");
    let (status, reason) = serving.ask("GET /health/ready");
    assert!(status.contains("503") && reason.contains("eventwright migrate"), "{status} {reason}");
    assert!(serving.ask("GET /metrics").0.contains("503"));
    assert!(serving.ask("GET /").0.contains("404"));
    assert!(serving.ask("POST /metrics").0.contains("405"));
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_by_its_exit_code_too() {
    let database = migrated().await;
    let well = eventwright(&database, &["doctor"]);
    assert_eq!((well.code, well.out.as_str()), (Some(0), "nothing is wrong\n"));
    hold(database.pool(), "funnel", "lead_1", "dead", Some("no")).await;
    sqlx::raw_sql("UPDATE eventwright.groups SET paused_at = now()").execute(database.pool()).await.unwrap();
    let ill = eventwright(&database, &["doctor"]);
    assert!(ill.code == Some(1) && ill.out.starts_with("wrong  group `funnel` has 1 dead letters"), "{ill:?}");
    let ill = eventwright(&database, &["doctor", "--json"]);
    let first: serde_json::Value = serde_json::from_str(ill.out.lines().next().unwrap()).unwrap();
    assert_eq!((&first["severity"], &first["check"]), (&"wrong".into(), &"dead-letters".into()));
    sqlx::raw_sql("DELETE FROM eventwright.held").execute(database.pool()).await.unwrap();
    let paused = eventwright(&database, &["doctor"]);
    assert!(paused.code == Some(0) && paused.out.starts_with("note   group `funnel` is paused"), "{paused:?}");
    let wrong = eventwright(&database, &["doctor", "--open-for", "soon"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("15m"), "{wrong:?}");
}
