//! Migrating: many at once, beside programs of the version before, and with what they left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{self, Group, Home, Result, happened, record};
use eventwright::testing::Database;
use eventwright::{DeadLetters, Error, Groups, Publisher};
use sqlx::{AssertSqlSafe, PgPool};

const LEDGER: &str = "CREATE TABLE eventwright.migrations (
        version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";

// the statements of the version that knew three migrations
const PUBLISH: &str = include_str!("upgrade/publish.sql");
const LOOK: &str = include_str!("upgrade/look.sql");
const CLAIM: &str = include_str!("upgrade/claim.sql");

/// A database as the version left it that knew so many migrations.
async fn at_version(version: usize) -> Result<Database> {
    let database = Database::create().await?;
    let pool = database.pool();
    sqlx::raw_sql("CREATE SCHEMA eventwright").execute(pool).await?;
    sqlx::raw_sql(LEDGER).execute(pool).await?;
    let mut migrations: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    migrations.sort();
    for (path, version) in migrations.iter().take(version).zip(1..) {
        sqlx::raw_sql(AssertSqlSafe(std::fs::read_to_string(path)?)).execute(pool).await?;
        sqlx::query("INSERT INTO eventwright.migrations (version, name) VALUES ($1, 'old')")
            .bind::<i32>(version)
            .execute(pool)
            .await?;
    }
    Ok(database)
}

async fn versions(pool: &PgPool) -> Result<Vec<i32>> {
    Ok(sqlx::query_scalar("SELECT version FROM eventwright.migrations ORDER BY version").fetch_all(pool).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_at_once_migrate_once() -> Result {
    for database in [Database::create().await?, at_version(3).await?] {
        let mut processes = tokio::task::JoinSet::new();
        for _ in 0..16 {
            // a pool of its own, as a process has
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect(database.url()).await?;
            processes.spawn(async move { eventwright::migrate(&pool).await });
        }
        while let Some(migrated) = processes.join_next().await {
            migrated??;
        }
        let applied = versions(database.pool()).await?;
        assert!(applied.starts_with(&[1, 2, 3, 4]) && applied.windows(2).all(|two| two[0] < two[1]), "{applied:?}");
        let partitions: i64 =
            sqlx::query_scalar("SELECT count(*) FROM eventwright.partitions").fetch_one(database.pool()).await?;
        assert_eq!(partitions, 5);
    }
    Ok(())
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() -> Result {
    let database = at_version(3).await?;
    let pool = database.pool();
    // in the way of a later one
    sqlx::raw_sql("CREATE TABLE eventwright.settings (mine int)").execute(pool).await?;
    assert!(eventwright::migrate(pool).await.is_err());
    assert_eq!(versions(pool).await?, [1, 2, 3]);
    let half: bool =
        sqlx::query_scalar("SELECT to_regclass('eventwright.readers') IS NOT NULL").fetch_one(pool).await?;
    assert!(!half);
    sqlx::raw_sql("DROP TABLE eventwright.settings").execute(pool).await?;
    eventwright::migrate(pool).await?;
    Ok(())
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() -> Result {
    let database = common::migrated().await?;
    let pool = database.pool();
    sqlx::raw_sql("INSERT INTO eventwright.migrations (version, name) VALUES (9999, 'later')").execute(pool).await?;
    assert!(matches!(eventwright::migrate(pool).await, Err(Error::NewerSchema { found: 9999, .. })));
    Ok(())
}

#[tokio::test]
async fn what_the_version_before_left_is_handled_exactly_once() -> Result {
    let database = at_version(3).await?;
    let pool = database.pool();
    sqlx::raw_sql(include_str!("upgrade/0003.sql")).execute(pool).await?;
    let group = Group::new("a", pool).await?;
    eventwright::migrate(pool).await?;
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, happened("newer", 8)).await?;

    let subscriber = || common::subscriber::<Home>("a", pool).workers(2).state("a");
    subscriber().on(record).drain().await?;
    let mut handled = group.all().await?;
    handled.sort();
    assert_eq!(handled, ["failed", "new", "newer"]);

    let letters = DeadLetters::new(pool.clone());
    let dead = letters.list(Some("a"), 10).await?;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].envelope.subject.as_str(), dead[0].attempts, dead[0].error.as_str()), ("dead", 5, "no"));
    assert!(letters.redrive("a", dead[0].envelope.event_id).await?);
    subscriber().on(record).drain().await?;
    let n: Vec<i64> =
        sqlx::query_scalar("SELECT n FROM effects WHERE about = 'dead' ORDER BY k").fetch_all(pool).await?;
    assert_eq!(n, [3, 4, 6], "the dead letter, and what waited behind it, in their order");
    assert_eq!(group.all().await?.len(), 6);
    Ok(())
}

/// A publisher of the version before has the log, and a handler of it has a range; both are left alone, and nobody waits behind us.
#[tokio::test]
async fn migrating_gives_way_to_open_transactions() -> Result {
    let database = at_version(3).await?;
    let pool = database.pool();
    sqlx::raw_sql(include_str!("upgrade/0003.sql")).execute(pool).await?;
    let mut publisher = pool.begin().await?;
    old_publish(&mut publisher, "open", 8).await?;
    let mut handler = pool.begin().await?;
    sqlx::query(CLAIM).bind("a").bind(0_i16).bind(0_i64).fetch_one(&mut *handler).await?;
    let migrating = {
        let pool = pool.clone();
        tokio::spawn(async move { eventwright::migrate(&pool).await })
    };
    // would have to wait for the handler if they queued behind the migration, and the handler ends after this
    let mut others = pool.acquire().await?;
    sqlx::raw_sql("SET lock_timeout = '10s'").execute(&mut *others).await?;
    for n in 0..5 {
        common::somebody_waits_for_a_table(pool).await?;
        old_publish(&mut others, "during", n).await?;
        sqlx::query(LOOK).bind("a").bind(0_i64).bind(["home.happened/1"].as_slice()).fetch_one(&mut *others).await?;
    }
    assert!(!migrating.is_finished(), "nothing was in its way");
    handler.commit().await?;
    // the publisher's transaction is still open: the log need not be had alone
    migrating.await??;
    publisher.commit().await?;
    Ok(())
}

/// What programs ask is the same since version 16, so those of this version stand for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_of_the_version_before_run_on_while_the_database_is_migrated() -> Result {
    const MORE: i64 = 200;
    let database = at_version(16).await?;
    let pool = database.pool();
    sqlx::raw_sql("SELECT eventwright.make_room()").execute(pool).await?;
    _ = Group::new("a", pool).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut publishers = tokio::task::JoinSet::new();
    for publisher in ["x", "y"] {
        let (pool, stop) = (pool.clone(), Arc::clone(&stop));
        publishers.spawn(async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                let mut tx = pool.begin().await?;
                common::publish(&mut tx, publisher, n).await?;
                tx.commit().await?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((publisher, n))
        });
    }
    let handled = async |more_than: i64| {
        let so_far: i64 = sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(pool).await?;
        common::until(pool, &format!("SELECT count(*) > {} FROM effects", so_far + more_than)).await
    };
    let subscriber = common::subscriber::<Home>("a", pool).ranges(4).workers(2).state("a");
    common::while_running(subscriber.on(record), async {
        handled(MORE).await?;
        eventwright::migrate(pool).await?;
        handled(MORE).await?;
        // each half of a range has what it needs, and what is joined leaves nothing
        let groups = Groups::new(pool.clone());
        for ranges in [8, 2] {
            groups.set_ranges("a", ranges).await?;
            handled(MORE).await?;
        }
        common::until(
            pool,
            "SELECT (SELECT count(*) FROM eventwright.positions) = 2 AND (SELECT count(*) FROM eventwright.begun) = 2",
        )
        .await?;
        stop.store(true, Ordering::Relaxed);
        Ok(())
    })
    .await?;
    while let Some(published) = publishers.join_next().await {
        let (about, n): (_, i64) = published??;
        common::subscriber::<Home>("a", pool).state("a").on(record).drain().await?;
        let seen: Vec<i64> =
            sqlx::query_scalar("SELECT n FROM effects WHERE about = $1 ORDER BY k").bind(about).fetch_all(pool).await?;
        assert_eq!(seen, (1..=n).collect::<Vec<_>>(), "{about}: each once, in their order");
    }
    Ok(())
}

/// Also one that fell asleep by the function as it was, while that was replaced; and publishers of both versions fall silent again.
#[tokio::test]
async fn who_sleeps_through_a_migration_is_called() -> Result {
    const SLEPT: &str = "SELECT setval('eventwright.asleep', greatest(
        (SELECT last_value + 1 FROM eventwright.asleep), (SELECT last_value + 1 FROM eventwright.awake),
        (extract(epoch FROM clock_timestamp() + interval '1 minute') * 1000)::bigint))";
    for (before, meanwhile) in [(true, false), (false, true), (true, true), (false, false)] {
        let database = at_version(3).await?;
        let pool = database.pool();
        sqlx::raw_sql("SELECT eventwright.fall_asleep('1 minute')").execute(pool).await?;
        if !before {
            sqlx::raw_sql("SELECT eventwright.wake_up(last_value) FROM eventwright.asleep").execute(pool).await?;
        }
        eventwright::migrate(pool).await?;
        if meanwhile {
            sqlx::raw_sql(SLEPT).execute(pool).await?;
        }
        let mut ear = sqlx::postgres::PgListener::connect_with(pool).await?;
        ear.listen("eventwright").await?;
        let mut db = pool.acquire().await?;
        let mut is_called = async |db: &mut sqlx::PgConnection, by_old: bool| {
            match by_old {
                true => old_publish(db, "x", 1).await?,
                false => _ = common::publish(db, "x", 1).await?,
            }
            sqlx::raw_sql("SELECT pg_notify('eventwright', 'nobody')").execute(db).await?;
            let first = ear.recv().await?;
            let called = first.payload() != "nobody";
            let ticket = called.then(|| common::ticket(&first)).transpose()?;
            while called && ear.recv().await?.payload() != "nobody" {}
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(ticket)
        };
        let sleeps = before || meanwhile;
        assert_eq!(is_called(&mut db, true).await?.is_some(), sleeps, "{before} {meanwhile}, of the version before");
        let ticket = is_called(&mut db, false).await?;
        assert_eq!(ticket.is_some(), sleeps, "{before} {meanwhile}");
        if let Some(ticket) = ticket {
            sqlx::query("SELECT eventwright.wake_up($1)").bind(ticket).execute(&mut *db).await?;
        }
        for by_old in [true, false] {
            assert_eq!(is_called(&mut db, by_old).await?, None, "{before} {meanwhile} {by_old}: all are awake");
        }
    }
    Ok(())
}

async fn old_publish(db: &mut sqlx::PgConnection, about: &str, n: i64) -> Result {
    let payload = format!(r#"{{"about":"{about}","n":{n}}}"#);
    sqlx::query(PUBLISH)
        .bind(eventwright::EventId::new().as_uuid())
        .bind("home.happened")
        .bind(1_i32)
        .bind("home")
        .bind(None::<String>)
        .bind(about)
        .bind(None::<eventwright::OffsetDateTime>)
        .bind("c")
        .bind(None::<eventwright::Uuid>)
        .bind(None::<String>)
        .bind(payload)
        .execute(db)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_schema_of_another_name_is_migrated_beside_the_first() -> Result {
    let database = common::migrated().await?;
    let pool = database.pool();
    let schema = eventwright::Schema::new("billing_events")?;
    eventwright::migrate_in(pool, &schema).await?;
    for name in ["eventwright", "billing_events"] {
        let settings = format!("SELECT count(*) FROM {name}.settings, {name}.partitions");
        assert_eq!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(settings)).fetch_one(pool).await?, 5, "{name}");
    }
    eventwright::Retention::new(pool.clone()).schema(schema).maintain().await?;
    Ok(())
}

/// The migration needs tables for itself that handlers use: it gives way to them, and comes through in the end.
#[tokio::test]
async fn a_long_handler_stops_neither_others_nor_in_the_end_the_migration() -> Result {
    const HANDLES: &str = "LOCK TABLE eventwright.held IN ROW EXCLUSIVE MODE";
    let database = at_version(3).await?;
    let pool = database.pool();
    let mut handler = pool.begin().await?;
    sqlx::raw_sql(HANDLES).execute(&mut *handler).await?;
    let migrating = tokio::spawn({
        let pool = pool.clone();
        async move { eventwright::migrate(&pool).await }
    });
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'eventwright.held'::regclass)";
    while !sqlx::query_scalar(waits).fetch_one(pool).await? {}
    // another handler waits behind the migration, and gets its turn while the first one still runs
    let mut other = pool.begin().await?;
    sqlx::raw_sql(HANDLES).execute(&mut *other).await?;
    other.rollback().await?;
    assert!(!migrating.is_finished());
    handler.rollback().await?;
    migrating.await??;
    assert!(versions(pool).await?.len() > 3);
    Ok(())
}
