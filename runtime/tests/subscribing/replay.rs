//! Groups that begin somewhere in the log, and replays of a part of it.

use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, migrated, open, publish, record};
use eventwright::{Context, End, Error, Event, EventId, Failure, Handled, OffsetDateTime, Replay, Start};
use sqlx::PgPool;

/// One event about each of `names`, an hour apart, the last one just now.
async fn an_hour_apart(pool: &PgPool, names: &[&str]) -> Result<Vec<EventId>> {
    let mut ids = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let id = publish(&mut *pool.acquire().await?, name, 1).await?;
        let hours = (names.len() - 1 - at) as i32;
        sqlx::query(
            "UPDATE eventwright.outbox SET published_at = now() - make_interval(hours => $2) WHERE event_id = $1",
        )
        .bind(id.as_uuid())
        .bind(hours)
        .execute(pool)
        .await?;
        ids.push(id);
    }
    Ok(ids)
}

fn hours_ago(hours: f64) -> OffsetDateTime {
    OffsetDateTime::now_utc() - time::Duration::seconds_f64(hours * 3600.0)
}

#[tokio::test]
async fn a_group_begins_at_a_time_or_after_an_event() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let ids = an_hour_apart(pool, &["a", "b", "c", "d"]).await?;
    for (name, start, expected) in [
        ("at", Start::At(hours_ago(1.5)), &["c", "d"][..]),
        ("early", Start::At(hours_ago(100.0)), &["a", "b", "c", "d"]),
        ("late", Start::At(hours_ago(-1.0)), &[]),
        ("after", Start::After(ids[0]), &["b", "c", "d"]),
        ("last", Start::After(ids[3]), &[]),
    ] {
        let group = Group::new(name, pool).await?;
        group.subscriber().ranges(3).start(start).on(record).drain().await?;
        let mut handled = group.all().await?;
        handled.sort();
        assert_eq!(handled, expected, "{name}");
    }
    // and goes on from there as others do
    let group = Group::new("after", pool).await?;
    open(pool, "e").await?.commit().await?;
    assert_eq!(group.next().await?, ["e"]);
    Ok(())
}

#[tokio::test]
async fn a_group_that_begins_in_the_middle_gets_what_was_open_then() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let first = publish(&mut *pool.acquire().await?, "first", 1).await?;
    let slow = open(pool, "slow").await?;
    open(pool, "quick").await?.commit().await?;
    let group = Group::new("a", pool).await?;
    group.subscriber().start(Start::After(first)).on(record).drain().await?;
    assert_eq!(group.all().await?, ["quick"]);
    slow.commit().await?;
    assert_eq!(group.next().await?, ["slow"]);
    Ok(())
}

#[tokio::test]
async fn a_replay_handles_its_part_of_the_log_and_ends() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let ids = an_hour_apart(pool, &["a", "b", "c", "d"]).await?;
    for (name, replay, expected) in [
        ("all", Replay::from(Start::Beginning), &["a", "b", "c", "d"][..]),
        ("with", Replay::from(Start::Beginning).until(End::With(ids[1])), &["a", "b"]),
        ("between", Replay::from(Start::After(ids[0])).until(End::At(hours_ago(0.5))), &["b", "c"]),
        ("nothing", Replay::from(Start::After(ids[2])).until(End::With(ids[1])), &[]),
    ] {
        let group = Group::new(name, pool).await?;
        let subscriber = group.subscriber().ranges(3).replay(replay.clone()).on(record);
        // by itself, though nobody stops it
        tokio::time::timeout(Duration::from_secs(60), subscriber.run_until(std::future::pending()))
            .await
            .map_err(|_| "the replay does not end")??;
        let mut handled = group.all().await?;
        handled.sort();
        assert_eq!(handled, expected, "{name}");
        // what comes later is not its business
        open(pool, "later").await?.commit().await?;
        group.subscriber().replay(replay).on(record).drain().await?;
        assert_eq!(group.all().await?.len(), expected.len());
        sqlx::query("DELETE FROM eventwright.outbox WHERE subject = 'later'").execute(pool).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_runs_no_effects_unless_asked() -> Result {
    async fn effect(event: Event<Happened>, pool: &PgPool) -> Handled {
        common::insert_effect(&mut *pool.acquire().await?, "effect", &event).await?;
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    an_hour_apart(pool, &["a", "b"]).await?;
    let run = |name: &'static str, replay: Replay| {
        let subscriber = common::subscriber::<Home>(name, pool).replay(replay).state(pool.clone());
        subscriber.effect(effect).drain()
    };
    run("quiet", Replay::from(Start::Beginning)).await?;
    let effects = "SELECT count(*) FROM effects";
    assert_eq!(sqlx::query_scalar::<_, i64>(effects).fetch_one(pool).await?, 0);
    // the group stays what it was made for
    run("quiet", Replay::from(Start::Beginning).with_effects()).await?;
    assert_eq!(sqlx::query_scalar::<_, i64>(effects).fetch_one(pool).await?, 0);
    run("loud", Replay::from(Start::Beginning).with_effects()).await?;
    assert_eq!(sqlx::query_scalar::<_, i64>(effects).fetch_one(pool).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_replay_retries_and_keeps_order_as_any_group() -> Result {
    async fn fail_once(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        let held =
            sqlx::query_scalar("SELECT count(*) FROM eventwright.held").persistent(!common::is_through_pgbouncer());
        let before: i64 = held.fetch_one(cx.tx()).await?;
        if event.payload.n == 1 && before == 0 {
            return Err(Failure::retry("once"));
        }
        record(event, cx).await
    }
    let database = migrated().await?;
    let pool = database.pool();
    for n in 1..=3 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    let group = Group::new("a", pool).await?;
    let retry = eventwright::RetryPolicy::default().first(Duration::from_millis(20));
    group.subscriber().retry(retry).replay(Replay::from(Start::Beginning)).on(fail_once).drain().await?;
    let order: Vec<i64> = sqlx::query_scalar("SELECT n FROM effects ORDER BY k").fetch_all(pool).await?;
    assert_eq!(order, [1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn a_replay_and_an_ordinary_group_are_not_mixed_up() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    group.next().await?;
    let refused = group.subscriber().replay(Replay::from(Start::Beginning)).on(record).drain().await;
    assert!(matches!(refused, Err(Error::IsNoReplay { .. })), "{refused:?}");
    let replay = Group::new("again", database.pool()).await?;
    replay.subscriber().replay(Replay::from(Start::Beginning)).on(record).drain().await?;
    let refused = replay.subscriber().on(record).drain().await;
    assert!(matches!(refused, Err(Error::IsReplay { .. })), "{refused:?}");
    let unknown = Group::new("unknown", database.pool()).await?;
    let refused = unknown.subscriber().start(Start::After(EventId::new())).on(record).drain().await;
    assert!(matches!(refused, Err(Error::NoSuchEvent { .. })), "{refused:?}");
    Ok(())
}
