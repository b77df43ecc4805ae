//! `eventwright with-postgres` lends a database to a command, and takes it back however the command ends.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use eventwright::testing::Settings;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

fn with_postgres(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventwright"));
    command
        .args(["with-postgres", "--fast", "--", "sh", "-c", script])
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// A command that is running, and what it prints.
fn run(mut command: Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn ask(url: &str, question: &str) -> Result<String, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&mut connection).await
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("sh").args(["-c", &format!("kill -s {name} {}", child.id())]).status().unwrap().success());
}

#[test]
fn passes_the_exit_code_through() {
    let code = |script: &str| with_postgres(script).status().unwrap().code();
    assert_eq!(code("exit 0"), Some(0));
    assert_eq!(code("exit 7"), Some(7));
    assert_eq!(code("kill -s KILL $$"), Some(128 + 9));
}

#[tokio::test]
async fn the_database_lives_as_long_as_the_command() {
    let mut command = with_postgres("echo $DATABASE_URL; read line");
    command.stdin(Stdio::piped());
    let (mut child, mut lines) = run(command);
    let url = lines.next().unwrap().unwrap();
    assert_eq!(ask(&url, "select 'here'").await.unwrap(), "here");

    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(ask(&url, "select 'here'").await.is_err());
}

#[tokio::test]
async fn on_a_given_server_it_is_a_fresh_database_that_is_dropped() {
    let server = Settings::new().durable(false).ignore_database_url().start().unwrap();
    let mut command = with_postgres("echo $DATABASE_URL");
    let output = command.env("DATABASE_URL", server.url()).output().unwrap();
    let url = String::from_utf8(output.stdout).unwrap();
    let (given, database) = url.trim().rsplit_once('/').unwrap();
    assert_eq!(server.url().rsplit_once('/').unwrap().0, given);
    assert!(database.starts_with("eventwright_test_"), "{database}");

    let left = format!("select count(*)::text from pg_database where datname = '{database}'");
    assert_eq!(ask(server.url(), &left).await.unwrap(), "0");
}

#[tokio::test]
async fn asked_to_end_it_ends_the_command_and_all_that_it_started() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let (mut child, mut lines) = run(with_postgres("echo $DATABASE_URL; (sleep 600; true); echo after"));
        let url = lines.next().unwrap().unwrap();
        let begin = Instant::now();
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(128 + number), "{name}");
        // the pipe ends when nobody that could write to it is left
        assert!(lines.next().is_none(), "{name}");
        assert!(begin.elapsed() < Duration::from_secs(9), "{name} took as long as a command that does not listen");
        assert!(ask(&url, "select ''").await.is_err(), "{name}");
    }
}

#[test]
fn a_command_that_does_not_listen_is_killed() {
    let (mut child, mut lines) = run(with_postgres("trap '' TERM; echo ready; while :; do sleep 1; done"));
    lines.next();
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(128 + 9));
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_eventwright"))
        .args(["with-postgres", "--fast", "--", "no-such-command"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-command: No such file or directory"));
}
