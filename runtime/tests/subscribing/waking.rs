//! Sleeping subscribers, and the transactions around their falling asleep. They poll so rarely here that only being called, or
//! the quick looks of one who has just fallen asleep, can be in time. They go straight: nobody is called behind a pooler.

use std::time::Duration;

use crate::common::{Group, Result, migrated, open, publish, record, rests, ticket};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::oneshot;

/// Longer than a call takes to come, and than one who falls asleep looks around.
const A_WHILE: Duration = Duration::from_millis(300);

/// A subscriber that runs until it is stopped.
struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), eventwright::Error>>,
}

impl Running {
    fn start(group: &Group) -> Self {
        let (stop, stopped) = oneshot::channel();
        let subscriber = group.subscriber().poll_every(Duration::from_secs(600)).on(record);
        let task = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
        Self { stop, task }
    }

    /// Waits until the group has handled as many events in all, then stops.
    async fn handle(self, group: &Group, count: usize) -> Result {
        let seen = async {
            while group.all().await.map_or(0, |all| all.len()) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.map_err(|_| "nobody woke up")?;
        self.stop.send(()).map_err(|()| "nobody to stop")?;
        Ok(self.task.await??)
    }
}

/// Whether the ticket of a sleeper is there to be seen.
async fn somebody_sleeps(pool: &PgPool) -> Result<bool> {
    let asleep = "SELECT asleep.last_value > awake.last_value FROM eventwright.asleep, eventwright.awake";
    Ok(sqlx::query_scalar(asleep).fetch_one(pool).await?)
}

/// They read the flag before anybody slept, and so call nobody. Each commits at another moment of the sleeper's looking around.
#[tokio::test]
async fn an_event_committed_after_the_falling_asleep_is_seen() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?.straight();
    let mut rng = fastrand::Rng::new();
    for count in 1..=40 {
        let early = open(database.pool(), "early").await?;
        let running = Running::start(&group);
        while !somebody_sleeps(database.pool()).await? {}
        tokio::time::sleep(Duration::from_micros(rng.u64(0..40_000))).await;
        early.commit().await?;
        running.handle(&group, count).await?;
        sqlx::query("SELECT eventwright.wake_up(last_value) FROM eventwright.asleep").execute(database.pool()).await?;
    }
    Ok(())
}

/// Where nobody is left who may not call it, it asks nothing any more.
#[tokio::test]
async fn one_who_sleeps_rests() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?.straight();
    let running = Running::start(&group);
    while !somebody_sleeps(pool).await? {}
    rests(pool).await?;
    running.handle(&group, 0).await
}

/// A row that says that somebody sleeps would not be seen by this publisher.
#[tokio::test]
async fn a_publisher_with_an_old_snapshot_calls_too() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?.straight();
    let mut old: Transaction<'_, Postgres> = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *old).await?;
    sqlx::query("SELECT count(*) FROM eventwright.outbox").execute(&mut *old).await?;
    let running = Running::start(&group);
    while !somebody_sleeps(pool).await? {}
    // it still looks around for a moment
    tokio::time::sleep(A_WHILE).await;
    publish(&mut old, "old", 1).await?;
    old.commit().await?;
    running.handle(&group, 1).await
}

/// The answer to a call makes publishers silent until somebody sleeps again.
#[tokio::test]
async fn publishers_call_only_while_somebody_sleeps() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut ear = sqlx::postgres::PgListener::connect_with(pool).await?;
    ear.listen("eventwright").await?;
    publish(&mut *pool.acquire().await?, "unheard", 1).await?;
    assert!(tokio::time::timeout(A_WHILE, ear.recv()).await.is_err(), "called though nobody sleeps");
    sqlx::query("SELECT eventwright.fall_asleep('1 minute')").execute(pool).await?;
    publish(&mut *pool.acquire().await?, "heard", 1).await?;
    let call = tokio::time::timeout(Duration::from_secs(20), ear.recv()).await??;
    sqlx::query("SELECT eventwright.wake_up($1)").bind(ticket(&call)?).execute(pool).await?;
    publish(&mut *pool.acquire().await?, "unheard again", 1).await?;
    assert!(tokio::time::timeout(A_WHILE, ear.recv()).await.is_err(), "called though all are awake");
    Ok(())
}

/// One who died in its sleep is called no more when its ticket's time is over.
#[tokio::test]
async fn an_old_ticket_calls_nobody() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut ear = sqlx::postgres::PgListener::connect_with(pool).await?;
    ear.listen("eventwright").await?;
    sqlx::query("SELECT eventwright.fall_asleep('-1 minute')").execute(pool).await?;
    assert!(somebody_sleeps(pool).await?);
    publish(&mut *pool.acquire().await?, "unheard", 1).await?;
    assert!(tokio::time::timeout(A_WHILE, ear.recv()).await.is_err(), "called one whose ticket is too old");
    Ok(())
}

/// Partitions are made beside publishers, neither waiting for the other.
#[tokio::test]
async fn making_room_blocks_no_publisher() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?.straight();
    let publisher = open(pool, "first").await?;
    let mut room = pool.begin().await?;
    let make = sqlx::query_scalar("SELECT eventwright.ensure_partitions(20000000)").fetch_one(&mut *room);
    let made: i32 =
        tokio::time::timeout(Duration::from_secs(20), make).await.map_err(|_| "waits for a publisher")??;
    assert!(made > 0, "there was room already");
    let second = tokio::time::timeout(Duration::from_secs(20), open(pool, "second"));
    second.await.map_err(|_| "a publisher waits for the making")??.commit().await?;
    room.commit().await?;
    publisher.commit().await?;
    let mut handled = group.next().await?;
    handled.sort();
    assert_eq!(handled, ["first", "second"]);
    Ok(())
}
