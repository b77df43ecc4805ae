//! What a subscriber says of itself to probes. They go straight: much is about connections that end, and about being called, which nobody
//! is behind a pooler.

use std::time::Duration;

use crate::common::network::Network;
use crate::common::{Group, Happened, Home, Result, insert_effect, migrated, publish};
use eventwright::testing::Database;
use eventwright::{Context, Domain, Error, Event, Handled, Health, Subscriber};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, PgPool};
use tokio::sync::oneshot;

async fn handle(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
    insert_effect(cx.tx(), "a", &event).await?;
    Ok(())
}

fn subscriber(pool: &PgPool) -> Subscriber<Home> {
    Subscriber::<Home>::new("a", pool.clone()).workers(2).poll_every(Duration::from_millis(20)).on(handle)
}

/// A subscriber that runs until it is stopped, and what it says of itself without any patience.
struct Running {
    health: Health,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Running {
    async fn start(subscriber: Subscriber<Home>) -> Result<Self> {
        let health = subscriber.health().patience(Duration::ZERO);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
        let running = Self { health, stop, task };
        running.until("ready", |health| health.ready().is_ok() && health.live().is_ok()).await?;
        Ok(running)
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Health) -> bool) -> Result {
        let waits = async {
            while !is_so(&self.health) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waits).await;
        Ok(waited.map_err(|_| format!("never {what}: {:?}, {:?}", self.health.live(), self.health.ready()))?)
    }

    async fn stop(self) -> Result {
        self.stop.send(()).map_err(|()| "nobody to stop")?;
        Ok(self.task.await??)
    }
}

fn says(answer: Result<(), eventwright::Unhealthy>, words: &str) -> bool {
    answer.is_err_and(|unhealthy| unhealthy.to_string().contains(words))
}

async fn handled(pool: &PgPool, events: i64) -> Result {
    let all = async {
        while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM effects").fetch_one(pool).await? < events {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, sqlx::Error>(())
    };
    Ok(tokio::time::timeout(Duration::from_secs(60), all).await.map_err(|_| "never handled")??)
}

/// The test's database, and a connection to another one of the same server.
async fn with_a_way_around() -> Result<(Database, PgConnection, String)> {
    let database = migrated().await?;
    Group::new("a", database.pool()).await?;
    let options = database.pool().connect_options();
    let name = options.get_database().ok_or("no database")?.to_owned();
    let beside = (*options).clone().database("postgres").connect().await?;
    Ok((database, beside, name))
}

async fn let_in(beside: &mut PgConnection, database: &str, may: bool) -> Result {
    let alter = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {may}");
    sqlx::query(AssertSqlSafe(alter)).execute(beside).await?;
    Ok(())
}

async fn terminate(beside: &mut PgConnection, database: &str, queries: &str) -> Result<u64> {
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND query ~ $2";
    Ok(sqlx::query(terminate).bind(database).bind(queries).execute(beside).await?.rows_affected())
}

#[tokio::test]
async fn it_is_ready_from_its_joining_to_its_end() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let waits = subscriber(pool);
    let health = waits.health();
    assert!(health.live().is_ok());
    assert!(says(health.ready(), "has not joined"));
    let running = Running::start(waits).await?;
    let before = running.health.clone();
    assert!(health.ready().is_ok());
    running.stop().await?;
    assert!(says(before.ready(), "has ended"));
    assert!(before.live().is_ok(), "it ended as it was told");
    Ok(())
}

#[tokio::test]
async fn it_is_not_live_where_it_has_ended_with_an_error() -> Result {
    struct Other;
    impl Domain for Other {
        const NAME: &'static str = "other";
    }
    impl eventwright::SubscribedBy<Other> for Happened {}
    async fn nothing(_: Event<Happened>, _: &mut Context<'_, Other>) -> Handled {
        Ok(())
    }
    let database = migrated().await?;
    Group::new("a", database.pool()).await?;
    subscriber(database.pool()).drain().await?;
    let other = Subscriber::<Other>::new("a", database.pool().clone()).on(nothing);
    let health = other.health();
    assert!(other.run_until(std::future::pending()).await.is_err());
    assert!(says(health.live(), "the subscriber has ended: group `a` belongs to domain `home`"), "{:?}", health.live());
    assert!(says(health.ready(), "has ended"));
    Ok(())
}

/// Whoever asks knows that nobody runs it any more.
#[tokio::test]
async fn it_is_not_ready_once_its_run_is_dropped() -> Result {
    let database = migrated().await?;
    Group::new("a", database.pool()).await?;
    let running = Running::start(subscriber(database.pool())).await?;
    running.task.abort();
    running.until("not ready", |health| says(health.ready(), "has ended")).await
}

#[tokio::test]
async fn it_is_not_live_while_the_database_is_away() -> Result {
    let (database, mut beside, name) = with_a_way_around().await?;
    let running = Running::start(subscriber(database.pool())).await?;
    let patient = running.health.clone().patience(Duration::from_secs(3600));
    let_in(&mut beside, &name, false).await?;
    assert!(terminate(&mut beside, &name, "").await? >= 2);
    let is_away = |health: &Health| {
        says(health.live(), "looking for work fails")
            && says(health.live(), "listening for calls fails")
            && says(health.ready(), "looking for work fails")
    };
    // one that was about to connect comes in all the same
    let terminating = async {
        loop {
            terminate(&mut beside, &name, "").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        away = running.until("away", is_away) => away?,
        never = terminating => return never,
    }
    assert!(patient.live().is_ok(), "not for so long yet");
    assert!(patient.ready().is_err(), "patience is for restarts alone");
    let_in(&mut beside, &name, true).await?;
    running.until("back", |health| health.live().is_ok() && health.ready().is_ok()).await?;
    publish(&mut *database.pool().acquire().await?, "x", 1).await?;
    handled(database.pool(), 1).await?;
    running.stop().await
}

/// A subscriber on a server that takes no more connections, with the two that it needs to look and to be called; and a publisher.
async fn with_two_connections() -> Result<(Database, Running, PgConnection)> {
    let (database, mut beside, name) = with_a_way_around().await?;
    let mut publisher = database.pool().acquire().await?.detach();
    let running = Running::start(subscriber(database.pool())).await?;
    ticket_after(&mut publisher, 0).await?;
    let_in(&mut beside, &name, false).await?;
    terminate(&mut beside, &name, "^(?!LISTEN|.*(asleep|open_window|plan_cache_mode))").await?;
    Ok((database, running, publisher))
}

/// Waits until the group sleeps with a newer ticket.
async fn ticket_after(db: &mut PgConnection, ticket: i64) -> Result<i64> {
    let taken = async {
        loop {
            let newest: i64 =
                sqlx::query_scalar("SELECT last_value FROM eventwright.asleep").fetch_one(&mut *db).await?;
            if newest > ticket {
                return Ok::<_, sqlx::Error>(newest);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(60), taken).await.map_err(|_| "never asleep")??)
}

#[tokio::test]
async fn it_needs_two_connections_to_sleep() -> Result {
    let (_database, running, mut publisher) = with_two_connections().await?;
    let ticket = ticket_after(&mut publisher, 0).await?;
    sqlx::query("SELECT pg_notify('eventwright', $1::text)").bind(ticket).execute(&mut publisher).await?;
    ticket_after(&mut publisher, ticket).await?;
    running.stop().await
}

/// It would not get them again.
#[tokio::test]
async fn it_keeps_its_two_connections_while_workers_get_none() -> Result {
    let (_database, running, mut publisher) = with_two_connections().await?;
    publish(&mut publisher, "x", 1).await?;
    let fails = |health: &Health| says(health.live(), "the worker of range") && says(health.live(), "for 2 s");
    running.until("failing for long", fails).await?;
    assert!(running.health.ready().is_ok(), "{:?}", running.health.ready());
    running.stop().await
}

/// It still polls.
#[tokio::test]
async fn it_is_not_live_but_ready_while_it_can_not_listen() -> Result {
    let (database, mut beside, name) = with_a_way_around().await?;
    let running = Running::start(subscriber(database.pool())).await?;
    let_in(&mut beside, &name, false).await?;
    assert_eq!(terminate(&mut beside, &name, "^LISTEN").await?, 1);
    // looking fails, too, for as long as maintenance has the connection that was there
    let is_deaf = |health: &Health| {
        let reasons = health.live().err().map_or(Vec::new(), |unhealthy| unhealthy.reasons().to_vec());
        matches!(reasons.as_slice(), [reason] if reason.starts_with("listening for calls fails"))
            && health.ready().is_ok()
    };
    running.until("deaf", is_deaf).await?;
    let_in(&mut beside, &name, true).await?;
    running.until("back", |health| health.live().is_ok()).await?;
    running.stop().await
}

#[tokio::test]
async fn it_is_not_live_while_a_worker_fails_each_time() -> Result {
    let (database, ..) = with_a_way_around().await?;
    let pool = database.pool();
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON eventwright.begun FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .execute(pool)
    .await?;
    let running = Running::start(subscriber(pool).rest_after_failures(0)).await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    let fails = |health: &Health| says(health.live(), "the worker of range") && says(health.live(), "the disk is full");
    running.until("failing", fails).await?;
    sqlx::query("DROP TRIGGER refuse ON eventwright.begun").execute(pool).await?;
    running.until("back", |health| health.live().is_ok() && health.ready().is_ok()).await?;
    handled(pool, 1).await?;
    running.stop().await
}

/// Both sides believe in their connections, and nothing gets through.
#[tokio::test]
async fn it_is_not_live_while_the_network_swallows_all() -> Result {
    let database = migrated().await?;
    Group::new("a", database.pool()).await?;
    let network = Network::to(&database).await?;
    let pool = PgPoolOptions::new().max_connections(10).connect(&network.url).await?;
    let running = Running::start(subscriber(&pool)).await?;
    network.falls_silent();
    running.until("away", |health| health.live().is_err() && health.ready().is_err()).await?;
    network.is_mended();
    running.until("back", |health| health.live().is_ok() && health.ready().is_ok()).await?;
    publish(&mut *database.pool().acquire().await?, "x", 1).await?;
    handled(database.pool(), 1).await?;
    running.stop().await
}
