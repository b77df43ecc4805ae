//! Groups whose log is on a server that fails over to its standby.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cluster::{Address, Cluster};
use crate::common::{
    Group, Happened, Home, Result, by_the_way, insert_effect, is_through_pgbouncer, migrated, open, publish, record,
    subscriber,
};
use eventwright::testing::Database;
use eventwright::{Context, DeadLetters, Error, Event, Failure, Handled, Rebase};
use sqlx::PgPool;

/// A log with a standby, and a group's database on another server.
struct Two {
    primary: Cluster,
    standby: Cluster,
    home: Database,
}

impl Two {
    async fn make() -> Result<Self> {
        let home = migrated().await?;
        let (primary, standby) = Cluster::make_two().await?;
        eventwright::migrate(&primary.pool("postgres")).await?;
        Ok(Self { primary, standby, home })
    }

    async fn reading(&self, log: &PgPool) -> Result<Group> {
        Ok(Group::new("a", self.home.pool()).await?.reading(log))
    }

    async fn fail_over(&mut self) -> Result {
        self.primary.stop()?;
        self.standby.promote().await
    }
}

async fn publish_in_order(log: &PgPool, about: &str, numbers: std::ops::RangeInclusive<i64>) -> Result {
    for n in numbers {
        publish(&mut *log.acquire().await?, about, n).await?;
    }
    Ok(())
}

/// Rejects what is about something broken, as long as there is a table that says so.
async fn record_what_works(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    let broken = sqlx::query_scalar("SELECT to_regclass('broken') IS NOT NULL").persistent(!is_through_pgbouncer());
    let broken: bool = broken.fetch_one(cx.tx()).await?;
    if broken && event.payload.about.starts_with("broken") {
        return Err(Failure::reject("broken"));
    }
    let group = *cx.state();
    insert_effect(cx.tx(), group, &event).await?;
    Ok(())
}

/// What was handled, as `about n`, and in which order.
async fn handled(home: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || ' ' || n FROM effects ORDER BY k").fetch_all(home).await?)
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

#[tokio::test]
async fn a_subscriber_goes_on_by_itself_where_the_standby_has_all_that_it_has_read() -> Result {
    let mut two = Two::make().await?;
    let address = Address::of(&two.primary)?;
    let group = two.reading(&address.pool("postgres")).await?;
    let home = two.home.pool().clone();
    let until = async |n: i64| {
        while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM effects")
            .fetch_one(&home)
            .await
            .is_ok_and(|all| all < n)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let fail_over = async {
        let log = two.primary.pool("postgres");
        publish_in_order(&log, "x", 1..=3).await?;
        let slow = open(&log, "lost").await?;
        publish_in_order(&log, "x", 4..=5).await?;
        until(5).await;
        two.standby.catch_up_with(&two.primary).await?;
        two.fail_over().await?;
        address.give_to(&two.standby)?;
        drop(slow);
        let log = two.standby.pool("postgres");
        publish_in_order(&log, "x", 6..=8).await?;
        Result::<()>::Ok(())
    };
    let subscriber = group.subscriber().poll_every(Duration::from_millis(50)).on(record);
    let (failed_over, ran) = tokio::join!(fail_over, subscriber.run_until(until(8)));
    failed_over?;
    ran?;
    assert_eq!(handled(&home).await?, (1..=8).map(|n| format!("x {n}")).collect::<Vec<_>>());
    let timeline: i32 = sqlx::query_scalar("SELECT log_timeline FROM eventwright.groups").fetch_one(&home).await?;
    assert_eq!(timeline, 2);
    Ok(())
}

#[tokio::test]
async fn a_group_that_starts_after_the_failover_goes_on_by_itself() -> Result {
    let mut two = Two::make().await?;
    let log = two.primary.pool("postgres");
    let group = two.reading(&log).await?;
    publish_in_order(&log, "x", 1..=2).await?;
    group.next().await?;
    publish_in_order(&log, "x", 3..=4).await?;
    sqlx::query("SELECT eventwright.open_window(false)").execute(&log).await?;
    two.standby.catch_up_with(&two.primary).await?;
    two.fail_over().await?;
    let group = two.reading(&two.standby.pool("postgres")).await?;
    assert_eq!(group.next().await?, ["x", "x"]);
    let rebased = Rebase::new(two.home.pool().clone()).group("a", &two.standby.pool("postgres")).await?;
    assert_eq!(rebased.ranges, 0);
    Ok(())
}

#[tokio::test]
async fn after_a_failover_to_a_standby_that_lagged_behind_a_group_is_rebased() -> Result {
    let mut two = Two::make().await?;
    let home = two.home.pool().clone();
    sqlx::raw_sql("CREATE TABLE broken ()").execute(&home).await?;
    let log = two.primary.pool("postgres");
    let group = two.reading(&log).await?;
    let drain = async |group: &Group| group.subscriber().ranges(3).chunk(2).on(record_what_works).drain().await;
    publish_in_order(&log, "x", 1..=3).await?;
    publish_in_order(&log, "broken early", 1..=2).await?;
    drain(&group).await?;

    // what the standby gets, and the group reads later, by a window that the standby does not get
    publish_in_order(&log, "x", 4..=6).await?;
    publish_in_order(&log, "broken", 1..=2).await?;
    let mut db = two.primary.connect().await?;
    for about in ["prepared", "broken prepared"] {
        sqlx::query("BEGIN").execute(&mut db).await?;
        publish(&mut db, about, 1).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PREPARE TRANSACTION '{about}'"))).execute(&mut db).await?;
    }
    two.standby.catch_up_with(&two.primary).await?;
    two.standby.cut_off().await?;
    sqlx::raw_sql("COMMIT PREPARED 'prepared'").execute(&mut db).await?;
    sqlx::raw_sql("COMMIT PREPARED 'broken prepared'").execute(&mut db).await?;
    publish_in_order(&log, "x", 7..=12).await?;
    publish_in_order(&log, "broken", 3..=4).await?;
    publish_in_order(&log, "broken and lost", 1..=4).await?;
    drain(&group).await?;
    let before = handled(&home).await?;
    assert_eq!(before.len(), 13, "{before:?}");

    two.fail_over().await?;
    let log = two.standby.pool("postgres");
    // numbers and transaction ids are given out again
    publish_in_order(&log, "new", 1..=30).await?;
    publish_in_order(&log, "broken", 5..=5).await?;
    publish_in_order(&log, "broken and lost", 5..=5).await?;
    // a window of the new timeline, of a server whose clock is behind, is none of those that the group has come past
    let behind: i64 = sqlx::query_scalar("SELECT min(done) - 1 FROM eventwright.positions").fetch_one(&home).await?;
    sqlx::query("SELECT eventwright.open_window(true)").execute(&log).await?;
    sqlx::query("UPDATE eventwright.windows SET id = $1 WHERE timeline = 2").bind(behind).execute(&log).await?;
    let group = two.reading(&log).await?;
    let refused = drain(&group).await;
    let Err(Error::AnotherLog(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("eventwright rebase --group a"), "{error}");
    assert_eq!(handled(&home).await?, before);

    let rebase = Rebase::new(home.clone());
    let rebased = rebase.group("a", &log).await?;
    assert_eq!((rebased.ranges, rebased.remembered_events, rebased.let_go_events), (3, 19, 7));
    let again = rebase.group("a", &log).await?;
    assert_eq!((again.ranges, again.remembered_events, again.let_go_events), (0, 0, 0));
    drain(&group).await?;
    // what the one who prepared them decides does not change
    let mut db = two.standby.connect().await?;
    sqlx::raw_sql("COMMIT PREPARED 'prepared'").execute(&mut db).await?;
    sqlx::raw_sql("COMMIT PREPARED 'broken prepared'").execute(&mut db).await?;
    publish_in_order(&log, "new", 31..=32).await?;
    drain(&group).await?;
    let new = handled(&home).await?.split_off(before.len());
    assert_eq!(new, (1..=32).map(|n| format!("new {n}")).collect::<Vec<_>>());

    // what is held back is what the log has, once, and in order
    sqlx::raw_sql("DROP TABLE broken").execute(&home).await?;
    DeadLetters::new(home.clone()).redrive_all("a").await?;
    drain(&group).await?;
    let late = handled(&home).await?.split_off(before.len() + 32);
    let of = |about: &str| -> Vec<String> { late.iter().filter(|l| l.starts_with(about)).cloned().collect() };
    assert_eq!(of("broken early"), ["broken early 1", "broken early 2"]);
    assert_eq!(of("broken and"), ["broken and lost 5"]);
    let all = [
        "broken 1",
        "broken 2",
        "broken 5",
        "broken and lost 5",
        "broken early 1",
        "broken early 2",
        "broken prepared 1",
    ];
    assert_eq!(sorted(late.clone()), all);
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.held").fetch_one(&home).await?;
    assert_eq!(held, 0);
    Ok(())
}

#[tokio::test]
async fn a_group_that_does_not_remember_far_enough_is_not_rebased_unless_repeats_are_accepted() -> Result {
    let mut two = Two::make().await?;
    let home = two.home.pool().clone();
    let log = two.primary.pool("postgres");
    let group = two.reading(&log).await?;
    publish_in_order(&log, "x", 1..=3).await?;
    group.next().await?;
    publish_in_order(&log, "x", 4..=5).await?;
    two.standby.catch_up_with(&two.primary).await?;
    two.standby.cut_off().await?;
    group.next().await?;
    sqlx::query("UPDATE eventwright.settings SET remember = '0'").execute(&home).await?;
    let forgotten: i32 = sqlx::query_scalar("SELECT eventwright.forget_handled('a')").fetch_one(&home).await?;
    assert!(forgotten > 0);
    two.fail_over().await?;
    let log = two.standby.pool("postgres");
    let rebase = Rebase::new(home.clone());
    let refused = rebase.group("a", &log).await;
    assert!(matches!(refused, Err(Error::NotRemembered { .. })), "{refused:?}");
    rebase.accept_repeats().group("a", &log).await?;
    let group = two.reading(&log).await?;
    // from a window that both know, so not from the beginning
    assert_eq!(group.next().await?, ["x", "x"]);
    Ok(())
}

/// As where a volume's snapshot is put back: the timeline stays, and others may have gone on already.
#[tokio::test]
async fn a_log_whose_files_are_older_is_noticed_and_rebased() -> Result {
    let mut two = Two::make().await?;
    let home = two.home.pool().clone();
    let log = two.primary.pool("postgres");
    // to a pooler, the first who comes after the server was away is refused
    let (group, near) = (two.reading(&log).await?, Group::new("near", &log).await?.straight());
    publish_in_order(&log, "x", 1..=3).await?;
    group.next().await?;
    two.primary.restart_after(|files| files.keep()).await?;
    let go_back = async {
        publish_in_order(&two.primary.pool("postgres"), "lost", 1..=3).await?;
        while group.all().await?.len() < 6 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        two.primary.restart_after(|files| files.put_back()).await?;
        publish_in_order(&two.primary.pool("postgres"), "new", 1..=5).await?;
        near.next().await?;
        Result::<()>::Ok(())
    };
    let running = group.subscriber().poll_every(Duration::from_millis(50)).on(record);
    let (gone_back, refused) = tokio::join!(go_back, running.run_until(std::future::pending()));
    gone_back?;
    let Err(Error::AnotherLog(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("eventwright rebase --group a"), "{error}");
    assert_eq!(group.all().await?[3..], ["lost"; 3]);
    let refused = group.subscriber().on(record).drain().await;
    let Err(Error::AnotherLog(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("eventwright rebase --group a"), "{error}");
    let rebased = Rebase::new(home.clone()).group("a", &log).await?;
    assert!(rebased.ranges > 0, "{rebased:?}");
    assert_eq!(group.next().await?, ["new"; 5]);
    Ok(())
}

#[tokio::test]
async fn a_restart_of_the_log_is_followed() -> Result {
    let mut two = Two::make().await?;
    let log = two.primary.pool("postgres");
    let group = two.reading(&log).await?;
    let home = two.home.pool().clone();
    let until = async |n: usize| {
        while handled(&home).await.is_ok_and(|all| all.len() < n) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let restart = async {
        publish_in_order(&log, "x", 1..=2).await?;
        until(2).await;
        two.primary.restart_after(|_| Ok(())).await?;
        publish_in_order(&two.primary.pool("postgres"), "x", 3..=4).await?;
        Result::<()>::Ok(())
    };
    let subscriber = group.subscriber().poll_every(Duration::from_millis(50)).on(record);
    let (restarted, ran) = tokio::join!(restart, subscriber.run_until(until(4)));
    restarted?;
    ran?;
    assert_eq!(handled(&home).await?, ["x 1", "x 2", "x 3", "x 4"]);
    Ok(())
}

/// A subscriber that starts while the group is rebased waits for that, and must see what it has noted.
#[tokio::test]
async fn who_waits_for_a_rebase_knows_what_may_come_again() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?.reading(log.pool());
    group.next().await?;
    let id = publish(&mut *log.pool().acquire().await?, "x", 1).await?;
    publish_in_order(log.pool(), "x", 2..=2).await?;
    let started: i64 = sqlx::query_scalar("SELECT started FROM eventwright.identity()").fetch_one(log.pool()).await?;
    let read_on = "UPDATE eventwright.groups SET log_started = $1";
    sqlx::query(read_on).bind(started - 1).execute(home.pool()).await?;
    let mut rebase = home.pool().begin().await?;
    sqlx::query(read_on).bind(started).execute(&mut *rebase).await?;
    let note = sqlx::query("INSERT INTO eventwright.repeats (group_name, event_id) VALUES ('a', $1)");
    note.bind(id.as_uuid()).execute(&mut *rebase).await?;
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    let commit = async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(home.pool()).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Result::<()>::Ok(rebase.commit().await?)
    };
    let (committed, drained) = tokio::join!(commit, group.subscriber().on(record).drain());
    committed?;
    drained?;
    assert_eq!(handled(home.pool()).await?, ["x 2"]);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.repeats").fetch_one(home.pool()).await?;
    assert_eq!(left, 0);
    Ok(())
}

/// A worker has a page in its hands while another process finds out that the log goes on as another one.
#[tokio::test]
async fn what_was_read_before_the_log_changed_is_not_committed_after_that() -> Result {
    struct Others {
        home: PgPool,
        calls: Mutex<Vec<bool>>,
    }
    async fn handle(event: Event<Happened>, cx: &mut Context<'_, Home, Arc<Others>>) -> Handled {
        let others = Arc::clone(cx.state());
        let first = others.calls.lock().unwrap().is_empty();
        others.calls.lock().unwrap().push(first);
        if first {
            sqlx::query("UPDATE eventwright.groups SET log_started = 7").execute(&others.home).await?;
        }
        insert_effect(cx.tx(), "a", &event).await?;
        Ok(())
    }
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?.reading(log.pool());
    group.next().await?;
    publish_in_order(log.pool(), "x", 1..=1).await?;
    let others = Arc::new(Others { home: home.pool().clone(), calls: Mutex::default() });
    let subscriber = subscriber::<Home>("a", home.pool()).log(by_the_way(log.pool()));
    subscriber.state(Arc::clone(&others)).on(handle).drain().await?;
    assert_eq!(*others.calls.lock().unwrap(), [true, false], "the first one was not to commit");
    assert_eq!(handled(home.pool()).await?, ["x 1"]);
    Ok(())
}

#[tokio::test]
async fn a_group_is_rebased_onto_its_own_log_alone() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?.reading(log.pool());
    publish_in_order(log.pool(), "x", 1..=1).await?;
    group.next().await?;
    let other = migrated().await?;
    let rebase = Rebase::new(home.pool().clone());
    let refused = rebase.group("a", other.pool()).await;
    assert!(matches!(refused, Err(Error::GroupOfAnotherLog { .. })), "{refused:?}");
    let refused = rebase.group("b", log.pool()).await;
    assert!(matches!(refused, Err(Error::NoSuchGroup { .. })), "{refused:?}");
    let near = Group::new("near", home.pool()).await?;
    near.next().await?;
    let refused = rebase.group("near", log.pool()).await;
    assert!(matches!(refused, Err(Error::ReadsOwnLog { .. })), "{refused:?}");
    Ok(())
}
