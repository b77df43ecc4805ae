//! `eventwright retention` tells what keeps the log's parts, and changes it for all.

use std::process::{Command, Output};

use eventwright::testing::Database;

fn retention(database_url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventwright"));
    command.arg("retention").args(arguments).env("DATABASE_URL", database_url).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn tells_and_sets_and_removes() {
    let database = Database::create().await.unwrap();
    eventwright::migrate(database.pool()).await.unwrap();
    let text = said(&retention(database.url(), &[]));
    assert!(text.starts_with("events stay 7d; groups are warned of after 1d, and detached after never\n"), "{text}");
    assert!(text.contains("\ngroups whose log is elsewhere remember for 1h what they handled\n"), "{text}");
    assert!(text.contains("outbox_to_1000000  not full yet\n"), "{text}");

    let text = said(&retention(
        database.url(),
        &["--keep", "36h", "--warn-after", "never", "--detach-after", "30d", "--remember", "2h"],
    ));
    assert!(text.starts_with("events stay 36h; groups are warned of after never, and detached after 30d\n"), "{text}");
    assert!(text.contains("\ngroups whose log is elsewhere remember for 2h what they handled\n"), "{text}");
    let text = said(&retention(database.url(), &["--drop"]));
    assert!(text.starts_with("events stay 36h;"), "the settings did not last: {text}");

    // full and read long ago
    let full = "INSERT INTO eventwright.windows (id, snapshot, bound, fence, opened_at) VALUES (1, '500:500:', 1000000, '500', now() - interval '9 days');
        SELECT setval('eventwright.outbox_seq', 1000000);
        INSERT INTO eventwright.groups (name, domain) VALUES ('a', 'home');
        INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('a', 0, 1023, 0)";
    sqlx::raw_sql(full).execute(database.pool()).await.unwrap();
    let text = said(&retention(database.url(), &["--drop"]));
    assert!(text.contains("outbox_to_1000000  held up by group a\n"), "{text}");
    assert!(text.contains("group a  at most 1000000 events and 0s behind\n"), "{text}");
    sqlx::raw_sql("UPDATE eventwright.positions SET done = 1").execute(database.pool()).await.unwrap();
    let text = said(&retention(database.url(), &["--drop"]));
    assert!(text.contains("outbox_to_1000000  removed\n"), "{text}");
}

#[test]
fn a_time_that_is_none_is_refused_with_an_example() {
    for arguments in [["--keep", "7"], ["--keep", "1.5d"], ["--keep", "never"], ["--detach-after", "soon"]] {
        let output = retention("postgres://nowhere/", &arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("`7d`"), "{said}");
    }
}
