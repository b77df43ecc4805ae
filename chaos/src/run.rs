//! A run: faults at random, and what came of it.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fastrand::Rng;
use sqlx::types::Uuid;
use tokio::time::Instant;

use crate::Result;
use crate::cluster::Cluster;
use crate::faults::{Fault, Happened};
use crate::process::{Process, Role};
use crate::publisher;
use crate::skipped::tell_skipped;
use crate::verdict::{self, Verdict};
use crate::world::{GROUPS, World, count};

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

const STANDINGS: &str = "SELECT p::text FROM eventwright.positions p UNION ALL SELECT b::text FROM eventwright.begun b
    UNION ALL (SELECT left(h::text, 300) FROM eventwright.held h ORDER BY seq LIMIT 10)";

impl Run {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        println!("seed {seed}");
        let mut rng = Rng::with_seed(seed);
        let mut world = World::make(self.rate, !self.short, &mut rng).await?;
        let happened = self.do_harm(&mut world, &mut rng).await?;
        let verdict = verdict(&mut world).await?;
        let fell: u32 = world.processes.iter().map(|process| process.fell).sum();
        println!("{fell} times a handler ended its process");
        let is_well = verdict.tell(&happened, &mut world.log.connect().await?).await?;
        if !is_well {
            world.processes.iter().try_for_each(Process::tell)?;
        }
        Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

/// Ends the publishers, waits until everything is handled, and looks at it.
async fn verdict(world: &mut World) -> Result<Verdict> {
    for publisher in world.processes.iter_mut().filter(|process| process.role == Role::Publisher) {
        publisher.end().await?;
    }
    let (mut log, mut home) = (world.log.connect().await?, world.home.connect().await?);
    publisher::decide(&mut log, "0 seconds").await?;
    let booked = verdict::booked(&mut log).await?;
    let lost: HashSet<Uuid> = world.lost.iter().filter(|id| !booked.contains_key(id)).copied().collect();
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
        world.tended(Duration::from_millis(300)).await?;
    }
    for worker in &mut world.processes {
        worker.end().await?;
    }
    verdict::of(&mut log, &mut home, booked, lost).await
}
