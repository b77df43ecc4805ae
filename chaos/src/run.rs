//! A run: clusters, processes, faults at random, and what came of it.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fastrand::Rng;
use sqlx::PgConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::types::Uuid;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::Result;
use crate::cluster::{Binaries, Cluster};
use crate::faults::{Fault, Happened};
use crate::process::{Process, Role};
use crate::proxy::Proxy;
use crate::publisher;
use crate::skipped::tell_skipped;
use crate::verdict::{self, Verdict};

/// The first has its tables beside the log, the second in another cluster.
pub(crate) const GROUPS: [&str; 2] = ["near", "far"];
const WORKERS_OF_EACH: usize = 2;
const PUBLISHERS: u32 = 3;
const ACCOUNTS: u32 = 40;
/// How long nothing may come when all that goes wrong is over.
const COMES_WITHIN: Duration = Duration::from_secs(120);

/// Publish, handle, do harm, and check that nothing is lost, doubled or out of order
#[derive(Args)]
pub(crate) struct Run {
    /// Each fault once, in about three minutes
    #[arg(long, conflicts_with = "events")]
    short: bool,
    /// Go on until so many events were published
    #[arg(long, default_value_t = 100_000)]
    events: i64,
    /// Transactions in a second, of all publishers together
    #[arg(long, default_value_t = 300)]
    rate: u32,
    /// Of the faults and their times; the processes' races are their own
    #[arg(long)]
    seed: Option<u64>,
    /// Only these faults
    #[arg(long)]
    only: Vec<String>,
}

pub(crate) struct World {
    pub(crate) log: Cluster,
    pub(crate) home: Cluster,
    pub(crate) processes: Vec<Process>,
    /// What was booked and is no more, since the log has gone back in time; some of it may be committed again, if it was prepared.
    pub(crate) lost: HashSet<Uuid>,
    /// What the processes say.
    _said: TempDir,
}

/// Few connections, so that all of them can be taken; everything that is committed is on disk.
pub(crate) const LOG_SETTINGS: &str = "max_connections = 70\nmax_prepared_transactions = 30";
const HOME_SETTINGS: &str = "max_connections = 70";

const TABLES: &str = "CREATE TABLE accounts (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
    CREATE TABLE bookings (event_id uuid PRIMARY KEY, account text NOT NULL, n bigint NOT NULL, booked_at bigint NOT NULL);
    CREATE TABLE effects (k bigserial PRIMARY KEY, grp text NOT NULL, event_id text NOT NULL, account text NOT NULL,
                          n bigint NOT NULL, handled_at bigint NOT NULL)";

const STANDINGS: &str = "SELECT p::text FROM eventwright.positions p UNION ALL SELECT b::text FROM eventwright.begun b
    UNION ALL (SELECT left(h::text, 300) FROM eventwright.held h ORDER BY seq LIMIT 10)";

impl Run {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        println!("seed {seed}");
        let mut rng = Rng::with_seed(seed);
        let mut world = self.world(&mut rng).await?;
        let happened = self.do_harm(&mut world, &mut rng).await?;
        let verdict = world.verdict().await?;
        let fell: u32 = world.processes.iter().map(|process| process.fell).sum();
        println!("{fell} times a handler ended its process");
        let is_well = verdict.tell(&happened, &mut world.log.connect().await?).await?;
        if !is_well {
            world.processes.iter().try_for_each(Process::tell)?;
        }
        Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn world(&self, rng: &mut Rng) -> Result<World> {
        let binaries = tokio::task::spawn_blocking(Binaries::find).await??;
        let log = Cluster::make(&binaries, LOG_SETTINGS).await?;
        let home = Cluster::make(&binaries, HOME_SETTINGS).await?;
        for cluster in [&log, &home] {
            let app = cluster.as_superuser().username("app");
            let pool = PgPoolOptions::new().max_connections(2).connect_with(app).await?;
            eventwright::migrate(&pool).await?;
            sqlx::raw_sql(TABLES).execute(&pool).await?;
            sqlx::query("INSERT INTO accounts SELECT 'a' || g FROM generate_series(0, $1 - 1) g")
                .bind(i32::try_from(ACCOUNTS)?)
                .execute(&pool)
                .await?;
            pool.close().await;
        }
        let mut processes = Vec::new();
        let said = tempfile::Builder::new().prefix("chaos.said.").tempdir()?;
        for number in 0..PUBLISHERS {
            let network = Proxy::to(log.port()).await?;
            let arguments = words([
                ("--url", network.url()),
                ("--seed", rng.u64(..).to_string()),
                ("--accounts", ACCOUNTS.to_string()),
                ("--rate", (self.rate / PUBLISHERS).to_string()),
            ]);
            let mut arguments = [vec!["publisher".into()], arguments].concat();
            if !self.short {
                arguments.push("--batches".into());
            }
            let said = said.path().join(format!("publisher {number}"));
            processes.push(Process::start(Role::Publisher, arguments, vec![network], said)?);
        }
        for (number, group) in GROUPS.iter().enumerate() {
            for of_group in 0..WORKERS_OF_EACH {
                let to_log = Proxy::to(log.port()).await?;
                let mut arguments = vec!["worker".into()];
                arguments.extend(words([
                    ("--group", (*group).into()),
                    ("--fails", "500".into()),
                    ("--aborts", "4000".into()),
                ]));
                let networks = if number == 0 {
                    arguments.extend(words([("--url", to_log.url())]));
                    vec![to_log]
                } else {
                    let to_home = Proxy::to(home.port()).await?;
                    arguments.extend(words([("--url", to_home.url()), ("--log", to_log.url())]));
                    vec![to_home, to_log]
                };
                let said = said.path().join(format!("{group} {of_group}"));
                processes.push(Process::start(Role::Worker(number), arguments, networks, said)?);
            }
        }
        Ok(World { log, home, processes, lost: HashSet::new(), _said: said })
    }

    /// Those that were asked for; says which of them can't be done here.
    fn faults(&self, to: &Cluster) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Fault::ALL.into();
        if !self.only.is_empty() {
            faults.retain(|fault| self.only.iter().any(|only| *only == format!("{fault:?}")));
        }
        faults.retain(|fault| {
            let left_out = fault.is_left_out(to);
            left_out.iter().for_each(|why| println!("{fault:?} is left out: {why}"));
            left_out.is_none()
        });
        faults
    }

    async fn do_harm(&self, world: &mut World, rng: &mut Rng) -> Result<Vec<Happened>> {
        let mut happened = Vec::new();
        let mut faults = self.faults(&world.log);
        loop {
            rng.shuffle(&mut faults);
            for &fault in &faults {
                world.tended(Duration::from_millis(rng.u64(1500..4000))).await?;
                happened.push(world.suffer(fault, rng).await?);
                println!("{fault:?} at {}", crate::contract::now());
                if tell_skipped(&mut world.log.connect().await?).await? {
                    return Ok(happened);
                }
            }
            world.tended(Duration::from_secs(3)).await?;
            let published: i64 = count(&mut world.log.connect().await?, "SELECT count(*) FROM bookings").await?;
            if self.short || published >= self.events {
                return Ok(happened);
            }
        }
    }
}

fn words<const N: usize>(pairs: [(&str, String); N]) -> Vec<String> {
    pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

async fn count(db: &mut PgConnection, query: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(query).fetch_one(db).await?)
}

impl World {
    /// Lets time pass, and starts processes again that ended by themselves.
    pub(crate) async fn tended(&mut self, time: Duration) -> Result {
        let begun = Instant::now();
        while begun.elapsed() < time {
            for process in &mut self.processes {
                process.tend()?;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ends the publishers, waits until everything is handled, and looks at it.
    async fn verdict(&mut self) -> Result<Verdict> {
        for publisher in self.processes.iter_mut().filter(|process| process.role == Role::Publisher) {
            publisher.end().await?;
        }
        let (mut log, mut home) = (self.log.connect().await?, self.home.connect().await?);
        publisher::decide(&mut log, "0 seconds").await?;
        let booked = verdict::booked(&mut log).await?;
        let lost: HashSet<Uuid> = self.lost.iter().filter(|id| !booked.contains_key(id)).copied().collect();
        let lost_texts: Vec<String> = lost.iter().map(|id| format!("evt_{id}")).collect();
        sqlx::raw_sql("CREATE TEMPORARY TABLE lost (event_id text PRIMARY KEY)").execute(&mut home).await?;
        sqlx::query("INSERT INTO lost SELECT unnest($1::text[])").bind(lost_texts).execute(&mut home).await?;
        let handled_and_lost = "SELECT count(*) FROM effects WHERE event_id IN (SELECT event_id FROM pg_temp.lost)";
        let published = count(&mut log, "SELECT count(*) FROM bookings").await?;
        let mut before = 0;
        let mut last_came = Instant::now();
        loop {
            let mut left = 0;
            let mut handled = -count(&mut home, handled_and_lost).await?;
            for db in [&mut log, &mut home] {
                handled += count(db, "SELECT count(*) FROM effects").await?;
                left += count(db, "SELECT count(*) FROM eventwright.held").await?;
            }
            if handled >= published * GROUPS.len() as i64 && left == 0 {
                break;
            }
            if handled > before {
                (before, last_came) = (handled, Instant::now());
            }
            if last_came.elapsed() > COMES_WITHIN {
                println!("nothing has come for {COMES_WITHIN:?}; positions, what was begun, and what is held back:");
                for db in [&mut log, &mut home] {
                    let rows: Vec<String> = sqlx::query_scalar(STANDINGS).fetch_all(db).await?;
                    rows.iter().for_each(|row| println!("  {row}"));
                }
                break;
            }
            self.tended(Duration::from_millis(300)).await?;
        }
        for worker in &mut self.processes {
            worker.end().await?;
        }
        verdict::of(&mut log, &mut home, booked, lost).await
    }
}
