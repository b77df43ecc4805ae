//! Removing old partitions of the log: when they go, what keeps them, and that nobody waits for it.

use std::time::Duration;

use crate::common::{Group, Result, migrated, open, publish};
use eventwright::testing::Database;
use eventwright::{Kept, Retention, RetentionReport, RetentionSettings};
use sqlx::{Connection, PgConnection, PgPool};

const FIRST: &str = "outbox_to_1000000";
const SECOND: &str = "outbox_to_2000000";

async fn execute(pool: &PgPool, statement: &'static str) -> Result {
    sqlx::raw_sql(statement).execute(pool).await?;
    Ok(())
}

/// The next event's number is the first of the second partition.
async fn fill_the_first_partition(pool: &PgPool) -> Result {
    execute(pool, "SELECT setval('eventwright.outbox_seq', 1000000)").await
}

/// Waits for what subscribers began in the background, which would remove partitions, too: their sessions are not the pool's.
async fn quiet(pool: &PgPool) -> Result {
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'";
    while sqlx::query_scalar::<_, i64>(sessions).fetch_one(pool).await? > i64::from(pool.size()) {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// All that happened so far happened this much earlier.
async fn age(pool: &PgPool, days: i32) -> Result {
    quiet(pool).await?;
    let statement = "UPDATE eventwright.windows SET opened_at = opened_at - make_interval(days => $1)";
    sqlx::query(statement).bind(days).execute(pool).await?;
    let statement = "UPDATE eventwright.outbox SET published_at = published_at - make_interval(days => $1)";
    sqlx::query(statement).bind(days).execute(pool).await?;
    Ok(())
}

/// A log whose first partition holds one event, and is full.
async fn a_full_partition() -> Result<(Database, Group)> {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    publish(&mut *database.pool().acquire().await?, "first", 1).await?;
    fill_the_first_partition(database.pool()).await?;
    Ok((database, group))
}

/// The same, and a group has handled everything, and a week has passed.
async fn a_partition_that_may_go() -> Result<(Database, Group)> {
    let (database, group) = a_full_partition().await?;
    go_on(database.pool(), &group).await?;
    age(database.pool(), 8).await?;
    Ok((database, group))
}

/// Publishes, and has the group handle it, until nothing but time keeps the first partition. Transactions of other tests run in
/// the same cluster, so the first window may not do.
async fn go_on(pool: &PgPool, group: &Group) -> Result {
    loop {
        publish(&mut *pool.acquire().await?, "on", 1).await?;
        group.next().await?;
        let passed = "SELECT state IN ('young', 'settling', 'due') AND cardinality(held_by) = 0
            FROM eventwright.retention ORDER BY upper LIMIT 1";
        if sqlx::query_scalar(passed).fetch_one(pool).await? {
            return Ok(());
        }
        // others' transactions have to end
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn assert_dropped(report: &RetentionReport, partitions: &[&str]) {
    assert_eq!(report.dropped, partitions, "{report:?}");
}

fn kept<'r>(report: &'r RetentionReport, name: &str) -> Option<&'r Kept> {
    report.partitions.iter().find(|partition| partition.name == name).map(|partition| &partition.kept)
}

async fn tables(pool: &PgPool) -> Result<Vec<String>> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'eventwright'::regnamespace AND relname ~ '^outbox_to_[0-9]+$'
        AND relkind = 'r' ORDER BY 1";
    Ok(sqlx::query_scalar(tables).fetch_all(pool).await?)
}

/// A publisher that both DETACH CONCURRENTLY and FINALIZE wait for: the one for all who use the log, the other for old snapshots.
async fn open_with_a_snapshot(pool: &PgPool) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    publish(&mut tx, "before", 1).await?;
    Ok(tx)
}

/// The process that is detaching a partition now, and waits for somebody.
async fn waits(pool: &PgPool) -> Result<Option<i32>> {
    let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND state = 'active' AND wait_event_type = 'Lock' AND query ~ '^ALTER TABLE .* DETACH PARTITION'";
    Ok(sqlx::query_scalar(waiting).fetch_optional(pool).await?)
}

#[tokio::test]
async fn a_partition_goes_when_it_is_old_and_every_group_has_passed_it() -> Result {
    let (database, group) = a_partition_that_may_go().await?;
    let pool = database.pool();
    publish(&mut *pool.acquire().await?, "second", 1).await?;
    let report = Retention::new(pool.clone()).run().await?;
    assert_eq!(report.dropped, [FIRST]);
    assert_eq!(kept(&report, FIRST), None);
    assert_eq!(kept(&report, SECOND), Some(&Kept::Open));
    assert!(!tables(pool).await?.contains(&FIRST.to_owned()));
    assert_eq!(group.next().await?, ["second"]);
    assert!(Retention::new(pool.clone()).run().await?.dropped.is_empty());
    Ok(())
}

#[tokio::test]
async fn several_partitions_go_at_once_and_later_ones_are_made() -> Result {
    let (database, group) = a_full_partition().await?;
    let pool = database.pool();
    execute(pool, "SELECT setval('eventwright.outbox_seq', 3500000)").await?;
    go_on(pool, &group).await?;
    age(pool, 8).await?;
    let report = Retention::new(pool.clone()).run().await?;
    assert_eq!(report.dropped, [FIRST, SECOND, "outbox_to_3000000"]);
    eventwright::migrate(pool).await?;
    assert_eq!(tables(pool).await?.len(), 5, "room for four million events");
    Ok(())
}

#[tokio::test]
async fn a_young_partition_stays_for_as_long_as_the_settings_say() -> Result {
    let (database, group) = a_full_partition().await?;
    let pool = database.pool();
    go_on(pool, &group).await?;
    age(pool, 6).await?;
    let retention = Retention::new(pool.clone());
    let report = retention.run().await?;
    assert!(matches!(kept(&report, FIRST), Some(Kept::Young { .. })), "{report:?}");

    let five_days = RetentionSettings { keep: Duration::from_secs(5 * 86_400), ..retention.settings().await? };
    retention.set(five_days).await?;
    assert_eq!(retention.settings().await?, five_days);
    assert_eq!(retention.report().await?.partitions[0].kept, Kept::Due);
    assert_dropped(&retention.run().await?, &[FIRST]);
    Ok(())
}

#[tokio::test]
async fn a_log_that_no_group_has_read_stays() -> Result {
    let (database, group) = a_full_partition().await?;
    let pool = database.pool();
    let retention = Retention::new(pool.clone());
    retention.run().await?;
    age(pool, 80).await?;
    let report = retention.run().await?;
    assert_eq!((report.dropped.len(), kept(&report, FIRST)), (0, Some(&Kept::Unread)));
    assert_eq!(group.next().await?, ["first"]);
    go_on(pool, &group).await?;
    age(pool, 1).await?;
    assert_dropped(&retention.run().await?, &[FIRST]);
    Ok(())
}

#[tokio::test]
async fn a_group_that_is_behind_keeps_what_it_needs_until_it_is_detached() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    // one of its ranges is through, the other is not: the least of them counts
    execute(
        pool,
        "INSERT INTO eventwright.groups (name, domain) VALUES ('late', 'home');
         INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done)
         SELECT 'late', 0, 511, max(id) FROM eventwright.windows UNION ALL SELECT 'late', 512, 1023, 0",
    )
    .await?;
    let retention = Retention::new(pool.clone());
    let report = retention.run().await?;
    assert_eq!(kept(&report, FIRST), Some(&Kept::Groups(vec!["late".to_owned()])));
    assert!(report.dropped.is_empty());
    execute(pool, "UPDATE eventwright.groups SET detached_at = now() WHERE name = 'late'").await?;
    assert_dropped(&retention.run().await?, &[FIRST]);
    Ok(())
}

#[tokio::test]
async fn a_group_whose_tables_are_elsewhere_keeps_what_it_needs() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    execute(pool, "INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/there', 'far', 0)").await?;
    let retention = Retention::new(pool.clone());
    let report = retention.run().await?;
    assert_eq!(kept(&report, FIRST), Some(&Kept::Groups(vec!["7/there/far".to_owned()])));
    execute(pool, "UPDATE eventwright.readers SET completed = (SELECT max(id) FROM eventwright.windows)").await?;
    assert_dropped(&retention.run().await?, &[FIRST]);
    Ok(())
}

/// A group that reads another database's log has a window of that one.
#[tokio::test]
async fn a_group_that_reads_another_log_keeps_nothing_here() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    execute(
        pool,
        "INSERT INTO eventwright.groups (name, domain, log_system, log_database, log_timeline) VALUES ('abroad', 'home', 7, 'there', 1);
         INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('abroad', 0, 1023, 0)",
    )
    .await?;
    assert_dropped(&Retention::new(pool.clone()).run().await?, &[FIRST]);
    Ok(())
}

/// After a crash another window may have the id of one that was lost; what the position itself says counts.
#[tokio::test]
async fn a_group_keeps_what_its_own_window_needs_and_not_what_another_of_that_id_does() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    execute(
        pool,
        "INSERT INTO eventwright.groups (name, domain) VALUES ('late', 'home');
         INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done, kept_done, done_snapshot, done_bound, done_fence)
         SELECT 'late', 0, 1023, max(id), max(id), '3:3:', 0, '3' FROM eventwright.windows",
    )
    .await?;
    let report = Retention::new(pool.clone()).run().await?;
    assert_eq!(kept(&report, FIRST), Some(&Kept::Groups(vec!["late".to_owned()])));
    let lag = Retention::new(pool.clone()).lag().await?;
    assert!(lag.iter().any(|lag| lag.group == "late" && lag.events >= 1_000_000), "{lag:?}");
    // gone while it was away: it may not come back as if nothing were missing
    execute(pool, "UPDATE eventwright.groups SET detached_at = now() WHERE name = 'late'").await?;
    assert_dropped(&Retention::new(pool.clone()).run().await?, &[FIRST]);
    assert!(execute(pool, "SELECT eventwright.attach_group('late')").await.is_err());
    Ok(())
}

/// It published into the partition before any window saw its end, and may commit at any time.
#[tokio::test]
async fn an_open_transaction_keeps_the_partition_that_it_published_into() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let slow = open(pool, "slow").await?;
    fill_the_first_partition(pool).await?;
    publish(&mut *pool.acquire().await?, "quick", 1).await?;
    assert_eq!(group.next().await?, ["quick"]);
    age(pool, 8).await?;
    let retention = Retention::new(pool.clone());
    let report = retention.run().await?;
    assert!(report.dropped.is_empty());
    let Some(Kept::Transaction(Some(transaction))) = kept(&report, FIRST) else { panic!("{report:?}") };
    assert!(transaction.pid.is_some() && transaction.since.is_some(), "{transaction:?}");
    slow.commit().await?;
    // nobody keeps it but the group, which has not seen the event
    let report = retention.run().await?;
    assert!(!matches!(kept(&report, FIRST), None | Some(Kept::Due)), "{report:?}");
    assert_eq!(group.next().await?, ["slow"]);
    go_on(pool, &group).await?;
    age(pool, 1).await?;
    assert_dropped(&retention.run().await?, &[FIRST]);
    Ok(())
}

/// The group that is being made has opened its window, and its rows are not there yet.
#[tokio::test]
async fn a_window_that_was_just_opened_may_be_a_new_groups_start() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let slow = open(pool, "slow").await?;
    fill_the_first_partition(pool).await?;
    publish(&mut *pool.acquire().await?, "quick", 1).await?;
    group.next().await?;
    age(pool, 8).await?;
    publish(&mut *pool.acquire().await?, "quicker", 1).await?;
    let start: i64 = sqlx::query_scalar("SELECT eventwright.open_window()").fetch_one(pool).await?;
    slow.commit().await?;
    go_on(pool, &group).await?;
    let retention = Retention::new(pool.clone());
    assert!(retention.run().await?.dropped.is_empty());
    sqlx::query("INSERT INTO eventwright.groups (name, domain) VALUES ('new', 'home')").execute(pool).await?;
    sqlx::query(
        "INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('new', 0, 1023, $1)",
    )
    .bind(start)
    .execute(pool)
    .await?;
    let new = Group::new("new", pool).await?;
    assert!(new.next().await?.contains(&"slow".to_owned()));
    group.next().await?;
    age(pool, 1).await?;
    assert_dropped(&retention.run().await?, &[FIRST]);
    Ok(())
}

#[tokio::test]
async fn publishers_never_wait_and_neither_does_the_caller() -> Result {
    let (database, group) = a_partition_that_may_go().await?;
    let pool = database.pool();
    let before = open_with_a_snapshot(pool).await?;
    let mut publisher = PgConnection::connect(database.url()).await?;
    // would have to wait for `before`, which ends after all of this
    sqlx::raw_sql("SET lock_timeout = '10s'").execute(&mut publisher).await?;
    let mut published = 0;
    let mut during = 0;
    while during == 0 {
        let retention = Retention::new(pool.clone());
        let run = tokio::spawn(async move { retention.run().await });
        while !run.is_finished() {
            let waited = waits(pool).await?;
            publish(&mut publisher, "during", 1).await?;
            published += 1;
            sqlx::query("SELECT count(*) FROM eventwright.outbox").execute(&mut publisher).await?;
            during += usize::from(waited.is_some() && waited == waits(pool).await?);
        }
        let report = run.await??;
        assert!(report.dropped.is_empty(), "{report:?}");
        let Some(Kept::Dropping { waits_for: Some(transaction) }) = kept(&report, FIRST) else { panic!("{report:?}") };
        assert!(transaction.pid.is_some(), "{transaction:?}");
    }
    eventwright::migrate(pool).await?;
    before.commit().await?;
    assert_dropped(&Retention::new(pool.clone()).run().await?, &[FIRST]);
    assert_eq!(group.next().await?.len(), published + 1);
    Ok(())
}

#[tokio::test]
async fn a_reader_with_an_old_snapshot_reads_on_and_delays_the_removal_alone() -> Result {
    let (database, group) = a_partition_that_may_go().await?;
    let pool = database.pool();
    let mut reader = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    let count = "SELECT count(*) FROM eventwright.outbox";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *reader).await?;
    let retention = Retention::new(pool.clone());
    // the first marks it and gives up, the second tries to go on
    for _ in 0..2 {
        let report = retention.run().await?;
        assert!(matches!(kept(&report, FIRST), Some(Kept::Dropping { waits_for: Some(_) })), "{report:?}");
        assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reader).await?, before);
        publish(&mut *pool.acquire().await?, "meanwhile", 1).await?;
        assert_eq!(group.next().await?, ["meanwhile"]);
        quiet(pool).await?;
    }
    reader.commit().await?;
    assert_dropped(&retention.run().await?, &[FIRST]);
    // the first partition had one event
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(pool).await?, before - 1 + 2);
    Ok(())
}

#[tokio::test]
async fn a_removal_that_was_killed_is_finished_by_the_next() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    let before = open_with_a_snapshot(pool).await?;
    let mut killed = false;
    while !killed {
        let retention = Retention::new(pool.clone());
        let run = tokio::spawn(async move { retention.run().await });
        while !run.is_finished() {
            if let Some(pid) = waits(pool).await? {
                killed = sqlx::query_scalar("SELECT pg_terminate_backend($1)").bind(pid).fetch_one(pool).await?;
            }
        }
        assert!(!killed || run.await?.is_err());
    }
    let begun: Vec<String> =
        sqlx::query_scalar("SELECT name FROM eventwright.partitions WHERE detaching").fetch_all(pool).await?;
    assert_eq!(begun, [FIRST]);
    before.commit().await?;
    assert_dropped(&Retention::new(pool.clone()).run().await?, &[FIRST]);
    Ok(())
}

#[tokio::test]
async fn a_removal_that_ended_between_its_steps_is_finished_by_the_next() -> Result {
    for steps in 0..=2 {
        let (database, _) = a_partition_that_may_go().await?;
        let pool = database.pool();
        let statements = [
            "SELECT eventwright.expire_partitions()",
            "ALTER TABLE eventwright.outbox DETACH PARTITION eventwright.outbox_to_1000000 CONCURRENTLY",
        ];
        for statement in &statements[..steps] {
            sqlx::raw_sql(*statement).execute(pool).await?;
        }
        assert_eq!(Retention::new(pool.clone()).run().await?.dropped, [FIRST], "after {steps} steps");
        assert!(!tables(pool).await?.contains(&FIRST.to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_partition_that_somebody_detached_to_keep_it_is_kept() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    execute(pool, "ALTER TABLE eventwright.outbox DETACH PARTITION eventwright.outbox_to_1000000 CONCURRENTLY").await?;
    assert!(Retention::new(pool.clone()).run().await?.dropped.is_empty());
    assert!(tables(pool).await?.contains(&FIRST.to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_remove_each_partition_once() -> Result {
    let (database, group) = a_full_partition().await?;
    let pool = database.pool();
    execute(pool, "SELECT setval('eventwright.outbox_seq', 2500000)").await?;
    go_on(pool, &group).await?;
    age(pool, 8).await?;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let retention = Retention::new(pool.clone());
        runs.spawn(async move { retention.run().await });
    }
    let mut dropped = Vec::new();
    while let Some(run) = runs.join_next().await {
        dropped.extend(run??.dropped);
    }
    dropped.sort();
    assert_eq!(dropped, [FIRST, SECOND]);
    Ok(())
}

#[tokio::test]
async fn who_does_not_own_the_log_only_reports() -> Result {
    let (database, _) = a_partition_that_may_go().await?;
    let pool = database.pool();
    let role = format!("looks_on_{}", uuid_less_name(database.url()));
    let grants = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA eventwright TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA eventwright TO {role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA eventwright TO {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(grants)).execute(pool).await?;
    let set_role = format!("SET ROLE {role}");
    let onlooker = sqlx::postgres::PgPoolOptions::new()
        .after_connect(move |connection, _| {
            let set_role = set_role.clone();
            Box::pin(async move { sqlx::raw_sql(sqlx::AssertSqlSafe(set_role)).execute(connection).await.map(drop) })
        })
        .connect(database.url())
        .await?;
    let report = Retention::new(onlooker.clone()).report().await?;
    assert_eq!((report.may_drop, kept(&report, FIRST)), (false, Some(&Kept::Due)));
    onlooker.close().await;
    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(pool).await?;
    Ok(())
}

/// Roles are the whole server's; databases have names that no other has.
fn uuid_less_name(url: &str) -> String {
    url.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default().to_owned()
}
