//! Where an event is: in the log or not, and with each group handled, held back, dead or still to come.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, happened, insert_effect, migrated, open, publish};
use eventwright::{
    Context, Event, EventId, EventLookup, Failure, Handled, Publication, Publish, Publisher, RetryPolicy, Standing,
    whereabouts,
};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::Notify;

async fn standing(pool: &PgPool, group: &str, event: EventId) -> Result<Standing> {
    let found = whereabouts(pool, event).await?;
    Ok(found.group(group).ok_or_else(|| format!("{group}: {found:?}"))?.standing.clone())
}

async fn published(pool: &PgPool, about: &str, n: i64) -> Result<EventId> {
    publish(&mut *pool.acquire().await?, about, n).await
}

async fn open_window(pool: &PgPool) -> Result {
    sqlx::query("SELECT eventwright.open_window()").execute(pool).await?;
    Ok(())
}

/// Stops its subscriber after so many events.
struct Count {
    left: AtomicI64,
    enough: Arc<Notify>,
}

async fn record_some(event: Event<Happened>, cx: &mut Context<'_, Home, Count>) -> Handled {
    insert_effect(cx.tx(), "a", &event).await?;
    if cx.state().left.fetch_sub(1, Ordering::Relaxed) == 1 {
        cx.state().enough.notify_one();
    }
    Ok(())
}

/// Handles about so many of the next events, in whatever place that leaves the group, or all if there are not so many.
async fn handle_some(pool: &PgPool, count: i64, ranges: u16, chunk: u16) -> Result {
    let enough = Arc::new(Notify::new());
    let some = Count { left: count.into(), enough: Arc::clone(&enough) };
    let subscriber = common::subscriber::<Home>("a", pool).workers(1).ranges(ranges).chunk(chunk);
    let subscriber = subscriber.without_listen().state(some).on(record_some);
    let caught_up = async {
        let behind = "SELECT count(*) FROM eventwright.positions
            WHERE current IS NOT NULL OR done < (SELECT max(id) FROM eventwright.windows)";
        loop {
            tokio::time::sleep(Duration::from_millis(30)).await;
            if matches!(sqlx::query_scalar::<_, i64>(behind).fetch_one(pool).await, Ok(0)) {
                return;
            }
        }
    };
    subscriber
        .run_until(async {
            tokio::select! { () = enough.notified() => {}, () = caught_up => {} }
        })
        .await?;
    Ok(())
}

async fn effects(pool: &PgPool) -> Result<BTreeSet<EventId>> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT event_id FROM effects").fetch_all(pool).await?;
    Ok(ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn an_event_is_published_unseen_unread_and_handled() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let first = published(pool, "x", 1).await?;
    let found = whereabouts(pool, first).await?;
    assert!(found.groups.is_empty(), "{found:?}");
    let Publication::InLog { seq: 1, subject, schema_version: 1, .. } = &found.published else { panic!("{found:?}") };
    assert_eq!(subject, "x");

    group.next().await?;
    assert_eq!(standing(pool, "a", first).await?, Standing::Handled);
    let second = published(pool, "x", 2).await?;
    published(pool, "x", 3).await?;
    let fourth = published(pool, "y", 4).await?;
    assert_eq!(standing(pool, "a", second).await?, Standing::Unseen);
    open_window(pool).await?;
    assert_eq!(standing(pool, "a", second).await?, Standing::Unread { to_go: 1 });
    assert_eq!(standing(pool, "a", fourth).await?, Standing::Unread { to_go: 3 });
    group.next().await?;
    assert_eq!(standing(pool, "a", second).await?, Standing::Handled);
    Ok(())
}

/// Its number is lower than those the group has passed, before its window's bound and within it.
#[tokio::test]
async fn an_event_whose_transaction_ran_long_is_not_handled_because_later_ones_are() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    let mut slow = pool.begin().await?;
    let straggler = publish(&mut slow, "slow", 1).await?;
    let quick = published(pool, "quick", 2).await?;
    assert!(matches!(whereabouts(pool, straggler).await?.published, Publication::NotInLog { open_transactions: 1 }));
    assert_eq!(group.next().await?, ["quick"]);
    slow.commit().await?;
    assert_eq!(standing(pool, "a", quick).await?, Standing::Handled);
    assert_eq!(standing(pool, "a", straggler).await?, Standing::Unseen);
    open_window(pool).await?;
    assert_eq!(standing(pool, "a", straggler).await?, Standing::Unread { to_go: 0 });
    assert_eq!(group.next().await?, ["slow"]);
    assert_eq!(standing(pool, "a", straggler).await?, Standing::Handled);
    Ok(())
}

/// Says that the fourth event is at hand, and does not let it go.
struct Gate {
    reached: Arc<Notify>,
    opened: Arc<Notify>,
}

async fn stop_at_the_fourth(event: Event<Happened>, cx: &mut Context<'_, Home, Gate>) -> Handled {
    if event.payload.n == 4 {
        cx.state().reached.notify_one();
        cx.state().opened.notified().await;
    }
    Ok(())
}

#[tokio::test]
async fn within_a_window_the_group_has_passed_what_that_window_sees() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let first = published(pool, "x", 1).await?;
    let mut slow = pool.begin().await?;
    let straggler = publish(&mut slow, "slow", 2).await?;
    let third = published(pool, "x", 3).await?;
    let fourth = published(pool, "x", 4).await?;
    let (reached, opened) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gate = Gate { reached: Arc::clone(&reached), opened: Arc::clone(&opened) };
    let subscriber = common::subscriber::<Home>("a", pool).workers(1).ranges(1).chunk(1).state(gate);
    let running = tokio::spawn(subscriber.on(stop_at_the_fourth).drain());
    reached.notified().await;
    slow.commit().await?;
    let (current, after): (Option<i64>, i64) =
        sqlx::query_as("SELECT current, after_seq FROM eventwright.positions").fetch_one(pool).await?;
    assert!(current.is_some() && after == 3, "it was to stand within a window: {current:?}, {after}");
    assert_eq!(standing(pool, "a", first).await?, Standing::Handled);
    assert!(matches!(standing(pool, "a", straggler).await?, Standing::Unseen | Standing::Unread { .. }));
    assert_eq!(standing(pool, "a", third).await?, Standing::Handled);
    assert_eq!(standing(pool, "a", fourth).await?, Standing::Unread { to_go: 1 });
    opened.notify_one();
    running.await??;
    assert_eq!(standing(pool, "a", straggler).await?, Standing::Handled);
    Ok(())
}

/// Whatever the interleaving, an event is handled exactly if its effect is there.
#[tokio::test]
async fn handled_is_what_left_its_effect() -> Result {
    for seed in 0..3 {
        let mut random = fastrand::Rng::with_seed(seed);
        let database = migrated().await?;
        let pool = database.pool();
        Group::new("a", pool).await?;
        let mut committed: Vec<EventId> = Vec::new();
        let mut running: Vec<(Transaction<'static, Postgres>, Vec<EventId>)> = Vec::new();
        let mut differed = 0;
        for round in 0..10 {
            for n in 0..random.i64(3..20) {
                match random.u8(0..6) {
                    0 => running.push((pool.begin().await?, Vec::new())),
                    1 if !running.is_empty() => {
                        let (tx, events) = running.swap_remove(random.usize(0..running.len()));
                        tx.commit().await?;
                        committed.extend(events);
                    }
                    2 if running.len() > 1 => running.swap_remove(0).0.rollback().await?,
                    3 | 4 if !running.is_empty() => {
                        let at = random.usize(0..running.len());
                        let (tx, events) = &mut running[at];
                        events.push(publish(tx, &format!("t{round}.{n}"), n).await?);
                    }
                    _ => committed.push(published(pool, &format!("s{n}"), n).await?),
                }
            }
            // they must not take all of the pool's connections
            while running.len() > 4 {
                let (tx, events) = running.swap_remove(0);
                tx.commit().await?;
                committed.extend(events);
            }
            // before: some were committed since the group's window was opened
            for handled in [false, true] {
                if handled {
                    handle_some(pool, random.i64(1..12), 3, random.u16(1..4)).await?;
                }
                let effects = effects(pool).await?;
                for event in &committed {
                    let found = whereabouts(pool, *event).await?;
                    let handled = found.group("a").is_some_and(|group| group.standing.is_handled());
                    assert_eq!(handled, effects.contains(event), "seed {seed}: {found:?}");
                    differed += usize::from(!handled);
                }
            }
        }
        assert!(differed > 10, "a test in which everything is handled says little");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_held_back_says_why() -> Result {
    async fn misfortune(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        sqlx::raw_sql("SELECT 1").execute(cx.tx()).await?;
        match (event.payload.about.as_str(), event.payload.n) {
            ("fails", 1) => Err(Failure::RetryIn(Duration::from_secs(3600), "not yet".to_owned())),
            ("snoozes", _) => Err(Failure::snooze(Duration::from_secs(3600))),
            ("dies", 1) => Err(Failure::reject("never")),
            _ => Ok(()),
        }
    }
    let database = migrated().await?;
    let pool = database.pool();
    let mut events = Vec::new();
    for (about, n) in [("fails", 1), ("fails", 2), ("snoozes", 1), ("dies", 1), ("dies", 2), ("works", 1)] {
        events.push(published(pool, about, n).await?);
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let subscriber = common::subscriber::<Home>("a", pool).on(misfortune);
    let running = tokio::spawn(subscriber.run_until(async { stopped.await.unwrap_or(()) }));
    for event in &events {
        let waits = |standing: &Standing| {
            matches!(standing, Standing::Unread { .. } | Standing::Unseen | Standing::Running { .. })
        };
        while whereabouts(pool, *event).await?.group("a").is_none_or(|group| waits(&group.standing)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    stop.send(()).map_err(|()| "nobody to stop")?;
    running.await??;
    let says = async |at: usize| standing(pool, "a", events[at]).await;
    let failed = says(0).await?;
    assert!(matches!(&failed, Standing::Failed { attempts: 1, error, .. } if error == "not yet"), "{failed:?}");
    assert_eq!(says(1).await?, Standing::Behind { event_id: Some(events[0]), dead: false });
    assert!(matches!(says(2).await?, Standing::Snoozed { .. }));
    assert!(matches!(says(3).await?, Standing::Dead { attempts: 1, error, .. } if error == "never"));
    assert_eq!(says(4).await?, Standing::Behind { event_id: Some(events[3]), dead: true });
    assert_eq!(says(5).await?, Standing::Handled);

    for (reason, expected) in [("effect", Standing::Effect), ("unknown", Standing::Unknown), ("ready", Standing::Ready)]
    {
        let hold = "UPDATE eventwright.held SET reason = $1 WHERE event_id = $2";
        sqlx::query(hold).bind(reason).bind(events[2].as_uuid()).execute(pool).await?;
        assert_eq!(says(2).await?, expected);
    }
    let lease =
        "UPDATE eventwright.held SET leased_until = now() + interval '1 minute', attempts = 7 WHERE event_id = $1";
    sqlx::query(lease).bind(events[2].as_uuid()).execute(pool).await?;
    assert!(matches!(says(2).await?, Standing::Running { attempts: 7, .. }));
    Ok(())
}

#[tokio::test]
async fn a_group_that_does_not_subscribe_or_lives_elsewhere_says_so() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?.next().await?;
    sqlx::raw_sql(
        "UPDATE eventwright.groups SET event_types = '{home.other}', paused_at = now() WHERE name = 'a';
         INSERT INTO eventwright.readers (home, group_name, completed) SELECT '7/far', 'b', max(id) FROM eventwright.windows",
    )
    .execute(pool)
    .await?;
    let event = published(pool, "x", 1).await?;
    let found = whereabouts(pool, event).await?;
    let here = found.group("a").ok_or("no group")?;
    assert!(here.standing == Standing::NotSubscribed && here.paused_at.is_some(), "{here:?}");
    let far = |passed| Standing::Elsewhere { home: "7/far".into(), passed };
    assert_eq!(standing(pool, "b", event).await?, far(false));
    open_window(pool).await?;
    sqlx::raw_sql("UPDATE eventwright.readers SET completed = (SELECT max(id) FROM eventwright.windows)")
        .execute(pool)
        .await?;
    assert_eq!(standing(pool, "b", event).await?, far(true));
    Ok(())
}

#[tokio::test]
async fn groups_in_another_database_than_the_log_are_asked_there() -> Result {
    let (log, home) = (migrated().await?, migrated().await?);
    let group = Group::new("a", home.pool()).await?.reading(log.pool());
    let first = published(log.pool(), "x", 1).await?;
    assert_eq!(group.next().await?, ["x"]);
    let second = published(log.pool(), "x", 2).await?;
    // a group of its own log has numbers of its own
    Group::new("b", home.pool()).await?.next().await?;
    let lookup = EventLookup::new(log.pool().clone()).groups_in(home.pool().clone());
    let found = lookup.find(first).await?;
    assert_eq!(
        found.groups.iter().map(|group| (group.group.as_str(), &group.standing)).collect::<Vec<_>>(),
        [("a", &Standing::Handled)]
    );
    assert_eq!(lookup.find(second).await?.group("a").map(|group| &group.standing), Some(&Standing::Unseen));
    open_window(log.pool()).await?;
    assert_eq!(
        lookup.find(second).await?.group("a").map(|group| &group.standing),
        Some(&Standing::Unread { to_go: 1 })
    );
    Ok(())
}

#[tokio::test]
async fn what_the_log_has_forgotten_is_found_where_it_is_held_back() -> Result {
    async fn reject(_: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
        Err(Failure::reject("never"))
    }
    let database = migrated().await?;
    let pool = database.pool();
    let event = published(pool, "x", 1).await?;
    common::subscriber::<Home>("a", pool).retry(RetryPolicy::default()).on(reject).drain().await?;
    sqlx::raw_sql("DROP TABLE eventwright.outbox_to_1000000").execute(pool).await?;
    let found = whereabouts(pool, event).await?;
    assert_eq!(found.published, Publication::NotInLog { open_transactions: 0 });
    assert!(matches!(found.group("a").ok_or("not held")?.standing, Standing::Dead { .. }));
    assert!(whereabouts(pool, EventId::new()).await?.groups.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_event_is_found_however_long_before_its_id_was_made() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let event = happened("x", 1).tenant("acme");
    let id = event.event_id();
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, event).await?;
    for age in ["0", "30 minutes", "10 years", "-10 years"] {
        sqlx::query("UPDATE eventwright.outbox SET published_at = now() + $1::text::interval")
            .bind(age)
            .execute(pool)
            .await?;
        assert!(matches!(whereabouts(pool, id).await?.published, Publication::InLog { seq: 1, .. }), "{age}");
    }
    Ok(())
}

#[tokio::test]
async fn a_scheduled_event_says_when_it_comes() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let event = EventId::new();
    sqlx::query(
        "INSERT INTO eventwright.scheduled (due_at, event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         VALUES (now() + interval '1 day', $1, 'home.happened', 1, 'home', 'x', now(), 'c', '{}')",
    )
    .bind(event.as_uuid())
    .execute(pool)
    .await?;
    let found = whereabouts(pool, event).await?;
    assert!(matches!(&found.published, Publication::Scheduled { subject, .. } if subject == "x"), "{found:?}");
    Ok(())
}

async fn seq_at(pool: &PgPool, minutes: i64) -> Result<i64> {
    let seq_at = "SELECT eventwright.seq_at('2026-01-01T00:00:00Z'::timestamptz + make_interval(mins => $1::int))";
    Ok(sqlx::query_scalar(seq_at).bind(minutes).fetch_one(pool).await?)
}

/// Events with these numbers, each published so many minutes into the year.
async fn at_minutes(pool: &PgPool, events: &[(i64, i64)]) -> Result {
    for (seq, minutes) in events {
        sqlx::query("SELECT setval('eventwright.outbox_seq', $1 - 1, $1 > 1)")
            .bind((*seq).max(1))
            .execute(pool)
            .await?;
        open(pool, "x").await?.commit().await?;
        sqlx::query(
            "UPDATE eventwright.outbox SET published_at = '2026-01-01T00:00:00Z'::timestamptz + make_interval(mins => $2::int)
              WHERE seq = $1",
        )
        .bind(seq)
        .bind(minutes)
        .execute(pool)
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_time_is_found_across_gaps_and_empty_partitions() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    assert_eq!(seq_at(pool, 0).await?, 0, "an empty log");
    // two partitions in between are empty
    at_minutes(pool, &[(5, 0), (6, 10), (900_000, 20), (900_001, 30), (3_000_007, 40), (3_000_008, 50)]).await?;
    for (minutes, seq) in
        [(-5, 0), (0, 0), (5, 5), (10, 5), (15, 6), (20, 6), (25, 900_000), (35, 900_001), (40, 900_001)]
    {
        assert_eq!(seq_at(pool, minutes).await?, seq, "{minutes}");
    }
    assert_eq!(seq_at(pool, 45).await?, 3_000_007);
    assert_eq!(seq_at(pool, 1_000_000).await?, 3_000_008);
    sqlx::raw_sql("DROP TABLE eventwright.outbox_to_1000000").execute(pool).await?;
    assert_eq!(seq_at(pool, 25).await?, 0);
    assert_eq!(seq_at(pool, 45).await?, 3_000_007);
    Ok(())
}

/// Who stands still between taking the number and the time has an early number and a late time.
#[tokio::test]
async fn no_event_of_the_time_or_later_is_left_out_though_times_do_not_rise() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    sqlx::raw_sql(
        "INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload, published_at)
         SELECT overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid, 'home.happened', 1, 'home', 'x', now(), 'c', '{}',
                '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => n * 5 + 59 * (n * 7919 % 100) / 100.0)
           FROM generate_series(1, 2000) n",
    )
    .execute(pool)
    .await?;
    for minutes in 0..170 {
        let seq = seq_at(pool, minutes).await?;
        let (left_out, older): (i64, i64) = sqlx::query_as(
            "WITH moment AS (SELECT '2026-01-01T00:00:00Z'::timestamptz + make_interval(mins => $2::int) AS at)
             SELECT count(*) FILTER (WHERE o.seq <= $1 AND o.published_at >= m.at),
                    count(*) FILTER (WHERE o.seq > $1 AND o.published_at < m.at - interval '3 minutes')
               FROM eventwright.outbox o, moment m",
        )
        .bind(seq)
        .bind(minutes)
        .fetch_one(pool)
        .await?;
        assert_eq!((left_out, older), (0, 0), "minute {minutes}: {seq}");
    }
    Ok(())
}

#[tokio::test]
async fn a_group_that_never_ran_has_not_handled_anything() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let event = published(pool, "x", 1).await?;
    let group = Group::new("a", pool).await?;
    assert_eq!(group.next().await?, ["x"]);
    sqlx::raw_sql("INSERT INTO eventwright.groups (name, domain) VALUES ('b', 'home')").execute(pool).await?;
    assert_eq!(standing(pool, "b", event).await?, Standing::Unread { to_go: 0 });
    Ok(())
}
