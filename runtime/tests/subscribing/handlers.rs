//! What handlers may count on: retries, order behind a failure, dead letters, effects, panics, deploys.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, Seen, happened, insert_effect, migrated, publish, record};
use eventwright::{
    Context, DeadLetters, Error, Event, Failure, Handled, Next, Payload, Publisher, RetryPolicy, Schema, Start,
    SubscribedBy, Subscriber,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

fn quick(attempts: u32) -> RetryPolicy {
    RetryPolicy::default().attempts(attempts).first(Duration::from_millis(20))
}

async fn publish_all(pool: &PgPool, events: &[(&str, i64)]) -> Result {
    for (about, n) in events {
        publish(&mut *pool.acquire().await?, about, *n).await?;
    }
    Ok(())
}

/// What handlers were called with, whether it was kept or not.
struct Calls {
    calls: Seen,
    fails: fn(&Happened, usize) -> Option<Failure>,
}

impl Calls {
    fn failing(fails: fn(&Happened, usize) -> Option<Failure>) -> (Self, Seen) {
        let calls = Seen::default();
        (Self { calls: Arc::clone(&calls), fails }, calls)
    }

    fn call(&self, payload: &Happened) -> Handled {
        let name = format!("{}{}", payload.about, payload.n);
        let mut calls = self.calls.lock().map_err(|_| Failure::retry("poisoned"))?;
        calls.push(name.clone());
        let times = calls.iter().filter(|call| **call == name).count();
        (self.fails)(payload, times).map_or(Ok(()), Err)
    }
}

async fn record_unless(event: Event<Happened>, cx: &mut Context<'_, Home, Calls>) -> Handled {
    insert_effect(cx.tx(), "a", &event).await?;
    cx.state().call(&event.payload)
}

async fn effects(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || n FROM effects ORDER BY k").fetch_all(pool).await?)
}

fn subscriber(pool: &PgPool) -> Subscriber<Home> {
    common::subscriber::<Home>("a", pool).workers(2)
}

#[tokio::test]
async fn a_failure_is_retried_and_its_subject_waits() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("y", 1), ("x", 2), ("y", 2), ("x", 3)]).await?;
    let (calls, _) = Calls::failing(|event, times| {
        (event.about == "x" && event.n == 1 && times < 3).then(|| Failure::retry("not yet"))
    });
    subscriber(pool).ranges(1).retry(quick(5)).state(calls).on(record_unless).drain().await?;
    assert_eq!(effects(pool).await?, ["y1", "y2", "x1", "x2", "x3"]);
    Ok(())
}

/// Running the page again after a failure is no attempt at the events that did not fail.
#[tokio::test]
async fn a_failure_costs_its_neighbours_no_attempt() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("y", 1), ("z", 1)]).await?;
    let (calls, _) = Calls::failing(|event, _| (event.about == "y").then(|| Failure::retry("never")));
    subscriber(pool).ranges(1).retry(quick(1)).state(calls).on(record_unless).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "z1"]);
    let letters = DeadLetters::new(pool.clone()).list(Some("a"), 10).await?;
    assert_eq!(letters.iter().map(|letter| letter.envelope.subject.as_str()).collect::<Vec<_>>(), ["y"]);
    Ok(())
}

/// Whatever a handler or what is around it may have written is undone with the page; else there is nothing to undo.
#[tokio::test]
async fn what_fails_before_it_asks_for_the_transaction_has_no_neighbour_run_again() -> Result {
    async fn fail_first(event: Event<Happened>, cx: &mut Context<'_, Home, Calls>) -> Handled {
        cx.state().call(&event.payload)?;
        Ok(insert_effect(cx.tx(), "a", &event).await?)
    }
    async fn note(mut next: Next<'_, Home, Calls>) -> Handled {
        let tx = next.tx().ok_or_else(|| Failure::reject("no transaction"))?;
        sqlx::raw_sql("INSERT INTO effects (about, n) VALUES ('began', 0)").execute(tx).await?;
        next.run().await
    }
    for around in [false, true] {
        let database = migrated().await?;
        let pool = database.pool();
        Group::new("a", pool).await?;
        publish_all(pool, &[("x", 1), ("y", 1), ("z", 1), ("y", 2)]).await?;
        let (calls, seen) = Calls::failing(|event, times| {
            (event.about == "y" && event.n == 1 && times < 3).then(|| Failure::retry("not yet"))
        });
        let subscriber = subscriber(pool).ranges(1).retry(quick(5)).state(calls);
        match around {
            true => subscriber.around(note).on(fail_first).drain().await?,
            false => subscriber.on(fail_first).drain().await?,
        }
        let x1 = seen.lock().map(|calls| calls.iter().filter(|call| *call == "x1").count()).unwrap_or(0);
        assert_eq!(x1, if around { 2 } else { 1 });
        let effects = effects(pool).await?;
        let (began, effects): (Vec<_>, Vec<_>) =
            effects.iter().map(String::as_str).partition(|about| *about == "began0");
        assert_eq!((effects, began.len()), (vec!["x1", "z1", "y1", "y2"], if around { 4 } else { 0 }));
    }
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_blocks_its_subject_until_it_is_let_go() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    // not the first of its page, which is run again up to it
    publish_all(pool, &[("y", 1), ("x", 1), ("x", 2)]).await?;
    let run = |fails| {
        let (calls, seen) = Calls::failing(fails);
        (subscriber(pool).ranges(1).retry(quick(3)).state(calls).on(record_unless).drain(), seen)
    };
    let (drain, seen) = run(|event, _| (event.about == "x" && event.n == 1).then(|| Failure::retry("never")));
    drain.await?;
    assert_eq!(seen.lock().map(|calls| calls.iter().filter(|c| *c == "x1").count()).unwrap_or(0), 3);
    assert_eq!(effects(pool).await?, ["y1"]);

    let dead_letters = DeadLetters::new(pool.clone());
    let letters = dead_letters.list(Some("a"), 10).await?;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.attempts, letter.error.as_str()), (3, "never"));
    assert_eq!(letter.payload, r#"{"about":"x","n":1}"#);

    publish_all(pool, &[("x", 3)]).await?;
    run(|_, _| None).0.await?;
    assert_eq!(effects(pool).await?, ["y1"], "a later event overtook a dead letter");

    assert!(dead_letters.redrive("a", letter.envelope.event_id).await?);
    assert!(!dead_letters.redrive("a", letter.envelope.event_id).await?);
    run(|_, _| None).0.await?;
    assert_eq!(effects(pool).await?, ["y1", "x1", "x2", "x3"]);
    Ok(())
}

#[tokio::test]
async fn a_rejected_event_is_dead_at_once_and_can_be_discarded() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("x", 2)]).await?;
    let fails: fn(&Happened, usize) -> Option<Failure> = |event, _| (event.n == 1).then(|| Failure::reject("no"));
    let (calls, seen) = Calls::failing(fails);
    subscriber(pool).state(calls).on(record_unless).drain().await?;
    assert_eq!(seen.lock().map(|calls| calls.clone()).unwrap_or_default(), ["x1"]);

    let dead_letters = DeadLetters::new(pool.clone());
    let letter = dead_letters.list(None, 10).await?.pop().ok_or("no dead letter")?;
    assert_eq!((letter.group.as_str(), letter.attempts), ("a", 1));
    assert!(dead_letters.discard("a", letter.envelope.event_id).await?);
    let (calls, _) = Calls::failing(fails);
    subscriber(pool).state(calls).on(record_unless).drain().await?;
    assert_eq!(effects(pool).await?, ["x2"]);
    Ok(())
}

#[tokio::test]
async fn a_snooze_spends_no_attempt() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("x", 2)]).await?;
    let (calls, _) =
        Calls::failing(|event, times| (event.n == 1 && times < 5).then(|| Failure::snooze(Duration::from_millis(10))));
    subscriber(pool).retry(quick(2)).state(calls).on(record_unless).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "x2"]);
    Ok(())
}

#[tokio::test]
async fn many_failures_in_one_chunk_leave_each_effect_once() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    for n in 0..300 {
        publish(&mut *pool.acquire().await?, &format!("s{}", n % 50), n).await?;
    }
    let (calls, _) = Calls::failing(|event, times| (event.n % 7 == 0 && times == 1).then(|| Failure::retry("once")));
    subscriber(pool).retry(quick(5)).state(calls).on(record_unless).drain().await?;
    let handled: Vec<(String, i64)> = sqlx::query_as("SELECT about, n FROM effects ORDER BY k").fetch_all(pool).await?;
    assert_eq!(handled.len(), 300);
    for subject in 0..50 {
        let order: Vec<i64> =
            handled.iter().filter(|(about, _)| *about == format!("s{subject}")).map(|(_, n)| *n).collect();
        assert_eq!(order.len(), 6);
        assert!(order.is_sorted(), "{order:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_panic_is_a_failure() -> Result {
    async fn panics(event: Event<Happened>, cx: &mut Context<'_, Home, Calls>) -> Handled {
        assert!(cx.state().call(&event.payload).is_ok(), "out of paper");
        insert_effect(cx.tx(), "a", &event).await?;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("y", 1)]).await?;
    let (calls, _) = Calls::failing(|event, _| (event.about == "x").then(|| Failure::retry("")));
    subscriber(pool).ranges(1).retry(quick(2)).state(calls).on(panics).drain().await?;
    assert_eq!(effects(pool).await?, ["y1"]);
    let letter = DeadLetters::new(pool.clone()).list(None, 10).await?.pop().ok_or("no dead letter")?;
    assert_eq!(letter.error, "the handler panicked: out of paper");
    Ok(())
}

#[tokio::test]
async fn a_swallowed_database_error_is_a_failure_of_that_event_alone() -> Result {
    async fn swallows(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        if event.payload.about == "x" {
            let _ = sqlx::raw_sql("SELECT 1 / 0").execute(cx.tx()).await;
            return Ok(());
        }
        insert_effect(cx.tx(), "a", &event).await?;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("w", 1), ("y", 1), ("x", 1), ("z", 1)]).await?;
    subscriber(pool).ranges(1).retry(quick(2)).on(swallows).drain().await?;
    let mut done = effects(pool).await?;
    done.sort();
    assert_eq!(done, ["w1", "y1", "z1"]);
    let letter = DeadLetters::new(pool.clone()).list(None, 10).await?.pop().ok_or("no dead letter")?;
    assert_eq!(letter.envelope.subject, "x");
    assert!(letter.error.contains("a statement in its transaction had failed"), "{}", letter.error);
    Ok(())
}

#[tokio::test]
async fn an_effect_runs_outside_of_transactions_and_keeps_the_order() -> Result {
    async fn effect(event: Event<Happened>, calls: &Calls) -> Handled {
        calls.call(&event.payload)
    }
    let database = migrated().await?;
    let pool = database.pool();
    publish_all(pool, &[("x", 1), ("x", 2), ("y", 1)]).await?;
    let (calls, seen) = Calls::failing(|event, times| {
        (event.about == "x" && event.n == 1 && times == 1).then(|| Failure::retry("busy"))
    });
    subscriber(pool).retry(quick(3)).state(calls).effect(effect).drain().await?;
    let seen = seen.lock().map(|calls| calls.clone()).unwrap_or_default();
    let of_x: Vec<&str> = seen.iter().map(String::as_str).filter(|call| call.starts_with('x')).collect();
    assert_eq!(of_x, ["x1", "x1", "x2"]);
    assert_eq!(seen.iter().filter(|call| *call == "y1").count(), 1);
    Ok(())
}

/// The second version of the same event type.
#[derive(Clone, PartialEq, eventwright::Object)]
#[object(closed)]
struct HappenedV2 {
    about: String,
}

impl Payload for HappenedV2 {
    const EVENT_TYPE: &'static str = "home.happened";
    const VERSION: u16 = 2;
}

impl SubscribedBy<Home> for HappenedV2 {}

#[tokio::test]
async fn an_unknown_version_waits_for_a_deploy_and_keeps_the_order() -> Result {
    async fn second(event: Event<HappenedV2>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        let happened = Event::clone(&event);
        sqlx::query("INSERT INTO effects (grp, about, n) VALUES ('a', $1, 2)")
            .bind(happened.payload.about)
            .persistent(!common::is_through_pgbouncer())
            .execute(cx.tx())
            .await?;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1)]).await?;
    sqlx::query(
        "INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         VALUES ($1, 'home.happened', 2, 'home', 'x', now(), 'c', '{\"about\":\"x\"}')",
    )
    .bind(eventwright::EventId::new().as_uuid())
    .execute(pool)
    .await?;
    publish_all(pool, &[("x", 3), ("y", 1)]).await?;
    group.subscriber().ranges(1).on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "y1"]);
    assert!(DeadLetters::new(pool.clone()).list(None, 10).await?.is_empty());
    group.subscriber().on(record).on(second).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "y1", "x2", "x3"]);
    Ok(())
}

#[tokio::test]
async fn an_undecodable_event_is_a_dead_letter_that_says_where() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    sqlx::query(
        "INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         VALUES ($1, 'home.happened', 1, 'home', 'x', now(), 'c', '{\"about\":\"x\",\"n\":\"many\"}')",
    )
    .bind(eventwright::EventId::new().as_uuid())
    .execute(pool)
    .await?;
    publish_all(pool, &[("y", 1)]).await?;
    assert_eq!(group.next().await?, ["y"]);
    let letter = DeadLetters::new(pool.clone()).list(Some("a"), 10).await?.pop().ok_or("no dead letter")?;
    assert!(letter.error.contains("/n"), "{}", letter.error);
    Ok(())
}

#[tokio::test]
async fn a_handler_publishes_with_its_cause() -> Result {
    async fn answer(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        if event.payload.n == 1 {
            cx.publish(happened("answer", 2)).await?;
        }
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    let cause = publish(&mut *pool.acquire().await?, "question", 1).await?;
    subscriber(pool).on(answer).drain().await?;
    let (causation, correlation): (sqlx::types::Uuid, String) =
        sqlx::query_as("SELECT causation_id, correlation_id FROM eventwright.outbox WHERE subject = 'answer'")
            .fetch_one(pool)
            .await?;
    assert_eq!((causation, correlation), (cause.as_uuid(), cause.to_string()));
    Ok(())
}

#[tokio::test]
async fn a_new_group_begins_where_it_says() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let all = Group::new("all", pool).await?;
    let new = Group::new("new", pool).await?;
    publish_all(pool, &[("before", 1)]).await?;
    new.subscriber().start(Start::Now).on(record).drain().await?;
    publish_all(pool, &[("after", 1)]).await?;
    assert_eq!(new.next().await?, ["after"]);
    all.next().await?;
    assert_eq!(all.all().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_running_subscriber_wakes_up_and_stops_when_told() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    // nobody is called behind a pooler
    let group = Group::new("a", pool).await?.straight();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // polls so rarely that only a notification can be in time
    let subscriber = group.subscriber().poll_every(Duration::from_secs(600)).on(record);
    let running = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
    for round in 1..=5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        publish_all(pool, &[("x", round)]).await?;
        let seen = async {
            while group.all().await.map_or(0, |all| all.len() as i64) < round {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.map_err(|_| format!("event {round} woke nobody"))?;
    }
    stop.send(()).map_err(|()| "nobody to stop")?;
    tokio::time::timeout(Duration::from_secs(20), running).await???;
    Ok(())
}

#[tokio::test]
async fn two_processes_of_a_group_share_its_work() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    for n in 0..400 {
        publish(&mut *pool.acquire().await?, &format!("s{}", n % 40), n).await?;
    }
    let other = eventwright_pool(database.url()).await?;
    let second = common::subscriber::<Home>("a", &other).workers(2).state("a").chunk(10).on(record);
    tokio::try_join!(group.subscriber().chunk(10).on(record).drain(), second.drain())?;
    let (rows, distinct): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT event_id) FROM effects").fetch_one(pool).await?;
    assert_eq!((rows, distinct), (400, 400));
    Ok(())
}

async fn eventwright_pool(url: &str) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(10).connect(url).await?)
}

/// A handler's error is any text, and the time it asks for any time; neither may stand in the way of the other events.
#[tokio::test]
async fn an_error_that_postgres_can_not_hold_is_held_all_the_same() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("x", 1), ("y", 1), ("z", 1)]).await?;
    let (calls, _) = Calls::failing(|event, _| match event.about.as_str() {
        "x" => Some(Failure::RetryIn(Duration::MAX, "no\0t yet".repeat(5_000))),
        "y" => Some(Failure::snooze(Duration::MAX)),
        _ => None,
    });
    let handled = async {
        while effects(pool).await.is_ok_and(|done| done.is_empty()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    subscriber(pool).ranges(1).state(calls).on(record_unless).run_until(handled).await?;
    assert_eq!(effects(pool).await?, ["z1"]);
    let held: Vec<(String, String, Option<String>)> =
        sqlx::query_as("SELECT subject, reason, last_error FROM eventwright.held ORDER BY seq").fetch_all(pool).await?;
    let [(x, failed, Some(error)), (y, snoozed, None)] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!([x, failed, y, snoozed], ["x", "failed", "y", "snoozed"]);
    assert!(error.starts_with("no\u{fffd}t yet") && error.chars().count() == 10_000, "{error}");
    Ok(())
}

#[test]
fn no_wait_is_too_long_to_be_computed() {
    let policy = RetryPolicy::default().first(Duration::MAX).longest(Duration::MAX);
    assert!(policy.delay(u32::MAX) >= Duration::from_secs(1 << 60));
}

/// One effect that takes its time does not keep the others waiting.
#[tokio::test]
async fn effects_run_side_by_side() -> Result {
    async fn meet(_: Event<Happened>, both: &tokio::sync::Barrier) -> Handled {
        both.wait().await;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    publish_all(pool, &[("x", 1), ("y", 1)]).await?;
    let drain = subscriber(pool).workers(4).state(tokio::sync::Barrier::new(2)).effect(meet).drain();
    tokio::time::timeout(Duration::from_secs(20), drain).await.map_err(|_| "one waits for the other")??;
    Ok(())
}

/// Everything has its place in the schema that it is told.
#[tokio::test]
async fn a_schema_of_another_name_serves_as_well() -> Result {
    let database = eventwright::testing::Database::create().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let schema = Schema::new("billing_events")?;
    eventwright::migrate_in(pool, &schema).await?;
    eventwright::migrate_in(pool, &schema).await?;
    let publisher = Publisher::<Home>::to(schema.clone());
    let (calls, _) = Calls::failing(|event, times| (event.n == 1 && times == 1).then(|| Failure::reject("no")));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // nobody is called behind a pooler
    let straight = Subscriber::<Home>::new("a", pool.clone());
    let running = straight.schema(schema.clone()).poll_every(Duration::from_secs(600)).state(calls);
    let running = tokio::spawn(running.on(record_unless).run_until(async move { stopped.await.unwrap_or(()) }));
    let letters = DeadLetters::new(pool.clone()).schema(schema);
    let work = async {
        for n in 1..=3 {
            // by now it sleeps, and only a notification on the schema's own channel wakes it
            tokio::time::sleep(Duration::from_millis(150)).await;
            publisher.publish(&mut *pool.acquire().await?, happened("x", n)).await?;
        }
        let letter = loop {
            if let Some(letter) = letters.list(Some("a"), 10).await?.pop() {
                break letter;
            }
        };
        letters.redrive("a", letter.envelope.event_id).await?;
        while effects(pool).await?.len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Result::<()>::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(20), work).await.map_err(|_| "nobody woke up")??;
    assert_eq!(effects(pool).await?, ["x1", "x2", "x3"]);
    stop.send(()).map_err(|()| "nobody to stop")?;
    running.await??;
    let default: bool = sqlx::query_scalar("SELECT to_regnamespace('eventwright') IS NULL").fetch_one(pool).await?;
    assert!(default, "something went to the default schema");
    Ok(())
}

/// Where all is done, a program's own role may call `migrate` at every start.
#[tokio::test]
async fn migrating_again_needs_no_right_to_create() -> Result {
    let database = migrated().await?;
    let role = database.url().rsplit('/').next().and_then(|rest| rest.split('?').next()).ok_or("no name")?;
    let script = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA eventwright TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA eventwright TO {role};
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA eventwright TO {role}; SET ROLE {role}"
    );
    // one connection: SET ROLE is of the session
    let own = PgPoolOptions::new().max_connections(1).connect(database.url()).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&own).await?;
    let again = eventwright::migrate(&own).await;
    let forbidden = sqlx::query("CREATE TABLE eventwright.mine (i int)").execute(&own).await;
    let clean_up = format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(clean_up)).execute(&own).await?;
    again?;
    assert!(forbidden.is_err(), "the role may create, and so this shows nothing");
    Ok(())
}

/// The windows need a snapshot for each statement; a database with another default is told how to give it.
#[tokio::test]
async fn another_default_isolation_is_refused_with_a_hint() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let default = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$";
    sqlx::raw_sql(default).execute(pool).await?;
    // behind a pooler each statement is in a transaction that says what it needs
    let straight = Subscriber::<Home>::new("a", pool.clone());
    let refused = straight.state("a").on(record).drain().await;
    let Err(Error::Database(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("needs a read committed transaction, and this one is serializable"), "{error}");
    Ok(())
}

/// One who drains is told that the database is out of order; one who runs on would wait.
#[tokio::test]
async fn draining_ends_where_the_database_refuses() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.next().await?;
    publish_all(pool, &[("x", 1)]).await?;
    sqlx::raw_sql("ALTER TABLE eventwright.begun RENAME TO gone").execute(pool).await?;
    let refused = group.subscriber().on(record).drain().await;
    assert!(matches!(refused, Err(Error::NotMigrated(_))), "{refused:?}");
    sqlx::raw_sql("ALTER TABLE eventwright.gone RENAME TO begun").execute(pool).await?;
    assert_eq!(group.next().await?, ["x"]);
    Ok(())
}

#[tokio::test]
async fn misuse_is_told_at_the_start() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let none = subscriber(pool).drain().await;
    assert!(matches!(none, Err(Error::NoHandlers { .. })), "{none:?}");
    let twice = subscriber(pool).state("a").on(record).on(record).drain().await;
    assert!(matches!(twice, Err(Error::TwoHandlers { version: 1, .. })), "{twice:?}");
    let bare = eventwright::testing::Database::create().await?;
    let missing = common::subscriber::<Home>("a", bare.pool()).state("a").on(record).drain().await;
    assert!(matches!(missing, Err(Error::NotMigrated(_))), "{missing:?}");
    let unmigrated = Publisher::<Home>::new().publish(&mut *bare.pool().acquire().await?, happened("x", 1)).await;
    assert!(matches!(unmigrated, Err(Error::NotMigrated(_))), "{unmigrated:?}");
    Ok(())
}

#[tokio::test]
async fn migrating_at_the_same_time_is_safe() -> Result {
    let database = eventwright::testing::Database::create().await?;
    let pool = database.pool();
    let mut tasks = tokio::task::JoinSet::new();
    let failed = Arc::new((AtomicU32::new(0), Mutex::new(String::new())));
    for _ in 0..8 {
        let (pool, failed) = (pool.clone(), Arc::clone(&failed));
        tasks.spawn(async move {
            if let Err(error) = eventwright::migrate(&pool).await {
                failed.0.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut text) = failed.1.lock() {
                    *text = format!("{error:?}");
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    assert_eq!(failed.0.load(Ordering::Relaxed), 0, "{:?}", failed.1);
    let versions: Vec<i32> =
        sqlx::query_scalar("SELECT version FROM eventwright.migrations ORDER BY version").fetch_all(pool).await?;
    assert!(versions.is_sorted_by(|a, b| a < b) && versions.starts_with(&[1, 2, 3, 4]), "{versions:?}");
    Ok(())
}
