//! Much in each table, and a group that has everything to do that a group may have to do.

use std::time::Duration;

use eventwright::{
    Batch, CarriesSubject, Context, Event, Failure, Handled, Object, Payload, Publish, Publishable, PublishedBy,
    Publisher, RetryPolicy, Start, SubscribedBy, Subscriber,
};
use sqlx::{Executor, PgPool};
use tokio::sync::oneshot;

use crate::common::{Happened, Home, Result, happened};

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
pub(crate) struct Common {
    about: String,
}

/// One of 5,000.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
pub(crate) struct Rare {
    about: String,
}

macro_rules! payload {
    ($name:ident, $event_type:literal) => {
        impl Payload for $name {
            const EVENT_TYPE: &'static str = $event_type;
            const VERSION: u16 = 1;
        }

        impl CarriesSubject for $name {
            type Subject = String;

            fn subject(&self) -> String {
                self.about.clone()
            }
        }

        impl PublishedBy<Home> for $name {}
        impl Publishable for $name {}
        impl SubscribedBy<Home> for $name {}
    };
}

payload!(Common, "home.common");
payload!(Rare, "home.rare");

/// 200,000 events in four partitions, 50,000 windows, 16 groups of four ranges that hold 2,000 events each, and keys and schedules.
pub(crate) async fn fill(pool: &PgPool) -> Result {
    for part in 0..4_i64 {
        sqlx::query("SELECT setval('eventwright.outbox_seq', greatest((SELECT last_value FROM eventwright.outbox_seq), $1 * 1000000 + 1))")
            .bind(part)
            .execute(pool)
            .await?;
        sqlx::query(
            r#"INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
               SELECT ('01890000-0000-7000-8000-' || lpad(to_hex($1 * 50000 + n), 12, '0'))::uuid,
                      CASE WHEN n % 5000 = 0 THEN 'home.rare' ELSE 'home.common' END, 1, 'home', 's' || n % 20000, now(), 'c',
                      '{"about":"s"}'
                 FROM generate_series(1, 50000) n"#,
        )
        .bind(part)
        .execute(pool)
        .await?;
    }
    pool.execute(
        "INSERT INTO eventwright.windows (id, snapshot, bound, fence) SELECT n, '3:3:', 0, '3' FROM generate_series(1, 50000) n;
         INSERT INTO eventwright.groups (name, domain, event_types) SELECT 'g' || n, 'home', '{home.happened}' FROM generate_series(1, 16) n;
         INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done)
         SELECT name, lo, hi, 0 FROM eventwright.groups g, eventwright.edges(4) WHERE name LIKE 'g%' AND NOT EXISTS
                (SELECT FROM eventwright.positions p WHERE p.group_name = g.name);
         INSERT INTO eventwright.idempotency_keys (source, key, event_id, used_at)
         SELECT 'home', 'k' || n, '01890000-0000-7000-8000-000000000000', now() FROM generate_series(1, 20000) n;
         INSERT INTO eventwright.scheduled
                (due_at, event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         SELECT now() + interval '1 day', ('01890000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid, 'home.happened', 1, 'home',
                's', now(), 'c', '{\"about\":\"s\",\"n\":1}'
           FROM generate_series(1, 20000) n",
    )
    .await?;
    for n in 1..=16 {
        hold(pool, &format!("g{n}"), 2000).await?;
    }
    Ok(())
}

/// Has a group hold events back of 40 subjects: a dead letter each, and what waits behind it; and some of a kind that nobody knows.
async fn hold(pool: &PgPool, group: &str, events: i32) -> Result {
    sqlx::query(
        r#"INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at, published_at,
                                         correlation_id, payload, reason, died_at)
           SELECT $1, n - 1000000, ('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'home.happened',
                  CASE WHEN n % 40 = 7 THEN 9 ELSE 1 END, 'home', 'held' || n % 40, now(), now(), 'c', '{"about":"s","n":1}',
                  CASE WHEN n % 40 = 7 AND n <= 40 THEN 'unknown' WHEN n <= 40 THEN 'dead' ELSE 'behind' END,
                  CASE WHEN n % 40 <> 7 AND n <= 40 THEN now() END
             FROM generate_series(1, $2) n"#,
    )
    .bind(group)
    .bind(events)
    .execute(pool)
    .await?;
    Ok(())
}

fn subscriber(pool: &PgPool, group: &str) -> Subscriber<Home> {
    let retry = RetryPolicy::default().attempts(2).first(Duration::from_millis(5));
    Subscriber::<Home>::new(group, pool.clone()).workers(2).retry(retry).start(Start::Now).rest_after_failures(0)
}

/// Some subjects fail, once or always.
async fn handle(event: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
    match (event.payload.about.as_str(), event.payload.n) {
        ("dies", 0) => Err(Failure::retry("always")),
        ("fails", n) if n % 5 == 0 && fastrand::bool() => Err(Failure::retry("now and then")),
        _ => Ok(()),
    }
}

async fn mail(_: Event<Rare>, _: &()) -> Handled {
    Ok(())
}

fn rare(about: &str) -> Rare {
    Rare::builder().about(about).build()
}

/// Has a group, and publishers, ask all that there is to ask, through `asked`.
pub(crate) async fn run(asked: &PgPool, pool: &PgPool, group: &str) -> Result {
    let home = Publisher::<Home>::new();
    let drain = || subscriber(asked, group).on(handle).effect(mail).drain();
    drain().await?;
    hold(pool, group, 2000).await?;

    // one that is still open when the next window is opened: a straggler of the one after it
    let mut open = pool.begin().await?;
    home.publish(&mut open, happened("straggler", 1)).await?;
    home.publish(&mut *asked.acquire().await?, happened("alone", 1)).await?;
    drain().await?;
    open.commit().await?;
    let mut db = asked.acquire().await?;
    for n in 0..40 {
        home.publish_all(&mut *db, [happened("fails", n), happened("dies", n), happened(&format!("s{n}"), n)]).await?;
    }
    let mut batch = Batch::new();
    batch.add(rare("mail")).add(happened("key", 1).idempotency_key(format!("{group}-1")));
    batch.add(happened("held3", 1)).add(happened("soon", 1).deliver_after(Duration::from_millis(1)));
    home.publish_batch(&mut *db, batch).await?;
    let later = happened("later", 1).deliver_after(Duration::from_secs(3600));
    let later = home.publish(&mut *db, later).await?.event_id;
    assert!(home.cancel(&mut *db, later).await?);
    home.publish(&mut *db, happened("key", 2).idempotency_key(format!("{group}-1"))).await?;
    drop(db);
    drain().await?;

    // all of the log, for what is rare in it, and as much as comes until it is stopped of what is not
    let all = Subscriber::<Home>::new(format!("{group}_rare"), asked.clone()).ranges(1).ignore::<Rare>();
    all.drain().await?;
    let (stop, stopped) = oneshot::channel();
    let stop = std::sync::Mutex::new(Some(stop));
    let count = std::sync::atomic::AtomicU32::new(0);
    let common =
        Subscriber::<Home>::new(format!("{group}_common"), asked.clone()).state((count, stop)).on(count_to_2000);
    common.run_until(async move { stopped.await.unwrap_or(()) }).await?;
    Ok(())
}

/// What a group keeps for the day that its log goes back in time: 10,000 pages of its own and as many of another group, and 20,000 events
/// each that may come again.
async fn remember(pool: &PgPool, group: &str) -> Result {
    for group in [group, "g1"] {
        sqlx::query(
            "WITH pages AS (
                INSERT INTO eventwright.handled (group_name, until, event_ids)
                SELECT $1, n, ARRAY['01890000-0000-7000-8002-000000000000'::uuid] FROM generate_series(1, 10000) n
            )
            INSERT INTO eventwright.repeats (group_name, event_id)
            SELECT $1, ('01890000-0000-7000-8003-' || lpad(to_hex(n), 12, '0'))::uuid FROM generate_series(1, 20000) n
            ON CONFLICT DO NOTHING",
        )
        .bind(group)
        .execute(pool)
        .await?;
    }
    Ok(())
}

/// Has a group in another database than the log ask what only such a group asks, each through its own `asked`.
pub(crate) async fn run_elsewhere(
    log: &PgPool,
    asked_log: &PgPool,
    asked: &PgPool,
    pool: &PgPool,
    group: &str,
) -> Result {
    let home = Publisher::<Home>::new();
    let drain = || subscriber(asked, group).log(asked_log.clone()).on(handle).effect(mail).drain();
    drain().await?;
    remember(pool, group).await?;
    hold(pool, group, 2000).await?;
    let mut open = log.begin().await?;
    home.publish(&mut open, happened("straggler", 1)).await?;
    let mut db = log.acquire().await?;
    for n in 0..40 {
        home.publish_all(&mut *db, [happened("fails", n), happened(&format!("s{n}"), n)]).await?;
    }
    drain().await?;
    open.commit().await?;
    home.publish(&mut *db, rare("mail")).await?;
    drain().await?;
    Ok(())
}

type Stop = (std::sync::atomic::AtomicU32, std::sync::Mutex<Option<oneshot::Sender<()>>>);

async fn count_to_2000(_: Event<Common>, cx: &mut Context<'_, Home, Stop>) -> Handled {
    let (count, stop) = cx.state();
    if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2000 {
        let stop = stop.lock().map_err(|_| Failure::retry("poisoned"))?.take();
        stop.map(|stop| stop.send(()));
    }
    Ok(())
}

/// A subscriber that began while there was nothing.
pub(crate) struct Grown {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), eventwright::Error>>,
}

impl Grown {
    /// Has it ask all that it asks often enough for its sessions to keep the plans: Postgres makes up its mind at the sixth time.
    pub(crate) async fn start(pool: PgPool) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let subscriber = subscriber(&pool, "grown").on(handle).effect(mail).poll_every(Duration::from_millis(10));
        let task = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
        let grown = Self { stop, task };
        while !sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM eventwright.groups)").fetch_one(&pool).await? {
        }
        for n in 0..50 {
            publish_some(&pool, n).await?;
        }
        Ok(grown)
    }

    /// Has it do the same now that there is much.
    pub(crate) async fn go_on(self, pool: &PgPool) -> Result {
        hold(pool, "grown", 2000).await?;
        for n in 0..10 {
            publish_some(pool, n).await?;
        }
        self.stop.send(()).map_err(|()| "nobody to stop")?;
        Ok(self.task.await??)
    }
}

/// Publishes some events and waits until the group is done with them.
async fn publish_some(pool: &PgPool, n: i64) -> Result {
    let home = Publisher::<Home>::new();
    let mut db = pool.acquire().await?;
    for event in [happened("fails", n), happened("fails", n + 1), happened("s", n)] {
        home.publish(&mut *db, event).await?;
    }
    home.publish(&mut *db, rare("mail")).await?;
    let busy = "SELECT EXISTS (SELECT FROM eventwright.held WHERE group_name = 'grown' AND reason IN ('failed', 'effect', 'ready'))
                    OR (SELECT max(seq) FROM eventwright.outbox)
                       > (SELECT min(greatest(done_bound, after_seq)) FROM eventwright.positions WHERE group_name = 'grown')";
    while sqlx::query_scalar(busy).fetch_one(&mut *db).await? {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
