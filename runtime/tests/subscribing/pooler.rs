//! Behind a real PgBouncer: publishers that share a few connections by the transaction, and subscribers that keep theirs.

use std::time::Duration;

use crate::common::pgbouncer::PgBouncer;
use crate::common::{Group, Happened, Home, Result, happened, publish, record};
use eventwright::testing::{Server, Settings};
use eventwright::{Context, Error, Event, Failure, Handled, HandlerFn, Publisher, RetryPolicy, Start, Subscriber};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use tokio::task::JoinSet;

const PUBLISHERS: i64 = 12;
const EACH: i64 = 25;
const SUBJECTS: i64 = 4;
/// Fewer than there are clients, so that they meet on the server's connections; and one more than there are workers, which is enough.
const CONNECTIONS: u16 = 3;
/// The others are rolled back.
const PUBLISHED: usize = (PUBLISHERS * EACH * 4 / 5) as usize;

async fn publisher(options: PgConnectOptions, number: i64) -> Result {
    let mut db = options.connect().await?;
    let publisher = Publisher::<Home>::new().behind_pooler();
    let outside = publisher.publish(&mut db, happened("outside", 1)).await;
    assert!(matches!(outside, Err(Error::OutsideOfTransaction)), "{outside:?}");
    for k in 0..EACH {
        let subject = format!("s{}", (number + k) % SUBJECTS);
        let mut tx = db.begin().await?;
        let n: i64 = sqlx::query_scalar("UPDATE subjects SET n = n + 1 WHERE id = $1 RETURNING n")
            .bind(&subject)
            .persistent(false)
            .fetch_one(&mut *tx)
            .await?;
        publisher.publish(&mut tx, happened(&subject, n)).await?;
        if k % 5 == 4 { tx.rollback().await? } else { tx.commit().await? }
    }
    Ok(())
}

/// As `record`, with a statement that has no name: a named one would stay with a connection to the server that the next transaction may
/// not get.
async fn record_unnamed(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    let group = *cx.state();
    sqlx::query("INSERT INTO effects (grp, about, n) VALUES ($1, $2, $3)")
        .bind(group)
        .bind(&event.payload.about)
        .bind(event.payload.n)
        .persistent(false)
        .execute(cx.tx())
        .await?;
    Ok(())
}

struct Bench {
    pooler: PgBouncer,
    /// By the session.
    pool: PgPool,
    server: PgConnectOptions,
    _server: Server,
}

impl Bench {
    async fn new() -> Result<Option<Self>> {
        if !PgBouncer::is_installed() {
            eprintln!("skipped: no pgbouncer (apt-get install pgbouncer)");
            return Ok(None);
        }
        let settings = Settings::new().ignore_database_url().durable(false);
        let running = tokio::task::spawn_blocking(|| settings.start()).await??;
        let server: PgConnectOptions = running.url().parse()?;
        let pooler = PgBouncer::before(&server, CONNECTIONS)?;
        let pool = PgPoolOptions::new().max_connections(10).connect_with(pooler.by_session(&server)).await?;
        eventwright::migrate(&pool).await?;
        sqlx::raw_sql(
            "CREATE TABLE subjects (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
             INSERT INTO subjects SELECT 's' || g FROM generate_series(0, 3) g",
        )
        .execute(&pool)
        .await?;
        Ok(Some(Self { pooler, pool, server, _server: running }))
    }

    /// By the transaction, with connections to the server that are taken in turns.
    async fn shared(&self) -> Result<PgPool> {
        let shared = PgPoolOptions::new().connect_with(self.pooler.by_transaction(&self.server)).await?;
        // there is another one only once the first is in use
        let both = (shared.begin().await?, shared.begin().await?);
        tokio::try_join!(both.0.rollback(), both.1.rollback())?;
        Ok(shared)
    }

    /// Has more publishers than the pooler has connections, while the subscriber runs until all is handled.
    async fn run<F>(
        &self,
        subscriber: impl FnOnce(&Group) -> Result<Subscriber<Home, &'static str>>,
        handler: F,
    ) -> Result
    where
        F: for<'a> HandlerFn<'a, Happened, Home, &'static str> + Send + Sync + 'static,
    {
        let group = Group::new("a", &self.pool).await?.straight();
        let handled = async {
            while group.all().await.map_or(0, |handled| handled.len()) < PUBLISHED {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let publishing = async {
            let mut publishers: JoinSet<Result> = JoinSet::new();
            for number in 0..PUBLISHERS {
                publishers.spawn(publisher(self.pooler.by_transaction(&self.server), number));
            }
            while let Some(published) = publishers.join_next().await {
                published??;
            }
            Result::<()>::Ok(())
        };
        let handling = async { Ok(subscriber(&group)?.on(handler).run_until(handled).await?) };
        let both = async { tokio::try_join!(publishing, handling) };
        tokio::time::timeout(Duration::from_secs(60), both).await.map_err(|_| "not all came")??;
        self.check(&group).await
    }

    async fn check(&self, group: &Group) -> Result {
        // what comes too often comes now
        group.next().await?;
        let handled: Vec<(String, i64)> =
            sqlx::query_as("SELECT about, n FROM effects ORDER BY k").fetch_all(&self.pool).await?;
        assert_eq!(handled.len(), PUBLISHED);
        for subject in 0..SUBJECTS {
            let about = format!("s{subject}");
            let numbers: Vec<i64> = handled.iter().filter(|(of, _)| *of == about).map(|(_, n)| *n).collect();
            assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "{about}");
        }
        Ok(())
    }
}

/// Publishers share connections by the transaction; the subscriber keeps its own, and is woken by way of the pooler, too.
#[tokio::test]
async fn a_subscriber_works_by_way_of_a_pooler_that_keeps_sessions() -> Result {
    let Some(bench) = Bench::new().await? else { return Ok(()) };
    bench.run(|group| Ok(group.subscriber()), record).await
}

/// All share connections by the transaction, also where events fail now and then and are held back.
#[tokio::test]
async fn a_subscriber_works_by_way_of_a_pooler_that_keeps_nothing() -> Result {
    async fn record_or_fail(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
        record_unnamed(event, cx).await?;
        if fastrand::u8(..20) == 0 { Err(Failure::retry("now and then")) } else { Ok(()) }
    }
    let Some(bench) = Bench::new().await? else { return Ok(()) };
    let shared = bench.shared().await?;
    let subscriber = |_: &Group| {
        let subscriber = Subscriber::<Home>::new("a", shared).behind_pooler();
        let retry = RetryPolicy::default().first(Duration::from_millis(5)).attempts(1_000);
        Ok(subscriber.workers(2).retry(retry).poll_every(Duration::from_millis(10)).state("a"))
    };
    bench.run(subscriber, record_or_fail).await
}

/// What it asks before it runs goes by the same way.
#[tokio::test]
async fn a_group_behind_a_pooler_begins_after_the_event_that_it_is_told() -> Result {
    let Some(bench) = Bench::new().await? else { return Ok(()) };
    let mut straight = bench.server.connect().await?;
    let first = publish(&mut straight, "x", 1).await?;
    publish(&mut straight, "x", 2).await?;
    Group::new("a", &bench.pool).await?;
    let subscriber =
        Subscriber::<Home>::new("a", bench.shared().await?).behind_pooler().workers(2).start(Start::After(first));
    subscriber.state("a").on(record_unnamed).drain().await?;
    let handled: Vec<i64> = sqlx::query_scalar("SELECT n FROM effects").fetch_all(&mut straight).await?;
    assert_eq!(handled, [2]);
    Ok(())
}

/// So does what a handler publishes, which is not tried again here.
#[tokio::test]
async fn handlers_behind_a_pooler_publish_in_their_transactions() -> Result {
    async fn answer(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        if event.payload.about.starts_with("answer") {
            return Ok(());
        }
        let n = event.payload.n;
        cx.publish(happened("answer", n)).await?;
        cx.publish_all([happened("answers", n), happened("answers", n)]).await?;
        cx.cancel(event.envelope.event_id).await?;
        Ok(())
    }
    let Some(bench) = Bench::new().await? else { return Ok(()) };
    let mut straight = bench.server.connect().await?;
    for n in 1..=6 {
        publish(&mut straight, &format!("s{n}"), n).await?;
    }
    let subscriber = Subscriber::<Home>::new("a", bench.shared().await?).behind_pooler().workers(2).chunk(1);
    subscriber.retry(RetryPolicy::default().attempts(1)).on(answer).drain().await?;
    let errors: Vec<String> =
        sqlx::query_scalar("SELECT last_error FROM eventwright.held").fetch_all(&mut straight).await?;
    assert_eq!(errors, [""; 0]);
    let answers = "SELECT count(*) FROM eventwright.outbox WHERE subject LIKE 'answer%'";
    let answers: i64 = sqlx::query_scalar(answers).fetch_one(&mut straight).await?;
    assert_eq!(answers, 18);
    Ok(())
}
