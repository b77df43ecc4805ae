//! What a crash of Postgres takes back, and who still remembers it.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Group, Home, Result, migrated, publish, record, record_some, subscriber, until, while_running};
use sqlx::{Connection, PgConnection};
use tokio::sync::Semaphore;

/// Windows of the group's own database are not waited for, so a crash may take one back that a worker has seen. Another process then
/// opens the window that comes after the same one, and reaches further; if it had the same number, a position that refers to it would
/// be taken for standing where the lost one did.
#[tokio::test]
async fn a_window_that_was_taken_back_is_not_mistaken_for_the_one_in_its_place() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let none = group.next().await?;
    assert!(none.is_empty());

    // a worker that sees a window, and gets at no range
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    let mut ranges = pool.begin().await?;
    sqlx::query("SELECT FROM eventwright.positions FOR UPDATE").execute(&mut *ranges).await?;
    let handled = async {
        while !group.all().await.is_ok_and(|all| all.contains(&"last".into())) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let survivor = group.subscriber().without_listen().poll_every(Duration::from_millis(10)).on(record);
    let crash_and_go_on = async {
        let newest = "SELECT max(id) FROM eventwright.windows";
        while sqlx::query_scalar::<_, i64>(newest).fetch_one(pool).await? == 0 {}
        // nobody opens windows but this session, which is where the server comes back
        let mut back = PgConnection::connect(database.url()).await?;
        sqlx::query("SELECT pg_advisory_lock('eventwright.windows'::regclass::oid::bigint::bit(32)::int, 1)")
            .execute(&mut back)
            .await?;
        sqlx::query("DELETE FROM eventwright.windows WHERE id > 0").execute(&mut back).await?;
        publish(&mut back, "y", 2).await?;
        sqlx::query("SELECT eventwright.open_window()").execute(&mut back).await?;
        // another worker has handled all of it
        let advance = sqlx::query(
            "UPDATE eventwright.positions p SET done = w.id, done_snapshot = w.snapshot, done_bound = w.bound, done_fence = w.fence
               FROM eventwright.windows w WHERE w.id > 0",
        );
        advance.execute(&mut *ranges).await?;
        publish(&mut back, "last", 3).await?;
        ranges.commit().await?;
        back.close().await?;
        Result::<()>::Ok(())
    };
    let both = async { tokio::try_join!(crash_and_go_on, async { Ok(survivor.run_until(handled).await?) }) };
    tokio::time::timeout(Duration::from_secs(60), both).await.map_err(|_| "it never goes on")??;
    group.next().await?;
    assert_eq!(group.all().await?, ["last"], "what another worker had handled was handled again");
    Ok(())
}

/// A crash may take back a window that a worker still has in mind, which gets at its range after the crash. What has the window's
/// transaction ids and numbers then is not what had them before.
#[tokio::test]
async fn nothing_is_read_up_to_a_window_that_was_taken_back() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let subscriber = || subscriber::<Home>("a", pool).ranges(1);
    subscriber().state("a").on(record).drain().await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    let (one, window) = (Arc::new(Semaphore::new(0)), "SELECT max(id) FROM eventwright.windows");
    let scenario = async {
        until(pool, "SELECT EXISTS (SELECT FROM eventwright.begun WHERE first_seq > 0)").await?;
        let lost: i64 = sqlx::query_scalar(window).fetch_one(pool).await?;
        sqlx::query("DELETE FROM eventwright.windows WHERE id = $1").bind(lost).execute(pool).await?;
        one.close();
        until(pool, "SELECT count(*) = 1 FROM effects").await?;
        // the second time that it was inserted
        let times: i64 = sqlx::query_scalar("SELECT k FROM effects").fetch_one(pool).await?;
        assert_eq!(times, 2, "a range was moved to a window that was taken back");
        Result::<()>::Ok(())
    };
    let stands_still = subscriber().state(("a", Arc::clone(&one))).on(record_some);
    while_running(stands_still, scenario).await
}

/// The same of ranges in which there was nothing.
#[tokio::test]
async fn nothing_is_passed_over_up_to_a_window_that_was_taken_back() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?.next().await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    sqlx::query("SELECT eventwright.open_window()").execute(pool).await?;
    let pass_over =
        "SELECT eventwright.pass_over('a', array_agg(p.bucket_lo), array_agg(p.bucket_hi), min(p.done), min(w.id) + $1,
                                     min(w.snapshot::text), min(w.bound), min(w.fence::text), NULL, NULL, NULL, NULL)
          FROM eventwright.positions p, eventwright.windows w WHERE w.id > p.done";
    let moved = "SELECT count(*) FROM eventwright.positions WHERE done_bound > 0";
    for (beyond, count) in [(1_i64, 0_i64), (0, 4)] {
        sqlx::query(pass_over).bind(beyond).execute(pool).await?;
        assert_eq!(sqlx::query_scalar::<_, i64>(moved).fetch_one(pool).await?, count);
    }
    Ok(())
}
