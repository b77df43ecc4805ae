//! From a commit to the start of the handler.

use std::time::{Duration, Instant};

use eventwright::{Context, Event, Handled, Publisher, Subscriber};
use sguild_events::{Growth, OrderId, PaymentReceivedV1, PersonId, Revenue};
use sqlx::postgres::PgListener;
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::events::payment;
use crate::postgres::Server;
use crate::turns::{Table, percentile};
use crate::{Effort, Result, by_hand};

/// Events that one side publishes before it is the other's turn.
const TURN: usize = 25;
const LONGEST: Duration = Duration::from_secs(30);

/// Which event began to be handled, and when.
type Starts = UnboundedReceiver<(i64, Instant)>;

pub(crate) async fn run(server: &Server, effort: Effort) -> Result {
    let ours = Ours::start(server).await?;
    let bare = Bare::start(server).await?;
    let (mut ours, mut bare) = (ours, bare);
    println!("\n## Latency at low load");
    let table = Table::new(
        "From the commit's answer to the start of the handler, in ms (targets: p50 1.3 times, p99 2 times)",
        [
            "an event each",
            "events",
            "bare p50",
            "ours p50",
            "ratio",
            "bare p99",
            "ours p99",
            "ratio",
            "bare max",
            "ours max",
        ],
    );
    for (pause, events) in [(20, effort.pick(1000, TURN)), (200, effort.pick(200, TURN)), (5, effort.pick(2000, TURN))]
    {
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..events / TURN {
            for _ in 0..TURN {
                theirs.push(bare.one().await?);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            for _ in 0..TURN {
                own.push(ours.one().await?);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
        let [p50, p99, max] =
            [0.5, 0.99, 1.0].map(|share| (percentile(&mut theirs, share), percentile(&mut own, share)));
        let ratio = |(theirs, ours): (f64, f64)| format!("{:.2}", ours / theirs);
        let ms = |time: f64| format!("{time:.2}");
        table.row(&[
            format!("{pause} ms"),
            own.len().to_string(),
            ms(p50.0),
            ms(p50.1),
            ratio(p50),
            ms(p99.0),
            ms(p99.1),
            ratio(p99),
            ms(max.0),
            ms(max.1),
        ]);
    }
    around_falling_asleep(&mut ours, effort.pick(300, 5)).await?;
    bare.stop();
    ours.stop().await
}

/// An event of a transaction that was open while the subscriber fell asleep, so that it may have found nobody to notify.
async fn around_falling_asleep(ours: &mut Ours, events: usize) -> Result {
    let mut rng = fastrand::Rng::new();
    let mut late = Vec::new();
    for _ in 0..events {
        ours.one().await?;
        // the subscriber is awake, and is about to fall asleep at some time after this
        tokio::time::sleep(Duration::from_micros(rng.u64(0..20_000))).await;
        late.push(ours.held_open(Duration::from_millis(50)).await?);
        // it may be in any phase of its falling asleep next time, too
        tokio::time::sleep(Duration::from_millis(rng.u64(0..100))).await;
    }
    let table = Table::new(
        "An event of a transaction that is open for 50 ms while the subscriber falls asleep, in ms (target: at most 100)",
        ["events", "p50", "p99", "max"],
    );
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| format!("{:.2}", percentile(&mut late, share)));
    table.row(&[late.len().to_string(), p50, p99, max]);
    Ok(())
}

/// Milliseconds, negative where the handler was faster than the commit's answer to the publisher.
fn milliseconds(from: Instant, to: Instant) -> f64 {
    (to.saturating_duration_since(from).as_secs_f64() - from.saturating_duration_since(to).as_secs_f64()) * 1e3
}

async fn started(starts: &mut Starts, number: i64) -> Result<Instant> {
    let received = tokio::time::timeout(LONGEST, starts.recv()).await.map_err(|_| "an event never came")?;
    match received {
        Some((came, at)) if came == number => Ok(at),
        Some((came, _)) => Err(format!("event {came} came in place of {number}").into()),
        None => Err("the subscriber ended".into()),
    }
}

/// A subscriber with one handler, and a publisher.
struct Ours {
    db: PgConnection,
    publisher: Publisher<Revenue>,
    number: i64,
    starts: Starts,
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<Result<(), eventwright::Error>>,
}

impl Ours {
    async fn start(server: &Server) -> Result<Self> {
        let pool = server.migrated().await?;
        let (sender, starts) = unbounded_channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let subscriber = Subscriber::<Growth>::new("latency", pool.clone()).state(sender).on(handle);
        let task = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
        let db = PgConnection::connect_with(&pool.connect_options()).await?;
        let mut ours = Self { db, publisher: Publisher::new(), number: 0, starts, stop, task };
        ours.one().await?;
        Ok(ours)
    }

    async fn one(&mut self) -> Result<f64> {
        self.held_open(Duration::ZERO).await
    }

    async fn held_open(&mut self, time: Duration) -> Result<f64> {
        self.number += 1;
        let mut tx = self.db.begin().await?;
        self.publisher.publish(&mut tx, payment(OrderId::new(), PersonId::new(), self.number)?).await?;
        tokio::time::sleep(time).await;
        tx.commit().await?;
        let committed = Instant::now();
        Ok(milliseconds(committed, started(&mut self.starts, self.number).await?))
    }

    async fn stop(self) -> Result {
        self.stop.send(()).map_err(|()| "the subscriber ended")?;
        Ok(self.task.await??)
    }
}

async fn handle(
    event: Event<PaymentReceivedV1>,
    cx: &mut Context<'_, Growth, UnboundedSender<(i64, Instant)>>,
) -> Handled {
    cx.state().send((event.payload.amount_cents.into(), Instant::now()))?;
    Ok(())
}

/// A transaction that notifies, and a listener that selects.
struct Bare {
    db: PgConnection,
    number: i64,
    starts: Starts,
    task: JoinHandle<Result>,
}

impl Bare {
    async fn start(server: &Server) -> Result<Self> {
        let pool = crate::postgres::pool(&server.database().await?);
        sqlx::query(by_hand::OUTBOX).execute(&pool).await?;
        let (sender, starts) = unbounded_channel();
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen("by_hand").await?;
        let db = PgConnection::connect_with(&pool.connect_options()).await?;
        let task =
            tokio::spawn(by_hand::on_notify(listener, pool, move |number| Ok(sender.send((number, Instant::now()))?)));
        let mut bare = Self { db, number: 0, starts, task };
        bare.one().await?;
        Ok(bare)
    }

    async fn one(&mut self) -> Result<f64> {
        self.number += 1;
        let mut tx = self.db.begin().await?;
        by_hand::publish(&mut tx, by_hand::Table::Own, OrderId::new(), PersonId::new(), self.number).await?;
        sqlx::query("SELECT pg_notify('by_hand', '')").execute(&mut *tx).await?;
        tx.commit().await?;
        let committed = Instant::now();
        Ok(milliseconds(committed, started(&mut self.starts, self.number).await?))
    }

    fn stop(self) {
        self.task.abort();
    }
}
