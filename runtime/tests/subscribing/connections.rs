//! A subscriber has a connection for all that it does at once, also while its workers rest and keep theirs.

use std::sync::Arc;
use std::time::Duration;

use crate::common::network::Network;
use crate::common::{
    Group, Happened, Home, Result, by_the_way, happened, insert_effect, migrated, publish, record, record_some,
    subscriber, until, while_running,
};
use eventwright::{Context, Event, Handled, Publish, Publisher, Subscriber};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(10);
/// How long a subscriber waits for an answer.
const SILENCE: Duration = Duration::from_secs(15);

/// The events of the four ranges that come first wait for each other.
async fn together(event: Event<Happened>, cx: &mut Context<'_, Home, Arc<Barrier>>) -> Handled {
    if event.payload.n == 1 {
        let all = Arc::clone(cx.state());
        timeout(SOON, all.wait()).await?;
    }
    insert_effect(cx.tx(), "a", &event).await?;
    Ok(())
}

/// A subject for each of the four ranges that a group has, in their order.
async fn subjects(log: &PgPool) -> Result<Vec<String>> {
    let subjects = "SELECT min(s) FROM generate_series(1, 1000) n, concat('s', n) s GROUP BY (hashtextextended(s, 0) & 1023) / 256 ORDER BY (hashtextextended(s, 0) & 1023) / 256";
    Ok(sqlx::query_scalar(subjects).fetch_all(log).await?)
}

async fn has(group: &Group, about: &str) -> Result {
    let comes = async {
        while !group.all().await?.iter().any(|one| one == about) {
            sleep(Duration::from_millis(10)).await;
        }
        Result::<()>::Ok(())
    };
    timeout(SOON, comes).await.map_err(|_| format!("`{about}` does not come"))?
}

/// Now and then it tells the log where it stands, and goes on after that. Its workers rest then with all their connections to the log.
#[tokio::test]
async fn a_group_whose_workers_all_rest_tells_the_log_where_it_stands() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?;
    let mut db = log.pool().acquire().await?;
    for subject in subjects(log.pool()).await? {
        publish(&mut db, &subject, 1).await?;
    }
    let scenario = async {
        until(home.pool(), "SELECT count(*) = 4 FROM effects").await?;
        // half a minute
        until(log.pool(), "SELECT count(*) = 1 FROM eventwright.readers WHERE completed > 0").await?;
        publish(&mut db, "last", 2).await?;
        has(&group, "last").await
    };
    let subscriber = subscriber::<Home>("a", home.pool()).log(by_the_way(log.pool())).workers(4);
    let subscriber = subscriber.state(Arc::new(Barrier::new(4))).on(together);
    while_running(subscriber, scenario).await
}

/// An effect takes its time, with a connection, while a worker rests, with two.
#[tokio::test]
async fn an_event_is_published_when_it_is_due_while_an_effect_runs() -> Result {
    async fn slow(_: Event<Happened>, slow: &Arc<Semaphore>) -> Handled {
        // until it is closed
        let _ = slow.acquire().await;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    publish(&mut db, "x", 1).await?;
    let slowly = Arc::new(Semaphore::new(0));
    let scenario = async {
        until(pool, "SELECT count(*) = 1 FROM eventwright.held WHERE lease IS NOT NULL").await?;
        let later = happened("y", 2).deliver_after(Duration::from_millis(100));
        Publisher::<Home>::new().publish(&mut db, later).await?;
        let published = until(pool, "SELECT count(*) = 2 FROM eventwright.outbox");
        let published = timeout(SOON, published).await.map_err(|_| "it is not published".into()).flatten();
        slowly.close();
        published
    };
    let subscriber = subscriber::<Home>("a", pool).workers(1).poll_every(Duration::from_millis(100));
    while_running(subscriber.state(Arc::clone(&slowly)).effect(slow), scenario).await
}

/// Who joins has to know how far the group has read only where the log is another one than before.
#[tokio::test]
async fn who_joins_waits_for_no_handler() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?.reading(log.pool());
    let subjects = subjects(log.pool()).await?;
    let (first, last) = (subjects.first().ok_or("none")?, subjects.last().ok_or("none")?);
    let one = Arc::new(Semaphore::new(0));
    let of_group = subscriber::<Home>("a", home.pool()).log(by_the_way(log.pool())).workers(1).time_limit(SOON * 6);
    let stuck = of_group.state(("a", Arc::clone(&one))).on(record_some);
    publish(&mut *log.pool().acquire().await?, last, 1).await?;
    let scenario = async {
        until(
            home.pool(),
            "SELECT NOT EXISTS (SELECT FROM eventwright.positions WHERE bucket_lo = 768 FOR UPDATE SKIP LOCKED)",
        )
        .await?;
        let joins = group.subscriber().on(record);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let joined = tokio::spawn(joins.run_until(async { drop(stopped.await) }));
        publish(&mut *log.pool().acquire().await?, first, 2).await?;
        let came = has(&group, first).await;
        one.close();
        drop(stop);
        joined.await??;
        came
    };
    while_running(stuck, scenario).await
}

/// Whoever started it is told, and can start it again.
#[tokio::test]
async fn who_joins_and_gets_no_answer_does_not_wait_for_ever() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    group.next().await?;
    let mut stranger = database.pool().begin().await?;
    sqlx::query("LOCK TABLE eventwright.groups").execute(&mut *stranger).await?;
    let joins = group.subscriber().time_limit(Duration::from_secs(1)).on(record);
    let ended = timeout(SILENCE + SOON, joins.run_until(std::future::pending())).await.map_err(|_| "it waits")?;
    assert!(matches!(ended, Err(eventwright::Error::Database(sqlx::Error::Io(_)))), "{ended:?}");
    Ok(())
}

/// One that may take processes down runs while no other such runs. Its range is free until then, or who vanished while it waited would be
/// waited for, after whoever it had waited for.
#[tokio::test]
async fn a_suspect_that_waits_for_its_turn_leaves_its_range() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    group.next().await?;
    publish(&mut *pool.acquire().await?, "x", 2).await?;
    sqlx::query("UPDATE eventwright.begun SET first_seq = o.seq, until_seq = o.seq FROM eventwright.outbox o WHERE o.payload->>'n' = '2'")
        .execute(pool)
        .await?;
    let mut turn = pool.begin().await?;
    sqlx::query(
        "SELECT pg_advisory_xact_lock('eventwright.begun'::regclass::oid::bigint::bit(32)::int, hashtext('a'))",
    )
    .execute(&mut *turn)
    .await?;
    // whoever locked a row is noted in it
    const CLAIMED: &str = "SELECT sum(xmax::text::bigint)::bigint FROM eventwright.positions";
    let before: i64 = sqlx::query_scalar(CLAIMED).fetch_one(pool).await?;
    let scenario = async {
        until(pool, &format!("SELECT ({CLAIMED}) <> {before}")).await?;
        let free = "SELECT count(*) = 4 FROM (SELECT FROM eventwright.positions FOR NO KEY UPDATE SKIP LOCKED) p";
        timeout(SOON, until(pool, free)).await.map_err(|_| "the range is not left")??;
        assert_eq!(group.all().await?.len(), 1, "two suspects ran at the same time");
        turn.commit().await?;
        until(pool, "SELECT count(*) = 2 FROM effects").await
    };
    while_running(group.subscriber().on(record), scenario).await
}

/// Each of them would be waited for, one after the other, before a new one is opened.
#[tokio::test]
async fn of_connections_that_the_network_forgets_one_is_waited_for() -> Result {
    let database = migrated().await?;
    Group::new("a", database.pool()).await?;
    let network = Network::to(&database).await?;
    let pool = PgPoolOptions::new().max_connections(10).connect(&network.url).await?;
    let scenario = async {
        publish(&mut *database.pool().acquire().await?, "x", 1).await?;
        until(database.pool(), "SELECT count(*) = 1 FROM effects").await?;
        // what is done in the background at the start leaves one that rests, beside those that look, listen and work
        sleep(Duration::from_secs(1)).await;
        network.forgets();
        publish(&mut *database.pool().acquire().await?, "x", 2).await?;
        let comes = until(database.pool(), "SELECT count(*) = 2 FROM effects");
        timeout(SILENCE + SOON, comes).await.map_err(|_| "it waits for a second one, too")?
    };
    let subscriber = Subscriber::<Home>::new("a", pool).poll_every(Duration::from_millis(100)).state("a").on(record);
    while_running(subscriber, scenario).await
}
