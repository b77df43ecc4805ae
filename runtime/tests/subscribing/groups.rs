//! How groups stand, and pausing and detaching them.

use std::time::Duration;

use crate::common::{Group, Happened, Home, Result, migrated, open, publish};
use eventwright::{Context, Error, Event, Failure, GroupStatus, Groups, Handled, LogStatus, Schema};
use sqlx::PgPool;

async fn of(pool: &PgPool, name: &str) -> Result<GroupStatus> {
    let all = Groups::new(pool.clone()).list().await?;
    Ok(all.into_iter().find(|group| group.name == name).ok_or("no such group")?)
}

#[tokio::test]
async fn a_group_is_as_far_behind_as_what_it_has_not_passed() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    assert!(Groups::new(pool.clone()).list().await?.is_empty());
    let group = Group::new("a", pool).await?;
    open(pool, "x").await?.commit().await?;
    group.next().await?;
    let caught_up = of(pool, "a").await?;
    let lag = caught_up.lag.ok_or("no lag")?;
    assert_eq!((caught_up.position, lag.events, lag.time), (Some(1), 0, Duration::ZERO));
    assert_eq!((caught_up.ranges, caught_up.domain.as_deref(), caught_up.home), (4, Some("home"), None));

    for n in 0..3 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    sqlx::raw_sql("UPDATE eventwright.outbox SET published_at = now() - interval '2 hours' WHERE seq = 2")
        .execute(pool)
        .await?;
    let behind = of(pool, "a").await?;
    let lag = behind.lag.ok_or("no lag")?;
    assert_eq!((behind.position, lag.events), (Some(1), 3));
    assert!(lag.time >= Duration::from_secs(7200), "{lag:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_held_back_is_counted_by_reason() -> Result {
    async fn fate(event: Event<Happened>, _: &mut Context<'_, Home, &'static str>) -> Handled {
        match event.payload.about.as_str() {
            "dies" => Err(Failure::reject("never")),
            "fails" => Err(Failure::RetryIn(Duration::from_secs(3600), "not yet".to_owned())),
            _ => Ok(()),
        }
    }
    let database = migrated().await?;
    let pool = database.pool();
    for (about, n) in [("dies", 1), ("dies", 2), ("dies", 3), ("fails", 1), ("works", 1)] {
        publish(&mut *pool.acquire().await?, about, n).await?;
    }
    let group = Group::new("a", pool).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(group.subscriber().on(fate).run_until(async { stopped.await.unwrap_or(()) }));
    while of(pool, "a").await.map(|group| group.lag.map(|lag| lag.events)).unwrap_or(None) != Some(0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).map_err(|()| "nobody to stop")?;
    running.await??;
    let held = of(pool, "a").await?.held;
    assert_eq!((held.dead, held.behind, held.failed, held.waiting()), (1, 2, 1, 3));
    Ok(())
}

#[tokio::test]
async fn a_group_is_paused_resumed_and_detached() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?.next().await?;
    let groups = Groups::new(pool.clone());
    assert!(groups.pause("a").await? && !groups.pause("a").await?);
    assert!(of(pool, "a").await?.paused_at.is_some());
    assert!(groups.resume("a").await? && !groups.resume("a").await?);
    assert!(groups.detach("a").await? && !groups.detach("a").await?);
    let detached = of(pool, "a").await?;
    assert!(detached.paused_at.is_none() && detached.detached_at.is_some(), "{detached:?}");
    for refused in [groups.pause("b").await, groups.resume("b").await, groups.detach("b").await] {
        assert!(matches!(&refused, Err(Error::NoSuchGroup { group }) if group == "b"), "{refused:?}");
    }
    Ok(())
}

/// The log waits for them, too, so an operator must see them and be able to let them go.
#[tokio::test]
async fn groups_of_other_databases_are_listed_and_detached_at_the_log() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    sqlx::raw_sql("INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/far', 'b', 0)")
        .execute(pool)
        .await?;
    open(pool, "x").await?.commit().await?;
    let far = of(pool, "b").await?;
    assert_eq!((far.home.as_deref(), far.lag.map(|lag| lag.events)), (Some("7/far"), Some(1)));
    let groups = Groups::new(pool.clone());
    assert!(groups.detach_reader("7/far", "b").await? && !groups.detach_reader("7/far", "b").await?);
    assert!(of(pool, "b").await?.detached_at.is_some());
    let refused = groups.detach_reader("7/near", "b").await;
    assert!(matches!(&refused, Err(Error::NoSuchGroup { group }) if group == "7/near/b"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn the_log_tells_its_end_its_room_and_whom_it_waits_for() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let status = async || LogStatus::of(pool, &Schema::default()).await;
    let empty = status().await?;
    assert_eq!((empty.last_seq, empty.windows, empty.oldest_window_at), (0, 1, None));
    let group = Group::new("a", pool).await?;
    open(pool, "x").await?.commit().await?;
    group.next().await?;
    let caught_up = status().await?;
    assert_eq!((caught_up.last_seq, caught_up.oldest_window_at), (1, None));
    open(pool, "x").await?.commit().await?;
    sqlx::query("SELECT eventwright.open_window()").execute(pool).await?;
    let behind = status().await?;
    assert_eq!((behind.last_seq, behind.windows), (2, caught_up.windows + 1));
    assert!(behind.oldest_window_at.is_some());
    assert_eq!(behind.room + 2, u64::from(behind.partitions) * 1_000_000 - 1, "{behind:?}");
    Ok(())
}
