//! Publishers that hold transactions open, roll back, use savepoints, take xids early and vanish, against workers that are
//! stopped or dropped at any moment: nothing lost, nothing twice, each subject in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{self, Happened, Home, Result, insert_effect, migrated, publish, record};
use eventwright::{Context, Event, Failure, Handled, RetryPolicy, Subscriber};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};

const SUBJECTS: usize = 40;
const PUBLISHERS: u64 = 10;
const GROUPS: [&str; 2] = ["a", "b"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order() -> Result {
    let seconds = std::env::var("EVENTWRIGHT_STRESS_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(5);
    let seed =
        std::env::var("EVENTWRIGHT_STRESS_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let database = migrated().await?;
    sqlx::raw_sql(
        "CREATE TABLE subjects (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
         INSERT INTO subjects SELECT 's' || g FROM generate_series(0, 39) g;
         CREATE TABLE noise (i int);
         CREATE TABLE effects (k bigserial, grp text, about text, n bigint, event_id text)",
    )
    .execute(database.pool())
    .await?;

    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    for publisher in 0..PUBLISHERS {
        tasks.spawn(publisher_loop(
            database.url().to_owned(),
            fastrand::Rng::with_seed(seed ^ publisher),
            Arc::clone(&stop),
        ));
    }
    for (worker, group) in GROUPS.into_iter().enumerate() {
        let pool = PgPoolOptions::new().max_connections(12).connect(database.url()).await?;
        let rng = fastrand::Rng::with_seed(seed ^ (100 + worker as u64));
        tasks.spawn(worker_loop(pool, group, rng, Arc::clone(&stop)));
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    for group in GROUPS {
        let pool = PgPoolOptions::new().max_connections(12).connect(database.url()).await?;
        subscriber(pool, group).on(record).drain().await?;
        check(database.pool(), group).await?;
    }
    Ok(())
}

async fn check(pool: &PgPool, group: &str) -> Result {
    let published: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.outbox").fetch_one(pool).await?;
    let (handled, distinct): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT event_id) FROM effects WHERE grp = $1")
            .bind(group)
            .fetch_one(pool)
            .await?;
    let out_of_order: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT n, lag(n) OVER (PARTITION BY about ORDER BY k) AS before FROM effects WHERE grp = $1) e
          WHERE n <= before",
    )
    .bind(group)
    .fetch_one(pool)
    .await?;
    let windows: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.windows").fetch_one(pool).await?;
    eprintln!("group {group}: {published} published, {handled} handled through {windows} windows");
    assert!(published > 100, "hardly anything was published");
    assert_eq!((handled, distinct, out_of_order), (published, published, 0), "handled, distinct, out of order");
    Ok(())
}

fn subscriber(pool: PgPool, group: &'static str) -> Subscriber<Home, &'static str> {
    let retry =
        RetryPolicy::default().first(Duration::from_millis(10)).longest(Duration::from_millis(50)).attempts(1_000);
    common::subscriber::<Home>(group, &pool)
        .ranges(2)
        .workers(4)
        .chunk(50)
        .retry(retry)
        .lease(Duration::from_millis(500))
        .state(group)
}

async fn worker_loop(pool: PgPool, group: &'static str, mut rng: fastrand::Rng, stop: Arc<AtomicBool>) -> Result {
    while !stop.load(Ordering::Relaxed) {
        let some_time = tokio::time::sleep(Duration::from_millis(rng.u64(5..400)));
        if rng.bool() {
            subscriber(pool.clone(), group).on(record_or_fail).run_until(some_time).await?;
            continue;
        }
        // dropped in the middle of whatever it does
        tokio::select! {
            ended = subscriber(pool.clone(), group).on(record_or_fail).run_until(std::future::pending()) => ended?,
            () = some_time => {}
        }
    }
    Ok(())
}

async fn record_or_fail(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    let group = *cx.state();
    insert_effect(cx.tx(), group, &event).await?;
    if fastrand::u32(..200) == 0 {
        return Err(Failure::retry("now and then"));
    }
    Ok(())
}

async fn publisher_loop(url: String, mut rng: fastrand::Rng, stop: Arc<AtomicBool>) -> Result {
    while !stop.load(Ordering::Relaxed) {
        let mut session = PgConnection::connect(&url).await?;
        while !stop.load(Ordering::Relaxed) {
            let mut tx = session.begin().await?;
            one_transaction(&mut tx, &mut rng).await?;
            match rng.u8(0..100) {
                0..20 => tx.rollback().await?,
                20..23 => {
                    // vanishes with its transaction open
                    drop(tx);
                    break;
                }
                _ => tx.commit().await?,
            }
        }
    }
    Ok(())
}

async fn one_transaction(tx: &mut PgConnection, rng: &mut fastrand::Rng) -> Result {
    if rng.u8(0..10) < 3 {
        sqlx::query("INSERT INTO noise VALUES (1)").execute(&mut *tx).await?;
    }
    pause(rng, 5, 200).await;
    let how_many = if rng.u8(0..4) == 0 { 2 } else { 1 };
    let mut subjects = rng.choose_multiple(0..SUBJECTS, how_many);
    subjects.sort_unstable(); // all lock in one order, or they would deadlock
    for subject in subjects {
        let subject = format!("s{subject}");
        let n: i64 = sqlx::query_scalar("UPDATE subjects SET n = n + 1 WHERE id = $1 RETURNING n")
            .bind(&subject)
            .fetch_one(&mut *tx)
            .await?;
        let mut inner = tx.begin().await?;
        publish(&mut inner, &subject, n).await?;
        if rng.u8(0..10) == 0 {
            inner.rollback().await?;
            publish(tx, &subject, n).await?;
        } else {
            inner.commit().await?;
        }
        pause(rng, 3, 300).await;
    }
    Ok(())
}

/// Now and then, holds the transaction open.
async fn pause(rng: &mut fastrand::Rng, percent: u8, milliseconds: u64) {
    if rng.u8(0..100) < percent {
        tokio::time::sleep(Duration::from_millis(rng.u64(0..milliseconds))).await;
    }
}
