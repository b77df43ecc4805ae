//! Events that are handled before their window is opened, and what becomes of that when the window is.

use std::time::Duration;

use crate::common::{Group, Happened, Home, Result, insert_effect, migrated, open, publish, rests, until};
use eventwright::testing::Database;
use eventwright::{
    CarriesSubject, Context, Event, Handled, Object, Payload, Publishable, PublishedBy, Publisher, RetryPolicy,
    Subscriber,
};
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

type Begun = UnboundedSender<String>;

/// Says that it begins, whatever becomes of that.
async fn record(event: Event<Happened>, cx: &mut Context<'_, Home, (&'static str, Begun)>) -> Handled {
    let (group, begun) = cx.state();
    let group = *group;
    begun.send(event.payload.about.clone())?;
    insert_effect(cx.tx(), group, &event).await?;
    Ok(())
}

/// A subscriber that sleeps, on a log whose windows are kept from being opened.
struct Halted {
    database: Database,
    group: Group,
    halts: PgConnection,
    begun: UnboundedReceiver<String>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), eventwright::Error>>,
}

impl Halted {
    async fn start() -> Result<Self> {
        let database = migrated().await?;
        let pool = database.pool();
        let group = Group::new("a", pool).await?;
        let (begins, begun) = unbounded_channel();
        // an attempt that is counted is the last one
        let subscriber = Subscriber::<Home>::new("a", pool.clone()).state(("a", begins)).ranges(1);
        let subscriber =
            subscriber.poll_every(Duration::from_secs(600)).retry(RetryPolicy::default().attempts(1)).on(record);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
        until(pool, "SELECT asleep.last_value > awake.last_value FROM eventwright.asleep, eventwright.awake").await?;
        rests(pool).await?;
        let mut halts = pool.acquire().await?.detach();
        let halt = "SELECT pg_advisory_lock('eventwright.windows'::regclass::oid::bigint::bit(32)::int, 1)";
        sqlx::query(halt).execute(&mut halts).await?;
        Ok(Self { database, group, halts, begun, stop, task })
    }

    fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    async fn publish(&self, about: &str) -> Result {
        publish(&mut *self.pool().acquire().await?, about, 1).await?;
        Ok(())
    }

    async fn begun(&mut self) -> Result<String> {
        let begun = tokio::time::timeout(Duration::from_secs(60), self.begun.recv()).await;
        Ok(begun.map_err(|_| "no handler began")?.ok_or("the subscriber ended")?)
    }

    /// Waits for as many effects as that, and returns in which order they were, and which handlers began meanwhile.
    async fn goes_on(self, effects: usize) -> Result<(Vec<String>, Vec<String>)> {
        self.goes_on_until(effects, "SELECT true").await
    }

    /// The same, and something is so in the end.
    async fn goes_on_until(mut self, effects: usize, is_so: &'static str) -> Result<(Vec<String>, Vec<String>)> {
        let go_on = "SELECT pg_advisory_unlock('eventwright.windows'::regclass::oid::bigint::bit(32)::int, 1)";
        sqlx::query(go_on).execute(&mut self.halts).await?;
        until(self.pool(), &format!("SELECT count(*) >= {effects} FROM effects")).await?;
        self.stop.send(()).map_err(|()| "nobody to stop")?;
        self.task.await??;
        assert!(sqlx::query_scalar::<_, bool>(is_so).fetch_one(self.database.pool()).await?, "{is_so}");
        let mut begun = Vec::new();
        while let Some(about) = self.begun.recv().await {
            begun.push(about);
        }
        Ok((self.group.all().await?, begun))
    }
}

/// What the subscriber has no handler for.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct News {
    about: String,
}

impl Payload for News {
    const EVENT_TYPE: &'static str = "home.news";
    const VERSION: u16 = 1;
}

impl CarriesSubject for News {
    type Subject = String;

    fn subject(&self) -> String {
        self.about.clone()
    }
}

impl PublishedBy<Home> for News {}
impl Publishable for News {}

async fn publish_news(db: &mut PgConnection, about: &str) -> Result {
    Publisher::<Home>::new().publish(db, News::builder().about(about).build()).await?;
    Ok(())
}

/// What another deploy's subscriber says as it joins.
const HANDLES_NEWS: &str = "UPDATE eventwright.groups SET event_types = event_types || 'home.news'::text";
const HELD_NEWS: &str =
    "SELECT EXISTS (SELECT FROM eventwright.held WHERE event_type = 'home.news' AND reason = 'unknown')";

/// Whether the subscriber waits for the window.
const OPENS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory' AND query ~ 'open_window')";

#[tokio::test]
async fn a_call_is_answered_before_a_window_is_opened() -> Result {
    let mut halted = Halted::start().await?;
    halted.publish("x").await?;
    assert_eq!(halted.begun().await?, "x");
    until(halted.pool(), OPENS).await?;
    assert!(halted.group.all().await?.is_empty(), "nothing is done before the window is there");
    assert_eq!(halted.goes_on(1).await?, (vec!["x".into()], vec![]));
    Ok(())
}

#[tokio::test]
async fn what_is_published_before_the_window_is_opened_comes_after() -> Result {
    let mut halted = Halted::start().await?;
    halted.publish("x").await?;
    assert_eq!(halted.begun().await?, "x");
    for about in ["y", "x", "z"] {
        halted.publish(about).await?;
    }
    let in_order = ["x", "y", "x", "z"].map(String::from).to_vec();
    assert_eq!(halted.goes_on(4).await?, (in_order.clone(), in_order[1..].to_vec()));
    Ok(())
}

/// It is not where it was passed over, nor after what came later: what was handled is undone, and handled again in its turn.
#[tokio::test]
async fn what_comes_in_between_undoes_what_was_handled() -> Result {
    let mut halted = Halted::start().await?;
    let early = open(halted.pool(), "early").await?;
    halted.publish("x").await?;
    assert_eq!(halted.begun().await?, "x");
    early.commit().await?;
    let in_order = ["early", "x"].map(String::from).to_vec();
    assert_eq!(halted.goes_on(2).await?, (in_order.clone(), in_order));
    Ok(())
}

/// And not taken for an event that takes processes down.
#[tokio::test]
async fn what_was_handled_is_undone_where_the_window_is_not_opened() -> Result {
    let mut halted = Halted::start().await?;
    halted.publish("x").await?;
    assert_eq!(halted.begun().await?, "x");
    until(halted.pool(), OPENS).await?;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event = 'advisory' AND query ~ 'open_window'";
    assert_eq!(sqlx::query(terminate).execute(halted.pool()).await?.rows_affected(), 1);
    until(halted.pool(), OPENS).await?;
    assert!(halted.group.all().await?.is_empty());
    until(halted.pool(), "SELECT NOT EXISTS (SELECT FROM eventwright.begun WHERE first_seq <> 0)").await?;
    assert_eq!(halted.goes_on(1).await?, (vec!["x".into()], vec!["x".into()]));
    Ok(())
}

/// A group handles another type since it was quiet: one that comes first in its subject is not passed over.
#[tokio::test]
async fn what_another_deploy_handles_and_comes_first_is_not_passed_over() -> Result {
    let mut halted = Halted::start().await?;
    sqlx::query(HANDLES_NEWS).execute(halted.pool()).await?;
    let mut both = halted.pool().begin().await?;
    publish_news(&mut both, "x").await?;
    publish(&mut both, "x", 1).await?;
    publish(&mut both, "y", 1).await?;
    both.commit().await?;
    assert_eq!(halted.begun().await?, "x");
    assert_eq!(halted.goes_on_until(1, HELD_NEWS).await?.0, ["y"], "what follows waits behind it");
    Ok(())
}

/// The same, between a look's beginning and its window.
#[tokio::test]
async fn what_another_deploy_handles_by_the_time_of_the_window_is_not_passed_over() -> Result {
    let mut halted = Halted::start().await?;
    halted.publish("x").await?;
    assert_eq!(halted.begun().await?, "x");
    until(halted.pool(), OPENS).await?;
    sqlx::query(HANDLES_NEWS).execute(halted.pool()).await?;
    publish_news(&mut *halted.pool().acquire().await?, "z").await?;
    halted.publish("y").await?;
    assert_eq!(halted.goes_on_until(2, HELD_NEWS).await?.0, ["x", "y"]);
    Ok(())
}
