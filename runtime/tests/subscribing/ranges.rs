//! Ranges of a group: shared by processes, split and joined while events flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{
    self, Group, Happened, Home, Result, happened, insert_effect, migrated, open, publish, record, record_some, until,
};
use eventwright::{Context, Event, Groups, Handled};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{Semaphore, oneshot};

async fn set_ranges(pool: &PgPool, ranges: u16) -> Result {
    Ok(Groups::new(pool.clone()).set_ranges("a", ranges).await?)
}

/// First and last buckets, in order.
async fn ranges(pool: &PgPool) -> Result<Vec<(i16, i16)>> {
    let ranges = "SELECT bucket_lo, bucket_hi FROM eventwright.positions WHERE group_name = 'a' ORDER BY 1";
    Ok(sqlx::query_as(ranges).fetch_all(pool).await?)
}

async fn publish_many(pool: &PgPool, subjects: i64, rounds: std::ops::Range<i64>) -> Result {
    let mut db = pool.acquire().await?;
    for n in rounds {
        for subject in 0..subjects {
            publish(&mut db, &format!("s{subject}"), n).await?;
        }
    }
    Ok(())
}

/// Handled, handled more than once, and out of order.
async fn counts(pool: &PgPool) -> Result<(i64, i64, i64)> {
    let counts = "SELECT count(*), count(*) - count(DISTINCT event_id), count(*) FILTER (WHERE n <= before)
                    FROM (SELECT n, event_id, lag(n) OVER (PARTITION BY about ORDER BY k) AS before FROM effects) e";
    Ok(sqlx::query_as(counts).fetch_one(pool).await?)
}

#[tokio::test]
async fn a_group_is_split_and_joined_between_two_runs() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.subscriber().ranges(2).on(record).drain().await?;
    let mut sent = 0;
    for (wanted, edges) in [
        (3, vec![(0, 340), (341, 681), (682, 1023)]),
        (1, vec![(0, 1023)]),
        (4, vec![(0, 255), (256, 511), (512, 767), (768, 1023)]),
        (2, vec![(0, 511), (512, 1023)]),
    ] {
        publish_many(pool, 20, sent..sent + 3).await?;
        sent += 3;
        // all ranges are told to stand still where the first one is going, and go on when they have met there
        set_ranges(pool, wanted).await?;
        group.next().await?;
        assert_eq!(ranges(pool).await?, edges);
        assert_eq!(counts(pool).await?, (20 * sent, 0, 0));
    }
    Ok(())
}

/// Ranges that stand at different windows, and one in the middle of its own, meet before they are one.
#[tokio::test]
async fn ranges_at_different_windows_are_joined_where_they_meet() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.subscriber().ranges(4).on(record).drain().await?;
    let slow = open(pool, "slow").await?;
    publish_many(pool, 20, 0..5).await?;
    // it comes no further than to the second range, and stands in a handler until it is told to stop
    let some = Arc::new(Semaphore::new(36));
    let stop = async {
        while group.all().await.map_or(0, |all| all.len()) < 30 {}
        some.close();
    };
    let subscriber = common::subscriber::<Home>("a", pool).workers(1).chunk(3).state(("a", Arc::clone(&some)));
    subscriber.on(record_some).run_until(stop).await?;
    let positions: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT (done, current, after_seq)) FROM eventwright.positions WHERE group_name = 'a'",
    )
    .fetch_one(pool)
    .await?;
    assert!(positions > 1, "the ranges were to stand at different places");
    set_ranges(pool, 1).await?;
    assert!(ranges(pool).await?.len() > 1, "joined what does not stand at the same place");
    slow.commit().await?;
    publish_many(pool, 20, 5..8).await?;
    group.next().await?;
    assert_eq!(ranges(pool).await?, [(0, 1023)]);
    assert_eq!(counts(pool).await?, (161, 0, 0));
    Ok(())
}

#[tokio::test]
async fn splitting_and_joining_under_way_loses_and_doubles_nothing() -> Result {
    async fn record_or_fail(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        record(event, cx).await?;
        match fastrand::u8(..100) {
            0 => Err(eventwright::Failure::retry("now and then")),
            _ => Ok(()),
        }
    }
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    // it is there before its ranges are set
    group.subscriber().ranges(2).on(record).drain().await?;
    let retry = eventwright::RetryPolicy::default().first(Duration::from_millis(5)).longest(Duration::from_millis(20));
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let own = PgPoolOptions::new().connect(database.url()).await?;
        let stop = Arc::clone(&stop);
        let stopped = async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let subscriber =
            common::subscriber::<Home>("a", &own).ranges(2).chunk(5).retry(retry.clone().attempts(1_000)).state("a");
        running.spawn(subscriber.on(record_or_fail).run_until(stopped));
    }
    let mut rng = fastrand::Rng::new();
    for n in 0..40 {
        publish_many(pool, 30, n..n + 1).await?;
        if n % 3 == 2 {
            set_ranges(pool, rng.u16(1..9)).await?;
        }
    }
    set_ranges(pool, 3).await?;
    let done = async {
        while group.all().await?.len() < 1200 || ranges(pool).await?.len() != 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Result::<()>::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.map_err(|_| "they never come to an end")??;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    assert_eq!(counts(pool).await?, (1200, 0, 0));
    Ok(())
}

#[tokio::test]
async fn a_wrong_number_of_ranges_is_refused() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let unknown = set_ranges(pool, 2).await.err().ok_or("split a group that is not there")?;
    assert!(unknown.to_string().contains("there is no group `a`"), "{unknown}");
    Group::new("a", pool).await?.next().await?;
    let before = ranges(pool).await?;
    for wrong in [0, 1025] {
        let refused = set_ranges(pool, wrong).await.err().ok_or("took a wrong number")?;
        assert!(refused.to_string().contains("1 to 1024 ranges"), "{refused}");
        // so does the function itself
        let function = sqlx::query("SELECT eventwright.set_ranges('a', $1)").bind(i32::from(wrong)).execute(pool).await;
        let refused = function.err().ok_or("took a wrong number")?;
        assert!(refused.to_string().contains("1 to 1024 ranges"), "{refused}");
    }
    assert_eq!(ranges(pool).await?, before);
    Ok(())
}

/// One who joins gets a fair part of the ranges, though the first has them all and always has work.
#[tokio::test]
async fn a_process_that_joins_gets_its_share_of_the_ranges() -> Result {
    async fn count(event: Event<Happened>, cx: &mut Context<'_, Home, Arc<AtomicUsize>>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
        cx.state().fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_many(pool, 100, 0..20).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let start = |handled: &Arc<AtomicUsize>| {
        let stop = Arc::clone(&stop);
        let stopped = async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let (pool, handled) = (pool.clone(), Arc::clone(handled));
        let subscriber = common::subscriber::<Home>("a", &pool).ranges(4).workers(4).chunk(10).state(handled);
        tokio::spawn(subscriber.on(count).run_until(stopped))
    };
    let (first, second) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let running = start(&first);
    while first.load(Ordering::Relaxed) < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let joined = start(&second);
    while first.load(Ordering::Relaxed) + second.load(Ordering::Relaxed) < 2000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.store(true, Ordering::Relaxed);
    running.await??;
    joined.await??;
    assert_eq!(counts(pool).await?, (2000, 0, 0));
    let second = second.load(Ordering::Relaxed);
    assert!(second > 400, "who joined handled {second} of 2000");
    Ok(())
}

/// The event of each range but one has another one published, so there always is something to do there.
async fn never_ends(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    let group = *cx.state();
    insert_effect(cx.tx(), group, &event).await?;
    if event.payload.n > 0 {
        cx.publish(happened(&event.payload.about, event.payload.n + 1)).await?;
    }
    Ok(())
}

/// Whichever of the two it is.
#[tokio::test]
async fn a_range_has_its_turn_while_another_one_never_ends() -> Result {
    for half in [0_i64, 512] {
        let database = migrated().await?;
        let pool = database.pool();
        let group = Group::new("a", pool).await?;
        publish(&mut *pool.acquire().await?, &subject_in(pool, half).await?, 1).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let subscriber = group.subscriber().workers(1).ranges(2).on(never_ends);
        let run = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
        until(pool, "SELECT EXISTS (SELECT FROM effects WHERE n > 3)").await?;
        publish(&mut *pool.acquire().await?, &subject_in(pool, 512 - half).await?, 0).await?;
        until(pool, "SELECT EXISTS (SELECT FROM effects WHERE n = 0)").await?;
        stop.send(()).map_err(|()| "nobody to stop")?;
        run.await??;
    }
    Ok(())
}

/// A subject in the first or the second half of the buckets.
async fn subject_in(pool: &PgPool, half: i64) -> Result<String> {
    let subject = "SELECT s::text FROM generate_series(1, 100) s WHERE hashtextextended(s::text, 0) & 512 = $1 LIMIT 1";
    Ok(sqlx::query_scalar(subject).bind(half).fetch_one(pool).await?)
}

/// First buckets of what has a row in `begun`, and what it says.
async fn begun(pool: &PgPool) -> Result<Vec<(i16, i64)>> {
    let begun = "SELECT bucket_lo, until_seq FROM eventwright.begun WHERE group_name = 'a' ORDER BY 1";
    Ok(sqlx::query_as(begun).fetch_all(pool).await?)
}

#[tokio::test]
async fn what_a_range_has_begun_comes_and_goes_with_it() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.subscriber().ranges(2).on(record).drain().await?;
    assert_eq!(begun(pool).await?, [(0, 0), (512, 0)]);
    sqlx::query("SELECT eventwright.begin_chunk('a', 512::smallint, 1, 9, false)").execute(pool).await?;
    assert_eq!(begun(pool).await?, [(0, 0), (512, 9)]);

    // joined by another process while this one was about to begin its next chunk
    set_ranges(pool, 1).await?;
    group.next().await?;
    assert_eq!(begun(pool).await?.iter().map(|(lo, _)| *lo).collect::<Vec<_>>(), [0]);
    let late = sqlx::query("SELECT eventwright.begin_chunk('a', 512::smallint, 10, 19, false)").execute(pool).await;
    let late = late.unwrap_err().into_database_error().ok_or("no error of the database")?;
    assert_eq!(late.message(), "group 'a' has no range that begins with bucket 512 any more");
    assert_eq!(begun(pool).await?.len(), 1);
    Ok(())
}

/// A dump of the data alone has the tables in the order of their names.
#[tokio::test]
async fn a_dump_of_the_data_restores_what_ranges_have_begun() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    group.subscriber().ranges(2).on(record).drain().await?;
    sqlx::query("SELECT eventwright.begin_chunk('a', 512::smallint, 1, 9, false)").execute(pool).await?;
    let before = begun(pool).await?;
    sqlx::raw_sql(
        "CREATE TABLE b AS TABLE eventwright.begun;
         CREATE TABLE p AS TABLE eventwright.positions;
         DELETE FROM eventwright.positions",
    )
    .execute(pool)
    .await?;
    assert_eq!(begun(pool).await?, []);
    sqlx::raw_sql("INSERT INTO eventwright.begun TABLE b; INSERT INTO eventwright.positions TABLE p")
        .execute(pool)
        .await?;
    assert_eq!(begun(pool).await?, before);
    Ok(())
}
