//! Groups whose log is in another database, or on another server, than what their handlers write to.

use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, by_the_way, happened, migrated, open, publish, record};
use eventwright::testing::{Database, Settings};
use eventwright::{Context, DeadLetters, Error, Event, Failure, Handled, RetryPolicy, Start};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// A log, and a group in a database beside it.
async fn two() -> Result<(Database, Database, Group)> {
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?.reading(log.pool());
    Ok((log, home, group))
}

#[tokio::test]
async fn a_group_reads_the_log_of_another_database() -> Result {
    let (log, home, group) = two().await?;
    let slow = open(log.pool(), "slow").await?;
    open(log.pool(), "quick").await?.commit().await?;
    assert_eq!(group.next().await?, ["quick"]);
    open(log.pool(), "undone").await?.rollback().await?;
    slow.commit().await?;
    open(log.pool(), "last").await?.commit().await?;
    assert_eq!(group.next().await?, ["slow", "last"]);
    assert!(group.next().await?.is_empty());
    let here: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.outbox").fetch_one(home.pool()).await?;
    assert_eq!(here, 0);
    Ok(())
}

/// Its windows stand in its positions: those in the log may be forgotten.
#[tokio::test]
async fn a_group_elsewhere_needs_no_window_of_the_log() -> Result {
    let (log, _home, group) = two().await?;
    let slow = open(log.pool(), "slow").await?;
    for n in 0..40 {
        publish(&mut *log.pool().acquire().await?, "x", n).await?;
    }
    // in the middle of a window
    let stop = async { while group.all().await.map_or(0, |all| all.len()) < 10 {} };
    group.subscriber().ranges(1).chunk(1).on(record).run_until(stop).await?;
    assert!(group.all().await?.len() < 40, "it was to stop in the middle");
    sqlx::query("DELETE FROM eventwright.windows WHERE id > 0 AND id < (SELECT max(id) FROM eventwright.windows)")
        .execute(log.pool())
        .await?;
    slow.commit().await?;
    group.next().await?;
    let all = group.all().await?;
    assert_eq!((all.len(), all.iter().filter(|about| *about == "slow").count()), (41, 1));
    Ok(())
}

#[tokio::test]
async fn failures_wait_and_die_where_the_group_lives() -> Result {
    async fn fail_x(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        if event.payload.about == "x" && event.payload.n == 1 {
            return Err(Failure::reject("no"));
        }
        record(event, cx).await
    }
    let (log, home, group) = two().await?;
    for (about, n) in [("x", 1), ("y", 1), ("x", 2)] {
        publish(&mut *log.pool().acquire().await?, about, n).await?;
    }
    group.subscriber().on(fail_x).drain().await?;
    assert_eq!(group.all().await?, ["y"]);
    // the log may forget what is held
    sqlx::query("DELETE FROM eventwright.outbox").execute(log.pool()).await?;
    let dead_letters = DeadLetters::new(home.pool().clone());
    let letters = dead_letters.list(Some("a"), 10).await?;
    assert_eq!(letters.iter().map(|letter| letter.payload.as_str()).collect::<Vec<_>>(), [r#"{"about":"x","n":1}"#]);
    assert_eq!(dead_letters.redrive_all("a").await?, 1);
    assert_eq!(group.next().await?, ["x", "x"]);
    Ok(())
}

#[tokio::test]
async fn what_a_handler_publishes_goes_into_the_log_at_home() -> Result {
    async fn pass_on(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        cx.publish(happened(&event.payload.about, event.payload.n + 1)).await?;
        Ok(())
    }
    let (log, home, group) = two().await?;
    let cause = publish(&mut *log.pool().acquire().await?, "x", 1).await?;
    group.subscriber().on(pass_on).drain().await?;
    let published: Vec<(String, uuid::Uuid)> =
        sqlx::query_as("SELECT payload::text, causation_id FROM eventwright.outbox").fetch_all(home.pool()).await?;
    assert_eq!(published, [(r#"{"about":"x","n":2}"#.to_owned(), cause.as_uuid())]);
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.outbox").fetch_one(log.pool()).await?;
    assert_eq!(there, 1);
    Ok(())
}

#[tokio::test]
async fn a_group_stays_with_its_log() -> Result {
    let (log, _home, group) = two().await?;
    group.next().await?;
    let other = migrated().await?;
    let refused = group.subscriber().log(by_the_way(other.pool())).on(record).drain().await;
    assert!(matches!(&refused, Err(Error::GroupOfAnotherLog { group, .. }) if group == "a"), "{refused:?}");
    let local = Group::new("b", other.pool()).await?;
    local.next().await?;
    let refused = local.subscriber().log(by_the_way(log.pool())).on(record).drain().await;
    assert!(matches!(refused, Err(Error::GroupOfAnotherLog { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_group_elsewhere_begins_where_it_says() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    open(log.pool(), "before").await?.commit().await?;
    let slow = open(log.pool(), "slow").await?;
    let group = Group::new("new", home.pool()).await?.reading(log.pool());
    group.subscriber().start(Start::Now).on(record).drain().await?;
    slow.commit().await?;
    open(log.pool(), "after").await?.commit().await?;
    assert_eq!(group.next().await?, ["slow", "after"]);
    Ok(())
}

/// The positions are not restored with the log, so what they say of it is not to be trusted.
#[tokio::test]
async fn another_life_of_the_log_is_refused() -> Result {
    let (log, home, group) = two().await?;
    open(log.pool(), "x").await?.commit().await?;
    group.next().await?;
    // as if it had been on another timeline, which has a window that this one has not
    sqlx::query("UPDATE eventwright.groups SET log_timeline = log_timeline + 1").execute(home.pool()).await?;
    sqlx::query("DELETE FROM eventwright.windows WHERE id > 0").execute(log.pool()).await?;
    open(log.pool(), "y").await?.commit().await?;
    let refused = group.subscriber().on(record).run_until(std::future::pending()).await;
    let Err(Error::AnotherLog(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("on timeline"), "{error}");
    assert_eq!(group.all().await?, ["x"]);
    Ok(())
}

/// Transaction ids of the cluster from which the dump came mean nothing here.
#[tokio::test]
async fn a_log_in_a_cluster_that_it_was_not_made_in_is_refused() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    open(database.pool(), "x").await?.commit().await?;
    sqlx::query("UPDATE eventwright.cluster SET system_identifier = 1").execute(database.pool()).await?;
    let refused = group.subscriber().on(record).run_until(std::future::pending()).await;
    let Err(Error::Restored(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("restored from a dump"), "{error}");
    Ok(())
}

/// A position that outlives its log's crash must not refer to a window that the crash took back.
#[tokio::test]
async fn a_window_for_a_group_on_another_server_is_on_disk_before_it_is_used() -> Result {
    let server =
        tokio::task::spawn_blocking(|| Settings::new().ignore_database_url().set("fsync", "off").start()).await??;
    let log = PgPoolOptions::new().connect(server.url()).await?;
    eventwright::migrate(&log).await?;
    let home = migrated().await?;
    let group = Group::new("a", home.pool()).await?.reading(&log);
    open(&log, "x").await?.commit().await?;
    assert_eq!(group.next().await?, ["x"]);
    let durable = "SELECT durable FROM eventwright.windows WHERE id = $1";
    let done: i64 = sqlx::query_scalar("SELECT max(done) FROM eventwright.positions").fetch_one(home.pool()).await?;
    assert!(sqlx::query_scalar::<_, bool>(durable).bind(done).fetch_one(&log).await?);

    // a window that a group at the log has opened, and whose commit nobody has waited for, does not do
    let local = Group::new("local", &log).await?;
    open(&log, "y").await?.commit().await?;
    local.next().await?;
    group.next().await?;
    let done: i64 = sqlx::query_scalar("SELECT max(done) FROM eventwright.positions").fetch_one(home.pool()).await?;
    assert!(sqlx::query_scalar::<_, bool>(durable).bind(done).fetch_one(&log).await?);
    Ok(())
}

#[tokio::test]
async fn killed_in_the_middle_it_repeats_nothing() -> Result {
    async fn record_slowly(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        record(event, cx).await?;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..3))).await;
        if fastrand::u8(..20) == 0 {
            return Err(Failure::retry("now and then"));
        }
        Ok(())
    }
    let (log, home, group) = two().await?;
    let mut rng = fastrand::Rng::new();
    for round in 0..6 {
        for n in 0..50 {
            publish(&mut *log.pool().acquire().await?, &format!("s{}", n % 10), round * 100 + n).await?;
        }
        let retry =
            RetryPolicy::default().first(Duration::from_millis(5)).longest(Duration::from_millis(20)).attempts(1_000);
        let running = group.subscriber().chunk(7).lease(Duration::from_millis(200)).retry(retry).on(record_slowly);
        tokio::select! {
            ended = running.run_until(std::future::pending()) => ended?,
            () = tokio::time::sleep(Duration::from_millis(rng.u64(20..200))) => {}
        }
    }
    group.next().await?;
    let (all, distinct): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT event_id) FROM effects").fetch_one(home.pool()).await?;
    let disorder: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT n, lag(n) OVER (PARTITION BY about ORDER BY k) AS before FROM effects) e WHERE n <= before",
    )
    .fetch_one(home.pool())
    .await?;
    assert_eq!((all, distinct, disorder), (300, 300, 0));
    Ok(())
}

/// What it reads after that may have a gap.
#[tokio::test]
async fn a_group_that_the_log_has_detached_while_it_runs_passes_over_nothing_more() -> Result {
    async fn detach(event: Event<Happened>, cx: &mut Context<'_, Home, PgPool>) -> Handled {
        common::insert_effect(cx.tx(), "a", &event).await?;
        if event.payload.n == 1 {
            sqlx::raw_sql("UPDATE eventwright.readers SET detached_at = now(); DELETE FROM eventwright.outbox")
                .execute(cx.state())
                .await?;
        }
        Ok(())
    }
    let (log, home, group) = two().await?;
    for n in 1..=4 {
        publish(&mut *log.pool().acquire().await?, "x", n).await?;
    }
    let subscriber = common::subscriber::<Home>("a", home.pool()).log(by_the_way(log.pool())).ranges(1).chunk(1);
    // pages are read one ahead: the third is the first that comes too late
    let ended = subscriber.state(log.pool().clone()).on(detach).run_until(std::future::pending()).await;
    let Err(Error::DetachedByLog(error)) = ended else { panic!("{ended:?}") };
    assert!(error.to_string().contains("no longer waits for group a"), "{error}");
    assert!(group.all().await?.len() <= 2);
    let complete: bool = sqlx::query_scalar("SELECT bool_and(current IS NULL) FROM eventwright.positions")
        .fetch_one(home.pool())
        .await?;
    assert!(!complete, "it has passed over what was dropped");
    Ok(())
}
