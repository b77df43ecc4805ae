//! Where handlers take too long, fail again and again, fail at the end of their transaction, or are not there (yet, or any more).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, insert_effect, migrated, publish, record};
use eventwright::{
    CarriesSubject, Context, DeadLetters, Event, EventId, Failure, Handled, Object, Payload, Publishable, PublishedBy,
    Publisher, RetryPolicy, SubscribedBy, Subscriber,
};
use sqlx::PgPool;

const SHORT: Duration = Duration::from_millis(200);

fn subscriber(pool: &PgPool) -> Subscriber<Home> {
    common::subscriber::<Home>("a", pool).workers(2).ranges(1)
}

fn quick(attempts: u32) -> RetryPolicy {
    RetryPolicy::default().attempts(attempts).first(Duration::from_millis(5))
}

async fn publish_all(pool: &PgPool, events: &[(&str, i64)]) -> Result<Vec<EventId>> {
    let mut ids = Vec::new();
    for (about, n) in events {
        ids.push(publish(&mut *pool.acquire().await?, about, *n).await?);
    }
    Ok(ids)
}

async fn effects(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || n FROM effects ORDER BY k").fetch_all(pool).await?)
}

async fn only_dead_letter(pool: &PgPool) -> Result<(String, String)> {
    let letters = DeadLetters::new(pool.clone()).list(None, 10).await?;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    Ok((letter.envelope.subject.clone(), letter.error.clone()))
}

#[tokio::test]
async fn a_handler_that_hangs_has_failed_and_undoes_what_it_did() -> Result {
    async fn hang(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        match event.payload.about.as_str() {
            "sleeps" => std::future::pending().await,
            // in the database, where nobody hears that it is no longer waited for
            "asks" => sqlx::raw_sql("SELECT pg_sleep(600)").execute(cx.tx()).await.map(|_| ())?,
            _ => {}
        }
        Ok(())
    }
    for hangs in ["sleeps", "asks"] {
        let database = migrated().await?;
        let pool = database.pool();
        Group::new("a", pool).await?;
        publish_all(pool, &[("x", 1), (hangs, 1), ("y", 1)]).await?;
        subscriber(pool).time_limit(SHORT).retry(quick(2)).on(hang).drain().await?;
        assert_eq!(effects(pool).await?, ["x1", "y1"]);
        let (subject, error) = only_dead_letter(pool).await?;
        assert_eq!(subject, hangs);
        // whichever comes first: ours, or the server's
        assert!(error.contains("longer than 200ms") || error.contains("statement timeout"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_effect_handler_that_hangs_has_failed() -> Result {
    async fn hang(_: Event<Happened>, _: &()) -> Handled {
        std::future::pending().await
    }
    let database = migrated().await?;
    let pool = database.pool();
    publish_all(pool, &[("x", 1)]).await?;
    subscriber(pool).effect_time_limit(SHORT).retry(quick(2)).effect(hang).drain().await?;
    assert_eq!(only_dead_letter(pool).await?, ("x".into(), "the handler ran longer than 200ms".into()));
    Ok(())
}

/// Nobody sees such an error before COMMIT, and then it may be any event's of the page.
#[tokio::test]
async fn a_constraint_that_fails_at_commit_is_that_events_failure() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    sqlx::raw_sql(
        "CREATE TABLE allowed (about text PRIMARY KEY); INSERT INTO allowed VALUES ('x'), ('y');
         ALTER TABLE effects ADD FOREIGN KEY (about) REFERENCES allowed DEFERRABLE INITIALLY DEFERRED",
    )
    .execute(pool)
    .await?;
    publish_all(pool, &[("x", 1), ("z", 1), ("y", 1), ("x", 2)]).await?;
    let group = Group::new("a", pool).await?;
    group.subscriber().ranges(1).retry(quick(2)).on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "y1", "x2"]);
    let (subject, error) = only_dead_letter(pool).await?;
    assert_eq!(subject, "z");
    assert_eq!(error.matches("violates foreign key").count(), 1, "{error}");
    Ok(())
}

/// Fails until it is told that what it depends on is there again, and counts its calls.
#[derive(Clone, Default)]
struct Dependency {
    calls: Arc<AtomicU32>,
    back_after: u32,
}

async fn depend(event: Event<Happened>, cx: &mut Context<'_, Home, Dependency>) -> Handled {
    let state = cx.state().clone();
    if state.calls.fetch_add(1, Ordering::Relaxed) < state.back_after {
        return Err(Failure::retry("it is down"));
    }
    insert_effect(cx.tx(), "a", &event).await?;
    Ok(())
}

#[tokio::test]
async fn a_dependency_that_is_down_costs_a_few_events_and_not_all() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let subjects: Vec<String> = (0..200).map(|n| format!("s{n}")).collect();
    let events: Vec<(&str, i64)> = subjects.iter().map(|subject| (subject.as_str(), 1)).collect();
    publish_all(pool, &events).await?;
    // five open it, and two tries find it still down
    let down = Dependency { back_after: 7, ..Dependency::default() };
    let running = subscriber(pool).rest_after_failures(5).retry(quick(2)).state(down.clone()).on(depend);
    running.drain().await?;
    assert_eq!(effects(pool).await?.len(), 200, "some are dead");

    // without it, all lose their attempts
    sqlx::raw_sql("DELETE FROM effects; DELETE FROM eventwright.groups").execute(pool).await?;
    let down = Dependency { back_after: 400, ..Dependency::default() };
    let running = subscriber(pool).rest_after_failures(0).retry(quick(2)).state(down).on(depend);
    running.drain().await?;
    assert_eq!(effects(pool).await?.len(), 0, "this test was to show what happens without the pause");
    Ok(())
}

#[tokio::test]
async fn later_events_wait_behind_a_failed_one_unless_told_not_to() -> Result {
    async fn reject_x1(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        if event.payload.about == "x" && event.payload.n == 1 {
            return Err(Failure::retry("no"));
        }
        record(event, cx).await
    }
    for (keeps_order, expected) in [(true, &["y1"][..]), (false, &["x2", "y1", "x3"])] {
        let database = migrated().await?;
        let pool = database.pool();
        let group = Group::new("a", pool).await?;
        let run = || async {
            let subscriber = group.subscriber().ranges(1).retry(quick(2)).on(reject_x1);
            let subscriber = if keeps_order { subscriber } else { subscriber.out_of_order_after_failures() };
            subscriber.drain().await
        };
        let ids = publish_all(pool, &[("x", 1), ("x", 2), ("y", 1)]).await?;
        run().await?;
        publish_all(pool, &[("x", 3)]).await?;
        run().await?;
        assert_eq!(effects(pool).await?, expected);
        // it comes back to the place that it has
        assert!(DeadLetters::new(pool.clone()).discard("a", ids[0]).await?);
        run().await?;
        let mut all = effects(pool).await?;
        all.sort();
        assert_eq!(all, ["x2", "x3", "y1"]);
    }
    Ok(())
}

/// Effects of one subject still come one after the other: it is only failures that they don't wait for.
#[tokio::test]
async fn effects_without_order_wait_for_those_that_have_not_failed() -> Result {
    async fn effect(event: Event<Happened>, pool: &PgPool) -> Handled {
        let mut db = pool.acquire().await?;
        let before: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&mut *db).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        insert_effect(&mut db, "a", &event).await?;
        if event.payload.n == 1 {
            return Err(Failure::reject("no"));
        }
        // nobody else ran meanwhile
        let now: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&mut *db).await?;
        (now == before + 1).then_some(()).ok_or_else(|| Failure::reject("another one ran beside it"))
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("x", 2), ("x", 3), ("x", 4)]).await?;
    let running = common::subscriber::<Home>("a", pool).out_of_order_after_failures().state(pool.clone());
    running.effect(effect).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "x2", "x3", "x4"]);
    assert_eq!(only_dead_letter(pool).await?, ("x".into(), "no".into()));
    Ok(())
}

/// Another event type, which a deploy adds or drops.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Ended {
    about: String,
}

impl Payload for Ended {
    const EVENT_TYPE: &'static str = "home.ended";
    const VERSION: u16 = 1;
}

impl CarriesSubject for Ended {
    type Subject = String;

    fn subject(&self) -> String {
        self.about.clone()
    }
}

impl PublishedBy<Home> for Ended {}
impl Publishable for Ended {}
impl SubscribedBy<Home> for Ended {}

async fn record_end(event: Event<Ended>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    let insert = sqlx::query("INSERT INTO effects (about, n) VALUES ($1, 0)").bind(&event.payload.about);
    insert.persistent(!common::is_through_pgbouncer()).execute(cx.tx()).await?;
    Ok(())
}

/// While a deploy rolls out, workers of both sides read the same ranges.
#[tokio::test]
async fn a_worker_holds_events_of_types_that_only_newer_workers_know() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let publish_end = async || {
        let event = Ended::builder().about("x").build();
        Publisher::<Home>::new().publish(&mut *pool.acquire().await?, event).await
    };
    publish_end().await?;
    group.next().await?;
    // nobody wanted it, and it is not wanted in hindsight
    group.subscriber().on(record).on(record_end).drain().await?;
    assert!(effects(pool).await?.is_empty());
    publish_end().await?;
    publish_all(pool, &[("x", 1), ("y", 1)]).await?;
    // an old worker, after a new one has been there
    group.subscriber().on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["y1"]);
    group.subscriber().on(record).on(record_end).drain().await?;
    assert_eq!(effects(pool).await?, ["y1", "x0", "x1"]);
    Ok(())
}

#[tokio::test]
async fn ignored_events_are_passed_over_also_those_that_were_held() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.subscriber().on(record).on(record_end).drain().await?;
    let ended = Ended::builder().about("x").build();
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, ended.clone()).await?;
    publish_all(pool, &[("x", 1)]).await?;
    group.subscriber().on(record).drain().await?;
    assert!(effects(pool).await?.is_empty(), "the handler is gone, and its event was passed over");
    group.subscriber().on(record).ignore::<Ended>().drain().await?;
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, ended).await?;
    publish_all(pool, &[("x", 2)]).await?;
    group.subscriber().on(record).ignore::<Ended>().drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "x2"]);
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.held").fetch_one(pool).await?;
    assert_eq!(held, 0);
    Ok(())
}

#[tokio::test]
async fn a_paused_group_rests_until_it_is_resumed() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.next().await?;
    sqlx::query("UPDATE eventwright.groups SET paused_at = now()").execute(pool).await?;
    publish_all(pool, &[("x", 1)]).await?;
    let running = tokio::spawn(group.subscriber().on(record).drain());
    let window = "SELECT max(id) FROM eventwright.windows";
    // it has looked, and seen that there is something
    while sqlx::query_scalar::<_, i64>(window).fetch_one(pool).await? < 1 {}
    assert!(effects(pool).await?.is_empty());
    sqlx::query("UPDATE eventwright.groups SET paused_at = NULL").execute(pool).await?;
    running.await??;
    assert_eq!(effects(pool).await?, ["x1"]);
    Ok(())
}

/// Pages of large events are small, whatever the setting.
#[tokio::test]
async fn large_events_are_read_a_few_at_a_time() -> Result {
    async fn measure(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        let chunk = "SELECT count(*) FROM effects WHERE xmin::text = pg_current_xact_id()::xid::text";
        insert_effect(cx.tx(), "a", &event).await?;
        let chunk = sqlx::query_scalar(chunk).persistent(!common::is_through_pgbouncer());
        let of_this_chunk: i64 = chunk.fetch_one(cx.tx()).await?;
        (of_this_chunk <= 5).then_some(()).ok_or_else(|| Failure::reject("too many at a time"))
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    sqlx::query(
        "INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         SELECT overlay(overlay(gen_random_uuid()::text PLACING '7' FROM 15) PLACING '8' FROM 20)::uuid, 'home.happened', 1, 'home',
                's' || i, now(), 'c', json_build_object('about', 's' || i, 'n', i, 'note', repeat('x', 2000000))
           FROM generate_series(1, 20) i",
    )
    .execute(pool)
    .await?;
    subscriber(pool).on(measure).drain().await?;
    assert_eq!(effects(pool).await?.len(), 20);
    Ok(())
}

/// What it reads after that may have a gap, so nothing that was read counts as handled.
#[tokio::test]
async fn a_group_that_is_detached_while_it_runs_passes_over_nothing_more() -> Result {
    async fn detach(event: Event<Happened>, cx: &mut Context<'_, Home, PgPool>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        sqlx::query("UPDATE eventwright.groups SET detached_at = now()").execute(cx.state()).await?;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1)]).await?;
    let running = common::subscriber::<Home>("a", pool).ranges(1).state(pool.clone()).on(detach);
    let ended = running.run_until(std::future::pending()).await;
    assert!(matches!(&ended, Err(eventwright::Error::Detached { group }) if group == "a"), "{ended:?}");
    assert!(effects(pool).await?.is_empty());
    let done: i64 = sqlx::query_scalar("SELECT max(done) FROM eventwright.positions").fetch_one(pool).await?;
    assert_eq!(done, 0);
    Ok(())
}
