//! The order of a subject's events where the publishers lock nothing themselves.

use std::time::Duration;

use crate::common::{Group, Home, Result, happened, migrated};
use eventwright::{Error, Publish, Published, Publisher};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::task::JoinHandle;

fn in_turns() -> Publisher<Home> {
    Publisher::new().lock_subjects()
}

/// `subject` and number of each event, in the order of seq.
async fn log(pool: &PgPool) -> Result<Vec<String>> {
    let all = "SELECT subject || (payload->>'n') FROM eventwright.outbox ORDER BY seq";
    Ok(sqlx::query_scalar(all).fetch_all(pool).await?)
}

/// What a group handled, as `log` writes it.
async fn handled(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || n FROM effects ORDER BY k").fetch_all(pool).await?)
}

async fn somebody_waits(pool: &PgPool) -> Result {
    let waits = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                                 WHERE l.locktype = 'advisory' AND NOT l.granted AND a.datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

type Publishing = JoinHandle<Result<(Vec<Published>, Transaction<'static, Postgres>)>>;

fn publish_in_background(pool: &PgPool, events: &[(&'static str, i64)]) -> Publishing {
    let (pool, events) = (pool.clone(), events.to_vec());
    tokio::spawn(async move {
        let mut tx = pool.begin().await?;
        let published = match events.as_slice() {
            [(about, n)] => vec![in_turns().publish(&mut tx, happened(about, *n)).await?],
            _ => in_turns().publish_all(&mut tx, events.iter().map(|(about, n)| happened(about, *n))).await?,
        };
        Ok((published, tx))
    })
}

/// What goes wrong without: the second to take a number is the first to commit, so a group that looks in between is given them
/// the wrong way round, and one that looks later is not.
#[tokio::test]
async fn without_the_lock_commits_can_contradict_seq() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let (mut first, mut second) = (pool.begin().await?, pool.begin().await?);
    Publisher::<Home>::new().publish(&mut first, happened("x", 1)).await?;
    Publisher::<Home>::new().publish(&mut second, happened("x", 2)).await?;
    second.commit().await?;
    group.next().await?;
    first.commit().await?;
    group.next().await?;
    assert_eq!(log(pool).await?, ["x1", "x2"]);
    assert_eq!(handled(pool).await?, ["x2", "x1"]);
    Ok(())
}

#[tokio::test]
async fn with_the_lock_a_subjects_publishers_take_turns() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let mut first = pool.begin().await?;
    in_turns().publish(&mut first, happened("x", 1)).await?;
    let second = publish_in_background(pool, &[("x", 2)]);
    somebody_waits(pool).await?;
    // other subjects go on
    in_turns().publish(&mut pool.acquire().await?, happened("y", 1)).await?;
    assert_eq!(group.next().await?, ["y"]);
    first.commit().await?;
    let (_, second) = second.await??;
    assert_eq!(group.next().await?, ["x"]);
    second.commit().await?;
    assert_eq!(group.next().await?, ["x"]);
    assert_eq!(handled(pool).await?, ["y1", "x1", "x2"]);
    // it took its number after the lock: y has taken one while it waited
    assert_eq!(log(pool).await?, ["x1", "y1", "x2"]);
    Ok(())
}

#[tokio::test]
async fn a_batch_has_all_its_locks_before_its_first_number() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut first = pool.begin().await?;
    in_turns().publish(&mut first, happened("b", 1)).await?;
    let batch = publish_in_background(pool, &[("a", 1), ("b", 2), ("c", 1)]);
    somebody_waits(pool).await?;
    in_turns().publish(&mut pool.acquire().await?, happened("d", 1)).await?;
    first.commit().await?;
    batch.await??.1.commit().await?;
    assert_eq!(log(pool).await?, ["b1", "d1", "a1", "b2", "c1"]);
    Ok(())
}

/// A rolled back publisher leaves its turn, and one with a key has the lock as well.
#[tokio::test]
async fn options_take_the_lock_too() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut first = pool.begin().await?;
    in_turns().publish(&mut first, happened("x", 1).idempotency_key("k")).await?;
    let second = publish_in_background(pool, &[("x", 2)]);
    somebody_waits(pool).await?;
    first.rollback().await?;
    second.await??.1.commit().await?;
    assert_eq!(log(pool).await?, ["x2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_do_not_lock_each_other_out() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let subjects = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..6_usize {
        let pool = pool.clone();
        tasks.spawn(async move {
            for round in 0..20_usize {
                let mut order = subjects;
                order.rotate_left((worker * 3 + round) % subjects.len());
                if worker % 2 == 0 {
                    order.reverse();
                }
                let mut tx = pool.begin().await?;
                in_turns().publish_all(&mut tx, order.map(|about| happened(about, 1))).await?;
                tx.commit().await?;
            }
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    assert_eq!(log(pool).await?.len(), 6 * 20 * subjects.len());
    Ok(())
}

/// Two transactions that publish about two subjects, one after the other and crosswise: one of them is told to try again.
#[tokio::test]
async fn a_deadlock_is_a_conflict() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let (mut one, mut other) = (pool.begin().await?, pool.begin().await?);
    in_turns().publish(&mut one, happened("a", 1)).await?;
    in_turns().publish(&mut other, happened("b", 1)).await?;
    let (publisher, again) = (in_turns(), in_turns());
    let (first, second) = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::join!(
            async {
                let published = publisher.publish(&mut one, happened("b", 2)).await;
                drop(one);
                published
            },
            async {
                let published = again.publish(&mut other, happened("a", 2)).await;
                drop(other);
                published
            }
        )
    })
    .await?;
    assert!(
        matches!((&first, &second), (Err(Error::Conflict(_)), Ok(_)) | (Ok(_), Err(Error::Conflict(_)))),
        "{first:?} {second:?}"
    );
    Ok(())
}
