//! Processes that end in the middle: by SIGKILL, or by a handler that aborts.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::common::{
    Group, Happened, Home, Result, insert_effect, migrated, on_the_way, options_by_the_way, publish, record,
};
use eventwright::{Context, DeadLetters, Event, Handled, RetryPolicy, Subscriber};
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool};

const WORKER: &str = "killed::a_worker_process";
const URL: &str = "EVENTWRIGHT_KILLED_URL";
const ATTEMPTS: &str = "EVENTWRIGHT_KILLED_ATTEMPTS";
const CHUNK: &str = "EVENTWRIGHT_KILLED_CHUNK";
const SLEEPS: &str = "sleeps";
const POISON: &str = "poison";

/// What the other tests start, and kill.
#[tokio::test]
#[ignore = "the process that the other tests start"]
async fn a_worker_process() -> Result {
    let url = std::env::var(URL)?;
    let pool = PgPoolOptions::new().max_connections(10).connect(&url).await?;
    let attempts = std::env::var(ATTEMPTS)?.parse()?;
    let chunk = std::env::var(CHUNK)?.parse()?;
    let retry = RetryPolicy::default().attempts(attempts).first(Duration::from_millis(10));
    // the URL is that of the way
    let subscriber = on_the_way(Subscriber::<Home>::new("a", pool))
        .workers(2)
        .ranges(2)
        .chunk(chunk)
        .retry(retry)
        .lease(Duration::from_millis(300));
    subscriber.state("a").on(sleep_or_abort).drain().await?;
    Ok(())
}

async fn sleep_or_abort(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    insert_effect(cx.tx(), "a", &event).await?;
    match event.payload.about.as_str() {
        SLEEPS => {
            println!("in the handler");
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        POISON => std::process::abort(),
        _ => {}
    }
    Ok(())
}

fn start(url: &str, attempts: u32) -> Result<Child> {
    start_with_chunks(url, attempts, 256)
}

fn start_with_chunks(url: &str, attempts: u32, chunk: u16) -> Result<Child> {
    let url = options_by_the_way(&url.parse()?).to_url_lossy();
    Ok(Command::new(std::env::current_exe()?)
        .args(["--exact", WORKER, "--ignored", "--nocapture", "--test-threads=1"])
        .env(URL, url.as_str())
        .env(ATTEMPTS, attempts.to_string())
        .env(CHUNK, chunk.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?)
}

/// Waits until the worker is in the handler that sleeps.
fn wait_for_the_handler(worker: &mut Child) -> Result {
    let output = worker.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if line?.contains("in the handler") {
            return Ok(());
        }
    }
    Err("the worker ended before it came to the handler".into())
}

/// Starts a worker, and kills it once it is in the handler that sleeps.
async fn kill_in_the_handler(url: &str) -> Result {
    let mut worker = start(url, 3)?;
    let waiting = tokio::task::spawn_blocking(move || wait_for_the_handler(&mut worker).map(|()| worker));
    let mut worker = waiting.await??;
    worker.kill()?;
    worker.wait()?;
    Ok(())
}

async fn publish_some(pool: &PgPool, abouts: impl IntoIterator<Item = &str>) -> Result {
    for (n, about) in (1..).zip(abouts) {
        publish(&mut *pool.acquire().await?, about, n).await?;
    }
    Ok(())
}

async fn counts(pool: &PgPool) -> Result<(i64, i64)> {
    Ok(sqlx::query_as("SELECT count(*), count(DISTINCT event_id) FROM effects").fetch_one(pool).await?)
}

#[tokio::test]
async fn a_process_killed_in_a_handler_repeats_nothing() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    publish_some(pool, ["x", "y", "z", SLEEPS, "x", "y", "z"]).await?;
    kill_in_the_handler(database.url()).await?;
    group.subscriber().ranges(2).on(record).drain().await?;
    assert_eq!(counts(pool).await?, (7, 7));
    Ok(())
}

#[tokio::test]
async fn an_event_that_takes_its_process_down_is_dead_after_its_attempts_and_no_other() -> Result {
    for attempts in [1, 3] {
        let database = migrated().await?;
        let pool = database.pool();
        Group::new("a", pool).await?;
        publish_some(pool, ["x", "y", POISON, "z", "x", POISON]).await?;
        let crashes = run_until_it_ends_well(database.url(), attempts).await?;
        assert_eq!(counts(pool).await?, (4, 4));
        let letters = DeadLetters::new(pool.clone()).list(Some("a"), 10).await?;
        let [letter] = letters.as_slice() else { panic!("{letters:?}") };
        assert_eq!((letter.envelope.subject.as_str(), letter.attempts), (POISON, attempts));
        let error = format!("the process ended while it handled the event, {attempts} times");
        assert_eq!(letter.error, error);
        // once in company, and then alone
        assert!(crashes <= attempts + 1, "{crashes} processes for {attempts} attempts");
    }
    Ok(())
}

/// In how many transactions a group's events were handled.
async fn transactions(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(DISTINCT xmin::text) FROM effects").fetch_one(pool).await?)
}

#[tokio::test]
async fn of_a_long_page_few_run_alone_to_find_out_who_takes_processes_down() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let mut abouts: Vec<String> = (0..200).map(|n| format!("s{n}")).collect();
    abouts[100] = POISON.into();
    publish_some(pool, abouts.iter().map(String::as_str)).await?;
    let crashes = run_until_it_ends_well(database.url(), 2).await?;
    assert_eq!(counts(pool).await?, (199, 199));
    let letters = DeadLetters::new(pool.clone()).list(Some("a"), 10).await?;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.envelope.subject.as_str(), letter.attempts), (POISON, 2));
    // once in the page, once among few, and twice alone
    assert_eq!(crashes, 4);
    let transactions = transactions(pool).await?;
    assert!(transactions < 50, "of 199 events, most ran alone: {transactions} transactions");
    Ok(())
}

/// Most processes end for another reason.
#[tokio::test]
async fn what_a_killed_process_was_at_is_not_handled_one_by_one() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let abouts: Vec<String> = (0..200).map(|n| format!("s{n}")).collect();
    publish_some(pool, abouts.iter().map(String::as_str).chain([SLEEPS])).await?;
    kill_in_the_handler(database.url()).await?;
    group.subscriber().ranges(2).on(record).drain().await?;
    assert_eq!(counts(pool).await?, (201, 201));
    let transactions = transactions(pool).await?;
    assert!(transactions < 20, "{transactions} transactions");
    Ok(())
}

/// Nobody waits for the answer before the handler is called: it was sent, and arrives.
#[tokio::test]
async fn what_a_process_had_begun_is_known_though_it_ends_at_once() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let before: Vec<String> = (0..20).map(|n| format!("s{n}")).collect();
    publish_some(pool, before.iter().map(String::as_str).chain([POISON])).await?;
    // an event at a time, so that each range has begun some before
    let mut worker = start_with_chunks(database.url(), 3, 1)?;
    let ended = tokio::task::spawn_blocking(move || worker.wait()).await??;
    assert!(!ended.success());
    let has_begun = async || -> Result<bool> {
        let query = "SELECT EXISTS (SELECT FROM eventwright.begun b JOIN eventwright.outbox o ON o.seq = b.first_seq WHERE o.subject = $1)";
        Ok(sqlx::query_scalar(query).bind(POISON).fetch_one(pool).await?)
    };
    // the server may read it a moment after the process has ended
    let known = async {
        while !has_begun().await? {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    };
    tokio::time::timeout(Duration::from_secs(10), known).await?
}

/// Starts workers until one ends well, and returns how many did not.
async fn run_until_it_ends_well(url: &str, attempts: u32) -> Result<u32> {
    for crashes in 0..20 {
        let mut worker = start(url, attempts)?;
        let status: ExitStatus = tokio::task::spawn_blocking(move || worker.wait()).await??;
        if status.success() {
            return Ok(crashes);
        }
    }
    Err("the event takes process after process down".into())
}

#[tokio::test]
async fn processes_killed_at_any_moment_lose_and_double_nothing() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..8 {
        for n in 0..60 {
            publish(&mut *pool.acquire().await?, &format!("s{}", n % 20), round * 100 + n).await?;
        }
        let mut workers = [start(database.url(), 3)?, start(database.url(), 3)?];
        tokio::time::sleep(Duration::from_millis(rng.u64(50..250))).await;
        for worker in &mut workers {
            worker.kill()?;
            worker.wait()?;
        }
    }
    group.subscriber().ranges(2).on(record).drain().await?;
    assert_eq!(counts(pool).await?, (480, 480));
    let out_of_order: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT n, lag(n) OVER (PARTITION BY about ORDER BY k) AS before FROM effects) e WHERE n <= before",
    )
    .fetch_one(pool)
    .await?;
    assert_eq!(out_of_order, 0);
    Ok(())
}
