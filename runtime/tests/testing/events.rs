//! The test kit: what was published, what a handler did, where an event is that was not handled.

use std::time::Duration;

use crate::common::{Group, Happened, Home, Result, happened, insert_effect, migrated, publish, record};
use eventwright::{Context, Event, Failure, Handled, Json, Object, Payload, Publish, testing};
use sqlx::{Connection, PgPool};

/// What `Happened` was before.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct HappenedOnce {
    about: String,
}

impl Payload for HappenedOnce {
    const EVENT_TYPE: &'static str = "home.happened";
    const VERSION: u16 = 0;
}

#[tokio::test]
async fn what_a_transaction_published_is_seen_in_it_alone() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    publish(&mut *pool.acquire().await?, "before", 1).await?;
    let mut tx = pool.begin().await?;
    assert!(testing::all_published(&mut tx).await?.is_empty());
    publish(&mut tx, "x", 1).await?;
    let mut undone = tx.begin().await?;
    publish(&mut undone, "undone", 2).await?;
    undone.rollback().await?;
    publish(&mut tx, "x", 3).await?;
    sqlx::raw_sql("UPDATE eventwright.outbox SET event_type = 'home.other' WHERE payload ->> 'n' = '3'")
        .execute(&mut *tx)
        .await?;
    let events = testing::published::<Happened>(&mut tx).await?;
    assert_eq!(events.iter().map(|event| &event.payload).collect::<Vec<_>>(), [&happened("x", 1)]);
    assert_eq!(events[0].envelope.source, "home");
    let all = testing::all_published(&mut tx).await?;
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].payload.get("n"), Some(&Json::from("3".parse::<eventwright::Number>()?)));
    let mut other = pool.begin().await?;
    assert!(testing::all_published(&mut other).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_event_of_two_versions_is_read_in_the_one_that_is_asked_for() -> Result {
    let database = migrated().await?;
    let mut tx = database.pool().begin().await?;
    publish(&mut tx, "x", 1).await?;
    assert!(testing::published::<HappenedOnce>(&mut tx).await?.is_empty());
    sqlx::raw_sql(r#"UPDATE eventwright.outbox SET downcast_version = 0, downcast_payload = '{"about":"x"}'"#)
        .execute(&mut *tx)
        .await?;
    assert_eq!(testing::published::<HappenedOnce>(&mut tx).await?.len(), 1);
    assert_eq!(testing::published::<Happened>(&mut tx).await?.len(), 1);
    sqlx::raw_sql(r#"UPDATE eventwright.outbox SET payload = '{"about":7}'"#).execute(&mut *tx).await?;
    let error = testing::published::<Happened>(&mut tx).await.err().ok_or("read a number as text")?.to_string();
    assert!(error.contains("home.happened evt_") && error.contains("/about"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_called_handler_writes_and_publishes_in_the_transaction() -> Result {
    async fn doubles(event: Event<Happened>, cx: &mut Context<'_, Home, i64>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        let n = event.payload.n * *cx.state();
        cx.publish(happened("echo", n)).await?;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let mut tx = pool.begin().await?;
    publish(&mut tx, "not the handler's", 1).await?;
    let event = testing::event(happened("x", 21).correlation("import-17"));
    let cause = event.envelope.event_id;
    let called = testing::call(&mut tx, doubles, event, &2).await?;
    called.handled.map_err(|failure| format!("{failure:?}"))?;
    let [echo] = called.published.as_slice() else { panic!("{:?}", called.published) };
    assert_eq!((echo.envelope.causation_id, echo.envelope.correlation_id.as_str()), (Some(cause), "import-17"));
    assert_eq!(testing::published::<Happened>(&mut tx).await?[1].payload, happened("echo", 42));
    let written: i64 = sqlx::query_scalar("SELECT n FROM effects").fetch_one(&mut *tx).await?;
    assert_eq!(written, 21);
    Ok(())
}

#[tokio::test]
async fn what_a_failed_handler_wrote_is_undone_and_the_transaction_goes_on() -> Result {
    async fn fails(event: Event<Happened>, cx: &mut Context<'_, Home, ()>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        cx.publish(happened("echo", 1)).await?;
        Err(Failure::reject("no"))
    }
    async fn swallows(event: Event<Happened>, cx: &mut Context<'_, Home, ()>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        let _ = sqlx::query("SELECT 1 / 0").execute(cx.tx()).await;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let mut tx = pool.begin().await?;
    let called = testing::call(&mut tx, fails, testing::event(happened("x", 1)), &()).await?;
    assert!(matches!(&called.handled, Err(Failure::Reject(reason)) if reason == "no"), "{called:?}");
    let called = testing::call(&mut tx, swallows, testing::event(happened("x", 1)), &()).await?;
    assert!(matches!(&called.handled, Err(Failure::Retry(reason)) if reason.contains("had failed")), "{called:?}");
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(&mut *tx).await?;
    assert_eq!((written, testing::all_published(&mut tx).await?.len()), (0, 0));
    Ok(())
}

async fn not_handled(pool: &PgPool, group: &str, event: eventwright::EventId) -> Result<String> {
    let waited = testing::handled_within(pool, group, event, Duration::from_millis(30)).await;
    Ok(waited.err().ok_or("it was handled")?.to_string())
}

#[tokio::test]
async fn who_waits_in_vain_is_told_where_the_event_is() -> Result {
    async fn reject(_: Event<Happened>, _: &mut Context<'_, Home, &'static str>) -> Handled {
        Err(Failure::reject("out of paper"))
    }
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let mut tx = pool.begin().await?;
    let event = testing::publish(&mut tx, happened("x", 1)).await?;
    let text = not_handled(pool, "a", event).await?;
    assert!(
        text.starts_with(&format!("group `a` has not handled {event}: ")) && text.contains("1 transactions"),
        "{text}"
    );
    tx.commit().await?;
    let text = not_handled(pool, "a", event).await?;
    assert!(text.contains("the group has nothing of it") && text.contains("published at"), "{text}");

    group.subscriber().on(reject).drain().await?;
    // at once: nobody would wait an hour for a dead letter
    let waited = testing::handled_within(pool, "a", event, Duration::from_secs(3600)).await;
    assert!(waited.err().ok_or("it was handled")?.to_string().contains("out of paper"));
    let second = testing::publish(&mut *pool.acquire().await?, happened("y", 1)).await?;
    sqlx::raw_sql("UPDATE eventwright.groups SET paused_at = now()").execute(pool).await?;
    assert!(not_handled(pool, "a", second).await?.contains("the group is paused"));
    Ok(())
}

#[tokio::test]
async fn who_waits_goes_on_when_the_event_is_handled() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let event = testing::publish(&mut *pool.acquire().await?, happened("x", 1)).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(group.subscriber().on(record).run_until(async { stopped.await.unwrap_or(()) }));
    testing::handled(pool, "a", event).await?;
    assert_eq!(group.all().await?, ["x"]);
    stop.send(()).map_err(|()| "nobody to stop")?;
    running.await??;
    Ok(())
}
