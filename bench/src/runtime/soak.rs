//! A steady rate for a long time, then the same while a stranger keeps a snapshot open: what grows?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventwright::{Context, Event, Handled, Publisher, Subscriber};
use sguild_events::{Growth, PaymentReceivedV1, PersonId, Revenue};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::events::{payment, subjects};
use crate::postgres::Server;
use crate::turns::{Table, median, percentile};
use crate::{Effort, Result};

const PUBLISHERS: u32 = 4;
const TABLES: [&str; 5] = ["outbox", "windows", "positions", "begun", "held"];
/// Events stay as short as can be, in small partitions, so that retention has its turn several times.
const SMALL: &str = r"
    DO $$ DECLARE partition text; BEGIN
        FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'eventwright.outbox'::regclass LOOP
            EXECUTE 'DROP TABLE ' || partition;
        END LOOP;
    END $$;
    SELECT eventwright.ensure_partitions(150000, 30000);
    UPDATE eventwright.settings SET keep = '1 minute'";
/// Samples of a smoke run are short, and few.
const QUICK_SAMPLE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
pub(crate) struct Soak {
    /// Of each of the two parts.
    pub(crate) minutes: usize,
    /// Events a second.
    pub(crate) rate: u32,
}

/// Between publishers, the handler and the samples.
#[derive(Default)]
struct Traffic {
    /// When each event's commit began.
    underway: Mutex<HashMap<i64, Instant>>,
    latencies: Mutex<Vec<f64>>,
}

impl Traffic {
    fn begin(&self, number: i64) {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Instant::now());
    }

    fn end(&self, number: i64) {
        let began = self.underway.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        // one that is rolled back and handled again was late enough the first time
        let Some(began) = began else { return };
        let latency = began.elapsed().as_secs_f64() * 1e3;
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(latency);
    }

    fn take(&self) -> Vec<f64> {
        std::mem::take(&mut self.latencies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn waiting(&self) -> usize {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

pub(crate) async fn run(server: &Server, effort: Effort, soak: Soak) -> Result {
    let (sample, samples) = effort.pick((Duration::from_secs(60), soak.minutes), (QUICK_SAMPLE, 2));
    let pool = server.migrated().await?;
    sqlx::raw_sql(SMALL).execute(&pool).await?;
    let traffic = Arc::new(Traffic::default());
    let (stop, stopped) = oneshot::channel();
    let subscriber = Subscriber::<Growth>::new("soak", pool.clone()).state(Arc::clone(&traffic)).on(handle);
    let handling = tokio::spawn(subscriber.run_until(async move { stopped.await.unwrap_or(()) }));
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        publishers.spawn(publish(pool.clone(), Arc::clone(&traffic), publisher, soak.rate));
    }

    println!("\n## Soak: {} events a second, samples of {sample:?}", soak.rate);
    phase("As usual", &pool, &traffic, sample, samples).await?;
    let mut stranger = PgConnection::connect_with(&pool.connect_options()).await?;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM eventwright.groups")
        .execute(&mut stranger)
        .await?;
    phase("While a stranger keeps a snapshot open", &pool, &traffic, sample, samples).await?;
    stranger.close().await?;

    publishers.abort_all();
    while let Some(ended) = publishers.join_next().await {
        match ended {
            Ok(early) => early?,
            Err(error) if error.is_cancelled() => {}
            Err(error) => return Err(error.into()),
        }
    }
    stop.send(()).map_err(|()| "the subscriber ended before it was stopped")?;
    handling.await??;
    server.drop(&pool.connect_options()).await
}

/// One sample.
struct Sample {
    rate: f64,
    p50: f64,
    p99: f64,
    resident_mb: f64,
    waiting: f64,
    /// Megabytes and dead rows of each table.
    tables: Vec<(f64, f64)>,
    /// Partitions of the log, since the start.
    removed: i64,
}

async fn phase(title: &str, pool: &PgPool, traffic: &Traffic, time: Duration, samples: usize) -> Result {
    let table = Table::new(
        title,
        [
            "sample",
            "handled/s",
            "p50, ms",
            "p99, ms",
            "not handled yet",
            "memory, MB",
            "size of tables in MB, dead rows",
            "partitions removed",
        ],
    );
    let mut taken = Vec::with_capacity(samples);
    traffic.take();
    for number in 1..=samples {
        let start = Instant::now();
        tokio::time::sleep(time).await;
        let sample = Sample::take(pool, traffic, start.elapsed()).await?;
        let tables = TABLES.iter().zip(&sample.tables).map(|(name, (mb, dead))| format!("{name} {mb:.2}, {dead:.0}"));
        table.row(&[
            number.to_string(),
            format!("{:.0}", sample.rate),
            format!("{:.2}", sample.p50),
            format!("{:.2}", sample.p99),
            format!("{:.0}", sample.waiting),
            format!("{:.1}", sample.resident_mb),
            tables.collect::<Vec<_>>().join("; "),
            sample.removed.to_string(),
        ]);
        taken.push(sample);
    }
    halves(&taken);
    Ok(())
}

/// The medians of the second half against those of the first. The log grows until its first partition is full, and stays as long as then.
fn halves(samples: &[Sample]) {
    let (first, second) = samples.split_at(samples.len() / 2);
    let table = Table::new("Second half to first half", ["", "first", "second", "ratio"]);
    let row = |name: String, value: &dyn Fn(&Sample) -> f64| {
        let [first, second] = [first, second].map(|half| median(half.iter().map(value).collect()));
        let ratio = if first == second { 1.0 } else { second / first };
        table.row(&[name, format!("{first:.2}"), format!("{second:.2}"), format!("{ratio:.2}")]);
    };
    row("handled/s".into(), &|sample| sample.rate);
    row("p50, ms".into(), &|sample| sample.p50);
    row("p99, ms".into(), &|sample| sample.p99);
    row("memory, MB".into(), &|sample| sample.resident_mb);
    for (at, name) in TABLES.iter().enumerate() {
        row(format!("{name}, MB"), &|sample| sample.tables[at].0);
        row(format!("{name}, dead rows"), &|sample| sample.tables[at].1);
    }
}

impl Sample {
    async fn take(pool: &PgPool, traffic: &Traffic, time: Duration) -> Result<Self> {
        const HELD: &str = "
            SELECT sum(pg_total_relation_size(s.relid))::double precision / 1e6, sum(s.n_dead_tup)::double precision
              FROM unnest($1::text[]) WITH ORDINALITY t (name, n)
              JOIN pg_stat_all_tables s
                ON s.relid = ('eventwright.' || t.name)::regclass
                OR s.relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = ('eventwright.' || t.name)::regclass)
             GROUP BY t.n ORDER BY t.n";
        let mut latencies = traffic.take();
        let tables: Vec<(f64, f64)> = sqlx::query_as(HELD).bind(TABLES.as_slice()).fetch_all(pool).await?;
        let removed = sqlx::query_scalar("SELECT count(dropped_at) FROM eventwright.expired").fetch_one(pool).await?;
        Ok(Self {
            rate: latencies.len() as f64 / time.as_secs_f64(),
            p50: percentile(&mut latencies, 0.5),
            p99: percentile(&mut latencies, 0.99),
            resident_mb: resident_mb()?,
            waiting: traffic.waiting() as f64,
            tables,
            removed,
        })
    }
}

/// This process: publishers, the subscriber and the benchmark.
fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("/proc/self/status has no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

/// Publishes at its share of the rate until it is aborted; where it falls behind, it catches up.
async fn publish(pool: PgPool, traffic: Arc<Traffic>, publisher: u32, rate: u32) -> Result {
    let mut db = PgConnection::connect_with(&pool.connect_options()).await?;
    let sales = Publisher::<Revenue>::new();
    let orders = subjects(1000);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) * PUBLISHERS / rate.max(1));
    for n in 1.. {
        ticks.tick().await;
        let number = n * i64::from(PUBLISHERS) + i64::from(publisher);
        let mut tx = db.begin().await?;
        sales.publish(&mut *tx, payment(orders[n as usize % orders.len()], PersonId::new(), number)?).await?;
        traffic.begin(number);
        tx.commit().await?;
    }
    Ok(())
}

async fn handle(event: Event<PaymentReceivedV1>, cx: &mut Context<'_, Growth, Arc<Traffic>>) -> Handled {
    cx.state().end(event.payload.amount_cents.into());
    Ok(())
}
