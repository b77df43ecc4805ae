//! Dumps that are restored: into another cluster, or where they came from.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{Cluster, can_dump, can_upgrade};
use crate::common::{
    self, Group, Happened, Home, Result, happened, insert_effect, migrated, open, publish, record, record_some,
};
use eventwright::{
    Context, DeadLetters, Doctor, Error, Event, Failure, Gap, Groups, Handled, OffsetDateTime, Publish, Publisher,
    Rebase, Replay, Retention, Start,
};
use fastrand::Rng;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::Semaphore;

/// A cluster that has given out more transaction ids than a new one.
async fn old_cluster() -> Result<(Cluster, PgPool)> {
    let cluster = Cluster::make().await?;
    let pool = cluster.pool("postgres");
    eventwright::migrate(&pool).await?;
    use_up(&pool, 5000).await?;
    Ok((cluster, pool))
}

async fn use_up(pool: &PgPool, xids: i32) -> Result {
    let statement =
        format!("DO $$ BEGIN FOR i IN 1..{xids} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(pool).await?;
    Ok(())
}

/// Handles some events, and stops in the middle of whatever there is.
async fn handle_some(group: &Group, ranges: u16, some: usize) -> Result {
    let before = group.all().await?.len();
    let stop = async { while group.all().await.is_ok_and(|all| all.len() < before + some) {} };
    let subscriber = group.subscriber().ranges(ranges).chunk(1).without_listen().on(record);
    subscriber.run_until(async { tokio::time::timeout(Duration::from_millis(500), stop).await.unwrap_or(()) }).await?;
    Ok(())
}

/// Each event of the log, as often as the group has handled it.
async fn times_handled(pool: &PgPool, effects: &PgPool, group: &str) -> Result<Vec<(String, i64)>> {
    let log: Vec<(String, String)> = sqlx::query_as(
        "SELECT 'evt_' || event_id, (payload->>'about') || ' ' || (payload->>'n') FROM eventwright.outbox ORDER BY seq",
    )
    .fetch_all(pool)
    .await?;
    let handled: Vec<String> =
        sqlx::query_scalar("SELECT event_id FROM effects WHERE grp = $1").bind(group).fetch_all(effects).await?;
    Ok(log.into_iter().map(|(id, name)| (name, handled.iter().filter(|h| **h == id).count() as i64)).collect())
}

async fn assert_each_once(pool: &PgPool, effects: &PgPool, group: &str) -> Result {
    let times = times_handled(pool, effects, group).await?;
    let wrong: Vec<_> = times.iter().filter(|(_, times)| *times != 1).collect();
    assert!(wrong.is_empty() && !times.is_empty(), "group {group} of {} events: {wrong:?}", times.len());
    let disorder: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT n, lag(n) OVER (PARTITION BY grp, about ORDER BY k) AS before FROM effects WHERE grp = $1) e
          WHERE n <= before",
    )
    .bind(group)
    .fetch_one(effects)
    .await?;
    assert_eq!(disorder, 0, "group {group}");
    Ok(())
}

async fn assert_refused(group: &Group) {
    let refused = group.subscriber().on(record).drain().await;
    let Err(Error::Restored(error)) = &refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("was restored from a dump"), "{error}");
    assert!(refused.unwrap_err().to_string().contains("run `eventwright rebase`"));
}

#[tokio::test]
async fn a_dump_in_another_cluster_is_refused_and_goes_on_once_it_is_rebased() -> Result {
    if !can_dump()? {
        return Ok(());
    }
    async fn reject_broken(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        if event.payload.about == "broken" && event.payload.n == 1 {
            return Err(Failure::reject("broken"));
        }
        let group = *cx.state();
        insert_effect(cx.tx(), group, &event).await?;
        Ok(())
    }
    let (from, pool) = old_cluster().await?;
    let to = Cluster::make().await?;
    let (a, b) = (Group::new("a", &pool).await?, Group::new("b", &pool).await?);
    for n in 1..=2 {
        publish(&mut *pool.acquire().await?, "broken", n).await?;
    }
    let (slow, lost) = (open(&pool, "slow").await?, open(&pool, "lost").await?);
    a.subscriber().ranges(2).on(reject_broken).drain().await?;
    for n in 1..=9 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    handle_some(&a, 2, 3).await?;
    slow.commit().await?;
    let soon = OffsetDateTime::now_utc() + time::Duration::seconds(1);
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, happened("scheduled", 1).publish_at(soon)).await?;
    handle_some(&b, 1, 4).await?;
    publish(&mut *pool.acquire().await?, "last", 1).await?;
    from.dump_to("postgres", &to, "restored").await?;
    lost.commit().await?;

    let pool = to.pool("restored");
    let (a, b) = (Group::new("a", &pool).await?, Group::new("b", &pool).await?);
    let before = (a.all().await?.len(), b.all().await?.len());
    assert_refused(&a).await;
    let findings = Doctor::new(pool.clone()).examine().await?;
    assert!(findings.iter().any(|f| f.check == "cluster" && f.advice.contains("eventwright rebase")), "{findings:?}");
    // publishers need not wait, and take ids that are lower than those in the log
    publish(&mut *pool.acquire().await?, "early", 1).await?;
    let open_meanwhile = open(&pool, "meanwhile").await?;
    let rebase = Rebase::new(pool.clone());
    let (rebased, ()) = tokio::join!(rebase.database(), async {
        common::somebody_waits_for_a_table(&pool).await.expect("a question");
        open_meanwhile.commit().await.expect("a commit");
    });
    let rebased = rebased?;
    assert!(rebased.was_restored && rebased.renumbered_events >= 14, "{rebased:?}");
    let again = rebase.database().await?;
    assert!(!again.was_restored && again.renumbered_events == 0, "{again:?}");

    publish(&mut *pool.acquire().await?, "late", 1).await?;
    b.next().await?;
    a.subscriber().on(reject_broken).drain().await?;
    assert_eq!((a.all().await?.len() > before.0, b.all().await?.len() > before.1), (true, true));
    assert_eq!(a.all().await?.iter().filter(|about| *about == "broken").count(), 0);
    assert_eq!(DeadLetters::new(pool.clone()).redrive_all("a").await?, 1);
    a.next().await?;
    while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM eventwright.scheduled").fetch_one(&pool).await? > 0 {
        a.next().await?;
    }
    a.next().await?;
    b.next().await?;
    for group in ["a", "b"] {
        assert_each_once(&pool, &pool, group).await?;
    }
    let of_all: Vec<String> = a.all().await?;
    for about in ["slow", "early", "meanwhile", "late", "scheduled", "last"] {
        assert!(of_all.iter().any(|a| a == about), "{about}");
    }
    assert!(!of_all.iter().any(|about| about == "lost"));
    assert_eq!(Doctor::new(pool.clone()).examine().await?, []);
    Ok(())
}

/// Publishers whose transactions end in any order, groups that stand anywhere.
struct Life {
    pool: PgPool,
    rng: Rng,
    open: Vec<Transaction<'static, Postgres>>,
    n: i64,
}

impl Life {
    async fn go_on(&mut self, groups: &[Group]) -> Result {
        for _ in 0..40 {
            match self.rng.u8(..10) {
                0..=3 if self.open.len() < 6 => {
                    self.n += 1;
                    let mut tx = open(&self.pool, &format!("s{}", self.n)).await?;
                    self.n += 1;
                    publish(&mut tx, &format!("s{}", self.n), self.n).await?;
                    self.open.push(tx);
                }
                4..=6 if !self.open.is_empty() => {
                    let tx = self.open.swap_remove(self.rng.usize(..self.open.len()));
                    if self.rng.u8(..4) == 0 { tx.rollback().await? } else { tx.commit().await? }
                }
                7 => {
                    let group = self.rng.usize(..groups.len());
                    let some = self.rng.usize(1..6);
                    handle_some(&groups[group], 3, some).await?;
                }
                8 => {
                    sqlx::query("SELECT eventwright.open_window(false)").execute(&self.pool).await?;
                }
                _ => {
                    self.n += 1;
                    publish(&mut *self.pool.acquire().await?, "y", self.n).await?;
                }
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn wherever_groups_stand_they_go_on_with_what_they_have_not_handled() -> Result {
    if !can_dump()? {
        return Ok(());
    }
    let seed =
        std::env::var("EVENTWRIGHT_REBASE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut from, pool) = old_cluster().await?;
    let mut life = Life { pool, rng: rng.fork(), open: Vec::new(), n: 0 };
    // a dump of a dump of a dump
    for round in 0..3 {
        let names = ["a", "b", "c"];
        let mut groups = Vec::new();
        for name in names {
            groups.push(Group::new(name, &life.pool).await?);
        }
        life.go_on(&groups).await?;
        let to = Cluster::make().await?;
        if rng.bool() {
            use_up(&to.pool("postgres"), rng.i32(1..8000)).await?;
        }
        let database = format!("round{round}");
        let old = if round == 0 { "postgres".to_owned() } else { format!("round{}", round - 1) };
        from.dump_to(&old, &to, &database).await?;
        life.open.clear();
        life.pool.close().await;
        life.pool = to.pool(&database);
        if rng.bool() {
            publish(&mut *life.pool.acquire().await?, "early", round).await?;
        }
        assert!(Rebase::new(life.pool.clone()).database().await?.was_restored);
        from = to;
    }
    for name in ["a", "b", "c"] {
        Group::new(name, &life.pool).await?.next().await?;
        assert_each_once(&life.pool, &life.pool, name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_ends_where_it_was_to_end() -> Result {
    if !can_dump()? {
        return Ok(());
    }
    let (from, pool) = old_cluster().await?;
    for n in 1..=5 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    let slow = open(&pool, "after the end").await?;
    let group = Group::new("r", &pool).await?;
    let replay = || Replay::from(Start::Beginning);
    let some = Arc::new(Semaphore::new(3));
    let stop = async {
        while group.all().await.is_ok_and(|all| all.len() < 2) {}
        some.close();
    };
    let subscriber = common::subscriber::<Home>("r", &pool).state(("r", Arc::clone(&some)));
    subscriber.ranges(1).chunk(1).replay(replay()).on(record_some).run_until(stop).await?;
    assert!(group.all().await?.len() < 5, "it was to stop in the middle");
    slow.commit().await?;
    let to = Cluster::make().await?;
    from.dump_to("postgres", &to, "restored").await?;
    let pool = to.pool("restored");
    Rebase::new(pool.clone()).database().await?;
    let group = Group::new("r", &pool).await?;
    group.subscriber().replay(replay()).on(record).drain().await?;
    assert_eq!(group.all().await?, ["x"; 5]);
    Ok(())
}

/// As where a dump comes back to its cluster.
#[tokio::test]
async fn where_the_ids_of_the_dump_are_in_the_past_no_event_changes() -> Result {
    if !can_dump()? {
        return Ok(());
    }
    let (cluster, pool) = old_cluster().await?;
    let group = Group::new("a", &pool).await?;
    let slow = open(&pool, "slow").await?;
    publish(&mut *pool.acquire().await?, "x", 1).await?;
    handle_some(&group, 2, 1).await?;
    slow.commit().await?;
    cluster.dump_to("postgres", &cluster, "restored").await?;
    let pool = cluster.pool("restored");
    let group = Group::new("a", &pool).await?;
    assert_refused(&group).await;
    let rebased = Rebase::new(pool.clone()).database().await?;
    assert!(rebased.was_restored && rebased.renumbered_events == 0, "{rebased:?}");
    group.next().await?;
    assert_each_once(&pool, &pool, "a").await
}

/// It keeps transaction ids and numbers, and yet makes another cluster.
#[tokio::test]
async fn after_pg_upgrade_all_groups_go_on_once_the_log_is_rebased() -> Result {
    if !can_upgrade()? {
        return Ok(());
    }
    let (mut cluster, log) = old_cluster().await?;
    let home = migrated().await?;
    let (near, far) = (Group::new("near", &log).await?, Group::new("far", home.pool()).await?.reading(&log));
    let slow = open(&log, "slow").await?;
    for n in 1..=6 {
        publish(&mut *log.acquire().await?, "x", n).await?;
    }
    handle_some(&near, 2, 2).await?;
    handle_some(&far, 2, 3).await?;
    slow.commit().await?;
    log.close().await;
    cluster.upgrade().await?;

    let log = cluster.pool("postgres");
    let (near, far) = (Group::new("near", &log).await?, Group::new("far", home.pool()).await?.reading(&log));
    publish(&mut *log.acquire().await?, "x", 7).await?;
    assert_refused(&near).await;
    assert_refused(&far).await;
    let rebased = Rebase::new(log.clone()).database().await?;
    assert!(rebased.was_restored && rebased.renumbered_events == 0, "{rebased:?}");
    near.next().await?;
    far.next().await?;
    assert_each_once(&log, &log, "near").await?;
    assert_each_once(&log, home.pool(), "far").await
}

#[tokio::test]
async fn a_group_elsewhere_goes_back_with_a_log_that_was_restored_from_a_dump() -> Result {
    if !can_dump()? {
        return Ok(());
    }
    let (from, log) = old_cluster().await?;
    let home = migrated().await?;
    let group = Group::new("far", home.pool()).await?.reading(&log);
    for n in 1..=4 {
        publish(&mut *log.acquire().await?, "x", n).await?;
    }
    let slow = open(&log, "slow").await?;
    group.next().await?;
    for n in 5..=8 {
        publish(&mut *log.acquire().await?, "x", n).await?;
    }
    slow.commit().await?;
    let (to, lower) = (Cluster::make().await?, Cluster::make().await?);
    use_up(&to.pool("postgres"), 20_000).await?;
    from.dump_to("postgres", &to, "postgres2").await?;
    from.dump_to("postgres", &lower, "postgres2").await?;
    for n in 9..=10 {
        publish(&mut *log.acquire().await?, "x", n).await?;
    }
    group.next().await?;
    let before = group.all().await?.len();
    assert_eq!(before, 11);

    // in a cluster with higher ids and in one with lower ids
    for cluster in [to, lower] {
        let log = cluster.pool("postgres2");
        let group = Group::new("far", home.pool()).await?.reading(&log);
        let rebase = Rebase::new(home.pool().clone());
        let mut kept = home.pool().begin().await?;
        let state = "SELECT p::text FROM eventwright.positions p UNION ALL SELECT g::text FROM eventwright.groups g";
        let stood: Vec<String> = sqlx::query_scalar(state).fetch_all(&mut *kept).await?;
        kept.rollback().await?;
        assert_refused(&group).await;
        assert!(matches!(rebase.group("far", &log).await, Err(Error::Restored(_))));
        Rebase::new(log.clone()).database().await?;
        let refused = group.subscriber().on(record).drain().await;
        assert!(matches!(refused, Err(Error::AnotherLog(_))), "{refused:?}");
        let unchanged: Vec<String> = sqlx::query_scalar(state).fetch_all(home.pool()).await?;
        assert_eq!(stood, unchanged);
        let copy = home_as_it_is(home.pool()).await?;
        // else all that it reads again would run one by one
        sqlx::raw_sql("UPDATE eventwright.begun SET suspect = true, until_seq = 1000000").execute(home.pool()).await?;
        let rebased = rebase.group("far", &log).await?;
        let suspects: i64 =
            sqlx::query_scalar("SELECT count(*) FROM eventwright.begun WHERE suspect").fetch_one(home.pool()).await?;
        assert_eq!(suspects, 4 - i64::from(rebased.ranges));
        assert!(rebased.ranges > 0 && rebased.remembered_events >= 5, "{rebased:?}");
        publish(&mut *log.acquire().await?, "new", 1).await?;
        assert_eq!(group.next().await?, ["new"]);
        put_back(home.pool(), &copy).await?;
    }
    Ok(())
}

/// The group's own database is restored, and the log has dropped what the group had handled: it says so, and handles no more, until that is
/// accepted.
#[tokio::test]
async fn a_group_whose_database_was_restored_is_told_of_what_the_log_has_dropped() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    let (log, home) = (log.pool(), home.pool());
    let group = Group::new("far", home).await?.reading(log);
    publish(&mut *log.acquire().await?, "first", 1).await?;
    group.next().await?;
    let copy = home_as_it_is(home).await?;

    // restored while the log has all: nobody needs to know
    publish(&mut *log.acquire().await?, "second", 1).await?;
    group.next().await?;
    group.next().await?;
    put_back(home, &copy).await?;
    assert_eq!(group.next().await?, ["second"]);

    sqlx::query("SELECT setval('eventwright.outbox_seq', 1000000)").execute(log).await?;
    publish(&mut *log.acquire().await?, "later", 1).await?;
    let removed = "SELECT count(*) > 0 FROM eventwright.expired WHERE dropped_at IS NOT NULL";
    while !sqlx::query_scalar::<_, bool>(removed).fetch_one(log).await? {
        publish(&mut *log.acquire().await?, "later", 1).await?;
        group.next().await?;
        sqlx::query("UPDATE eventwright.windows SET opened_at = opened_at - interval '8 days'").execute(log).await?;
        Retention::new(log.clone()).run().await?;
    }
    put_back(home, &copy).await?;
    publish(&mut *log.acquire().await?, "new", 1).await?;
    let before = group.all().await?.len();
    for _ in 0..2 {
        let refused = group.subscriber().on(record).drain().await;
        assert!(matches!(refused, Err(Error::DetachedByLog(_))), "{refused:?}");
    }
    assert_eq!(group.all().await?.len(), before, "it reads no more");

    let groups = Groups::new(log.clone());
    let readers = groups.list().await?;
    let home = readers.iter().find_map(|group| group.home.as_deref()).ok_or("no group elsewhere")?;
    assert!(matches!(groups.attach_reader(home, "far", Gap::Refuse).await, Err(Error::Gap(_))));
    assert!(groups.attach_reader(home, "far", Gap::Accept).await?);
    let left = group.next().await?;
    assert!(left.contains(&"new".into()) && !left.contains(&"second".into()), "it goes on with what is left: {left:?}");
    Ok(())
}

const STATE: [&str; 4] = ["groups", "positions", "handled", "repeats"];

/// The group's state, to begin again with it.
async fn home_as_it_is(home: &PgPool) -> Result<Vec<serde_json::Value>> {
    let mut copy = Vec::new();
    for table in STATE {
        let all = format!("SELECT coalesce(json_agg(t), '[]')::text FROM eventwright.{table} t");
        let all: String = sqlx::query_scalar(sqlx::AssertSqlSafe(all)).fetch_one(home).await?;
        copy.push(serde_json::from_str(&all)?);
    }
    Ok(copy)
}

async fn put_back(home: &PgPool, copy: &[serde_json::Value]) -> Result {
    sqlx::raw_sql("DELETE FROM eventwright.groups").execute(home).await?;
    for (table, rows) in STATE.iter().zip(copy) {
        let columns: String = sqlx::query_scalar(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns
              WHERE table_schema = 'eventwright' AND table_name = $1 AND is_generated = 'NEVER'",
        )
        .bind(table)
        .fetch_one(home)
        .await?;
        let insert = format!(
            "INSERT INTO eventwright.{table} ({columns})
             SELECT {columns} FROM json_populate_recordset(NULL::eventwright.{table}, $1::json)"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(rows.to_string()).execute(home).await?;
    }
    Ok(())
}
