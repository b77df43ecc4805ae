//! Windows that are forgotten, groups that are behind, and groups that come back to a log that no longer has all they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{Group, Result, migrated, publish, record};
use eventwright::{Error, Gap, Groups, Retention, RetentionSettings};
use sqlx::PgPool;

async fn execute(pool: &PgPool, statement: &'static str) -> Result {
    sqlx::raw_sql(statement).execute(pool).await?;
    Ok(())
}

async fn windows(pool: &PgPool) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar("SELECT id FROM eventwright.windows ORDER BY id").fetch_all(pool).await?)
}

/// A thousand windows of half an hour ago, a second and a thousand numbers apart, and one of now. All transactions that run have
/// passed xid 500.
const THOUSAND_OLD_WINDOWS: &str = "INSERT INTO eventwright.windows (id, snapshot, bound, fence, opened_at)
    SELECT g, '500:500:', 1000 * g, '500', now() - interval '30 minutes' + g * interval '1 second' FROM generate_series(1, 1000) g;
    INSERT INTO eventwright.windows (id, snapshot, bound, fence) VALUES (1001, '500:500:', 1000000, '500');
    SELECT setval('eventwright.outbox_seq', 1000000)";

#[tokio::test]
async fn windows_are_forgotten_but_for_those_that_somebody_needs() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    execute(pool, THOUSAND_OLD_WINDOWS).await?;
    execute(
        pool,
        "INSERT INTO eventwright.groups (name, domain, until_window) VALUES ('a', 'home', 40);
         INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done, current, stop_at)
         VALUES ('a', 0, 511, 10, NULL, NULL), ('a', 512, 1023, 20, 30, 35);
         INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/there', 'far', 50);",
    )
    .await?;
    let (ten, none): (i32, i32) =
        sqlx::query_as("SELECT eventwright.forget_windows(10), eventwright.forget_windows(0)").fetch_one(pool).await?;
    assert_eq!((ten, none), (10, 0));
    Retention::new(pool.clone()).maintain().await?;
    // the first partition ends at 1000000, which is the bound of window 1000
    assert_eq!(windows(pool).await?, [0, 10, 20, 30, 35, 40, 50, 1000, 1001]);
    Ok(())
}

/// To which it may have read since, and by which it knows the log again.
#[tokio::test]
async fn the_windows_of_when_a_group_elsewhere_was_last_heard_of_are_kept() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    execute(pool, THOUSAND_OLD_WINDOWS).await?;
    execute(
        pool,
        "INSERT INTO eventwright.readers (home, group_name, completed, seen_at, detached_at) VALUES
            ('7/there', 'far', 5, now() - interval '30 minutes' + interval '100 seconds', NULL),
            ('7/there', 'detached', 5, now() - interval '30 minutes' + interval '700 seconds', now())",
    )
    .await?;
    Retention::new(pool.clone()).maintain().await?;
    let windows = windows(pool).await?;
    let (first, last) = (windows[2], windows[windows.len() - 3]);
    // six minutes, but for the moment between the two statements
    assert!((99..=101).contains(&first) && (459..=461).contains(&last), "{first} to {last}");
    assert_eq!(windows, [vec![0, 5], (first..=last).collect(), vec![1000, 1001]].concat());
    Ok(())
}

#[tokio::test]
async fn the_first_window_behind_each_partition_is_kept() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    execute(pool, THOUSAND_OLD_WINDOWS).await?;
    let twice = "UPDATE eventwright.windows SET bound = bound * 2 WHERE id > 0; SELECT setval('eventwright.outbox_seq', 2000000)";
    execute(pool, twice).await?;
    Retention::new(pool.clone()).maintain().await?;
    // partitions end at 1000000 and 2000000
    assert_eq!(windows(pool).await?, [0, 500, 1000, 1001]);
    Ok(())
}

/// A range that a transaction has claimed and not committed yet may be on its way to any window since then.
#[tokio::test]
async fn windows_since_the_oldest_transaction_are_kept() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    execute(pool, THOUSAND_OLD_WINDOWS).await?;
    let mut claims = pool.begin().await?;
    let xid: String = sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut *claims).await?;
    // those above 900 were opened after the transaction began
    sqlx::query("UPDATE eventwright.windows SET fence = ($1::bigint + 1)::text::xid8 WHERE id > 900")
        .bind(xid.parse::<i64>()?)
        .execute(pool)
        .await?;
    Retention::new(pool.clone()).maintain().await?;
    let left = windows(pool).await?;
    // window 599 was the last one until 600 was opened, five minutes before 900
    assert_eq!(left[..2], [0, 599], "{left:?}");
    assert!((599..=1001).all(|id| left.contains(&id)), "{left:?}");
    claims.rollback().await?;
    Ok(())
}

/// Somebody may have found it just before its successor was opened, and be about to move a position there.
#[tokio::test]
async fn a_window_that_was_the_last_until_now_is_kept_however_old_it_is() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    execute(pool, THOUSAND_OLD_WINDOWS).await?;
    execute(pool, "DELETE FROM eventwright.windows WHERE id IN (999, 1000)").await?;
    Retention::new(pool.clone()).maintain().await?;
    assert_eq!(windows(pool).await?, [0, 998, 1001]);
    Ok(())
}

/// Handlers that take longer than windows live: the window that a range reads to must be there when it goes on.
#[tokio::test]
async fn a_group_goes_on_while_all_other_windows_are_forgotten() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    for round in 0..20 {
        for n in 0..10 {
            publish(&mut *pool.acquire().await?, &format!("s{n}"), round).await?;
        }
        group.subscriber().chunk(3).on(record).drain().await?;
        execute(pool, "UPDATE eventwright.windows SET opened_at = opened_at - interval '1 hour'").await?;
        Retention::new(pool.clone()).maintain().await?;
        assert!(windows(pool).await?.len() < 20);
    }
    assert_eq!(group.all().await?.len(), 200);
    Ok(())
}

#[tokio::test]
async fn lag_is_told_in_events_and_in_time() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let retention = Retention::new(pool.clone());
    assert!(retention.lag().await?.is_empty());
    let group = Group::new("a", pool).await?;
    group.next().await?;
    let lag = &retention.lag().await?[0];
    assert_eq!((lag.group.as_str(), lag.home.as_deref(), lag.events, lag.behind), ("a", None, 0, Duration::ZERO));

    for n in 0..3 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    execute(
        pool,
        "UPDATE eventwright.outbox SET published_at = published_at - interval '1 hour' WHERE seq = 1;
         INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/there', 'far', 0)",
    )
    .await?;
    for lag in retention.lag().await? {
        assert_eq!(lag.events, 3);
        assert!((3600..4000).contains(&lag.behind.as_secs()), "{lag:?}");
        assert_eq!(lag.oldest_held, None);
    }
    let (here, there) = (&retention.lag().await?[0].group, &retention.lag().await?[1].home);
    assert_eq!((here.as_str(), there.as_deref()), ("a", Some("7/there")));
    Ok(())
}

/// Nothing happened for three days, and then something does: nobody is behind.
#[tokio::test]
async fn a_quiet_log_makes_nobody_late() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    group.next().await?;
    execute(
        pool,
        "UPDATE eventwright.windows SET opened_at = opened_at - interval '3 days';
         UPDATE eventwright.outbox SET published_at = published_at - interval '3 days';
         UPDATE eventwright.settings SET detach_after = '1 minute'",
    )
    .await?;
    publish(&mut *pool.acquire().await?, "x", 2).await?;
    Retention::new(pool.clone()).maintain().await?;
    let lag = &Retention::new(pool.clone()).lag().await?[0];
    assert_eq!((lag.events, lag.detached_at), (1, None));
    assert!(lag.behind < Duration::from_secs(60), "{lag:?}");
    Ok(())
}

#[tokio::test]
async fn the_oldest_held_event_is_told_and_a_dead_one_is_not() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?.next().await?;
    let held = "INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at,
            published_at, correlation_id, payload, reason, died_at)
        SELECT 'a', n, gen_random_uuid(), 't', 1, 's', 'x', now(), now() - interval '1 day' * (10 - n), 'c', '{}', reason, died_at
          FROM (VALUES (1, 'dead', now()), (2, 'failed', NULL), (3, 'behind', NULL)) AS rows (n, reason, died_at)";
    execute(pool, held).await?;
    let lag = Retention::new(pool.clone()).lag().await?.remove(0);
    let expected =
        sqlx::query_scalar("SELECT published_at FROM eventwright.held WHERE seq = 2").fetch_one(pool).await?;
    assert_eq!(lag.oldest_held, Some(expected));
    Ok(())
}

#[tokio::test]
async fn a_group_that_is_too_far_behind_is_detached_where_the_settings_say_so() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let retention = Retention::new(pool.clone());
    Group::new("late", pool).await?.next().await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    execute(
        pool,
        "UPDATE eventwright.outbox SET published_at = published_at - interval '2 days';
         INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/there', 'far', 0)",
    )
    .await?;
    publish(&mut *pool.acquire().await?, "x", 2).await?;
    let quick = Group::new("quick", pool).await?;
    quick.next().await?;
    let detached = async || -> Result<Vec<String>> {
        let lags = retention.lag().await?;
        Ok(lags.into_iter().filter(|lag| lag.detached_at.is_some()).map(|lag| lag.group).collect())
    };
    retention.maintain().await?;
    assert!(detached().await?.is_empty(), "by default nobody is detached");
    for (hours, expected) in [(72, vec![]), (24, vec!["late".to_owned(), "far".to_owned()])] {
        let detach_after = Some(Duration::from_secs(hours * 3600));
        retention.set(RetentionSettings { detach_after, ..retention.settings().await? }).await?;
        retention.maintain().await?;
        assert_eq!(detached().await?, expected, "after {hours} hours");
    }
    let positions: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.positions WHERE group_name = 'late'")
        .fetch_one(pool)
        .await?;
    assert_eq!(positions, 4, "its positions are kept");
    Ok(())
}

/// How many partitions are gone, whoever removed them: subscribers do it, too.
async fn removed(pool: &PgPool) -> Result<i64> {
    let removed = "SELECT count(*) FROM eventwright.expired WHERE dropped_at IS NOT NULL";
    Ok(sqlx::query_scalar(removed).fetch_one(pool).await?)
}

/// The first partition holds `first`, is full, and is removed while group `away` is detached before it.
async fn an_away_group_and_a_removed_partition() -> Result<(eventwright::testing::Database, Group)> {
    let database = migrated().await?;
    let pool = database.pool();
    let (away, here) = (Group::new("away", pool).await?, Group::new("here", pool).await?);
    away.next().await?;
    publish(&mut *pool.acquire().await?, "first", 1).await?;
    execute(pool, "SELECT setval('eventwright.outbox_seq', 1000000); UPDATE eventwright.groups SET detached_at = now() WHERE name = 'away'").await?;
    loop {
        publish(&mut *pool.acquire().await?, "later", 1).await?;
        here.next().await?;
        execute(pool, "UPDATE eventwright.windows SET opened_at = opened_at - interval '8 days'").await?;
        Retention::new(pool.clone()).run().await?;
        if removed(pool).await? > 0 {
            return Ok((database, away));
        }
        // transactions of other tests, which run in the same cluster, have to end
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_group_comes_back_and_goes_on_where_it_was() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    publish(&mut *pool.acquire().await?, "one", 1).await?;
    group.next().await?;
    let groups = Groups::new(pool.clone());
    assert!(groups.detach("a").await?);
    publish(&mut *pool.acquire().await?, "two", 1).await?;
    assert!(groups.attach("a", Gap::Refuse).await?);
    assert!(!groups.attach("a", Gap::Refuse).await?, "it was not detached any more");
    assert_eq!(group.next().await?, ["two"]);
    let nobody = groups.attach("nobody", Gap::Refuse).await;
    assert!(matches!(&nobody, Err(Error::NoSuchGroup { group }) if group == "nobody"), "{nobody:?}");
    Ok(())
}

#[tokio::test]
async fn a_group_whose_events_are_gone_comes_back_only_if_it_accepts_the_gap() -> Result {
    let (database, away) = an_away_group_and_a_removed_partition().await?;
    let pool = database.pool();
    let groups = Groups::new(pool.clone());
    let refused = groups.attach("away", Gap::Refuse).await.err().ok_or("it came back")?;
    assert!(matches!(refused, Error::Gap(_)), "{refused:?}");
    let why = std::error::Error::source(&refused).ok_or("for no reason")?.to_string();
    assert!(why.contains("away") && why.contains("numbers 1 to 999999"), "{why}");
    let detached = "SELECT detached_at IS NOT NULL FROM eventwright.groups WHERE name = 'away'";
    assert!(sqlx::query_scalar::<_, bool>(detached).fetch_one(pool).await?);

    assert!(groups.attach("away", Gap::Accept).await?);
    let handled = away.next().await?;
    assert!(!handled.is_empty() && handled.iter().all(|about| about == "later"), "{handled:?}");
    // it has caught up: now nothing is missing
    assert!(groups.detach("away").await? && groups.attach("away", Gap::Refuse).await?);
    Ok(())
}

#[tokio::test]
async fn a_group_elsewhere_comes_back_in_the_same_way() -> Result {
    let (database, _) = an_away_group_and_a_removed_partition().await?;
    let pool = database.pool();
    execute(
        pool,
        "INSERT INTO eventwright.readers (home, group_name, completed, detached_at) VALUES ('7/there', 'far', 0, now()),
         ('7/there', 'near', (SELECT max(id) FROM eventwright.windows), now())",
    )
    .await?;
    let groups = Groups::new(pool.clone());
    assert!(matches!(groups.attach_reader("7/there", "far", Gap::Refuse).await, Err(Error::Gap(_))));
    assert!(groups.attach_reader("7/there", "near", Gap::Refuse).await?);
    assert!(groups.attach_reader("7/there", "far", Gap::Accept).await?);
    assert!(!groups.attach_reader("7/there", "far", Gap::Refuse).await?);
    let nobody = groups.attach_reader("7/there", "nobody", Gap::Accept).await;
    assert!(matches!(&nobody, Err(Error::NoSuchGroup { group }) if group == "7/there/nobody"), "{nobody:?}");
    // who calls the function itself is told, too
    assert!(execute(pool, "SELECT eventwright.attach_group('nobody', '7/there')").await.is_err());
    assert!(execute(pool, "SELECT eventwright.attach_group('nobody')").await.is_err());
    Ok(())
}

/// Partitions of a hundred events, removed as soon as that may be, while publishers hold transactions open and groups read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_partitions_are_removed() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    execute(
        pool,
        "DO $$ DECLARE p text; BEGIN
            FOR p IN SELECT name FROM eventwright.partitions LOOP EXECUTE format('DROP TABLE eventwright.%I', p); END LOOP;
         END $$;
         SELECT eventwright.ensure_partitions(20000, 100);
         UPDATE eventwright.settings SET keep = '0';
         CREATE TABLE published (about text)",
    )
    .await?;
    let groups = [Group::new("a", pool).await?, Group::new("b", pool).await?];
    for group in &groups {
        group.next().await?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut publishers = tokio::task::JoinSet::new();
    for publisher in 0..4_u64 {
        publishers.spawn(publish_in_slow_transactions(database.pool().clone(), publisher, Arc::clone(&stop)));
    }
    while !publishers.is_empty() {
        while let Some(done) = publishers.try_join_next() {
            done??;
        }
        for group in &groups {
            // draining has no end where they publish faster than that, and a moment may be too short for the first page
            let before = group.all().await?.len();
            let something = async {
                while !stop.load(Ordering::Relaxed) && group.all().await.is_ok_and(|handled| handled.len() == before) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            group.subscriber().on(record).run_until(something).await?;
        }
        // as if a minute had passed, for groups that are just being made
        execute(pool, "UPDATE eventwright.windows SET opened_at = opened_at - interval '1 minute'").await?;
        Retention::new(pool.clone()).run().await?;
        // while all of them publish
        stop.store(removed(pool).await? > 2, Ordering::Relaxed);
    }
    for group in &groups {
        group.subscriber().on(record).drain().await?;
        let mut handled = group.all().await?;
        handled.sort();
        let mut published: Vec<String> = sqlx::query_scalar("SELECT about FROM published").fetch_all(pool).await?;
        published.sort();
        assert_eq!(handled.len(), published.len());
        assert_eq!(handled, published);
    }
    Ok(())
}

async fn publish_in_slow_transactions(pool: PgPool, seed: u64, stop: Arc<AtomicBool>) -> Result {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let mut tx = pool.begin().await?;
        for m in 0..rng.u8(1..6) {
            let about = format!("{seed}/{n}/{m}");
            publish(&mut tx, &about, 1).await?;
            sqlx::query("INSERT INTO published VALUES ($1)").bind(about).execute(&mut *tx).await?;
        }
        if rng.u8(0..10) == 0 {
            // a transaction that stays open while others go on: what is tested
            tokio::time::sleep(Duration::from_millis(rng.u64(0..300))).await;
        }
        if rng.u8(0..10) == 0 { tx.rollback().await? } else { tx.commit().await? }
    }
    Ok(())
}
