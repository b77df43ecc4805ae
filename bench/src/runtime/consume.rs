//! Handling a backlog: what eventwright adds to reading the rows, and to writing what handlers write.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventwright::{Context, Event, Failure, Handled, RetryPolicy, Subscriber};
use sguild_events::{Growth, PaymentReceivedV1};
use sqlx::PgPool;

use crate::events::subjects;
use crate::postgres::{Server, fill};
use crate::turns::{Contender, Measured, Table, in_turns};
use crate::{Effort, Result, by_hand};

/// Where the same chunks are handled by hand.
const CHUNK: u16 = 256;
const WORKERS: u16 = 4;

pub(crate) async fn run(server: &Server, effort: Effort) -> Result {
    let events = effort.pick(100_000, 2_000);
    let rounds = effort.rounds(5);
    for (name, count) in [("10,000 subjects", 10_000), ("100 subjects", 100)] {
        let pool = server.migrated().await?;
        fill(&pool, &subjects(count), events).await?;
        sqlx::query(by_hand::HANDLED).execute(&pool).await?;
        sqlx::query(by_hand::POSITIONS).execute(&pool).await?;
        println!("\n## Consuming {events} events of {name}");
        read(&pool, events, rounds).await?;
        write(&pool, events, rounds).await?;
        server.drop(&pool.connect_options()).await?;
    }
    Ok(())
}

/// How a group of ours runs.
#[derive(Clone, Copy)]
struct Ours {
    workers: u16,
    /// If not as it comes.
    chunk: Option<u16>,
    writes: bool,
    /// Whether one event of a hundred fails at its first attempt.
    fails: bool,
}

const AS_IT_COMES: Ours = Ours { workers: WORKERS, chunk: None, writes: false, fails: false };

/// Handlers that do nothing.
async fn read(pool: &PgPool, events: i64, rounds: usize) -> Result {
    let one = Ours { workers: 1, ..AS_IT_COMES };
    let measured = in_turns(
        rounds,
        &mut [
            Contender::new("cursor, owned rows", |_| by_cursor(pool, events, false)),
            Contender::new("cursor, `serde_json` decodes", |_| by_cursor(pool, events, true)),
            Contender::new("ours as it comes", |round| AS_IT_COMES.drain(pool, events, round)),
            Contender::new("ours, one worker, one range", move |round| one.drain(pool, events, round)),
            Contender::new("the same, chunks of 256", move |round| {
                Ours { chunk: Some(CHUNK), ..one }.drain(pool, events, round)
            }),
            Contender::new("ours as it comes, 1 % fail once", |round| {
                Ours { fails: true, ..AS_IT_COMES }.drain(pool, events, round)
            }),
        ],
    )
    .await?;
    let table = Table::new(
        "Handlers that do nothing; events a second (target: 0.5 of reading rows; 0.5 of no failures)",
        ["", "events/s", "to owned rows", "to decoded rows", "to no failures"],
    );
    for (at, side) in measured.iter().enumerate() {
        let ratio =
            |shown: bool, to: usize| if shown { format!("{:.2}", side.ratio(&measured[to])) } else { String::new() };
        table.row(&[side.name.clone(), rate(side), ratio(at > 1, 0), ratio(at > 1, 1), ratio(at == 5, 2)]);
    }
    Ok(())
}

/// Handlers that write a row.
async fn write(pool: &PgPool, events: i64, rounds: usize) -> Result {
    let four = Ours { writes: true, chunk: Some(CHUNK), ..AS_IT_COMES };
    let measured = in_turns(
        rounds,
        &mut [
            Contender::new("1", |_| by_loops(pool, events, 1)),
            Contender::new("1", move |round| Ours { workers: 1, ..four }.drain(pool, events, round)),
            Contender::new("4", |_| by_loops(pool, events, WORKERS)),
            Contender::new("4", move |round| four.drain(pool, events, round)),
            Contender::new("4, 1 % fail once", move |round| Ours { fails: true, ..four }.drain(pool, events, round)),
        ],
    )
    .await?;
    let table = Table::new(
        "Handlers that write a row, chunks of 256; events a second (target: 0.8 of loops; 0.5 of no failures)",
        ["workers", "loops by hand", "ours", "to loops", "to no failures"],
    );
    for at in [1, 3] {
        let (ours, by_hand) = (&measured[at], &measured[at - 1]);
        let ratio = format!("{:.2}", ours.ratio(by_hand));
        table.row(&[ours.name.clone(), rate(by_hand), rate(ours), ratio, String::new()]);
    }
    let (failing, to_no_failures) = (&measured[4], format!("{:.2}", measured[4].ratio(&measured[3])));
    table.row(&[failing.name.clone(), String::new(), rate(failing), String::new(), to_no_failures]);
    Ok(())
}

fn rate(measured: &Measured) -> String {
    format!("{:.0}", measured.median())
}

async fn by_cursor(pool: &PgPool, events: i64, decode: bool) -> Result<f64> {
    let start = Instant::now();
    let count = by_hand::read_by_cursor(pool, decode).await?;
    per_second(start.elapsed(), events, count as i64)
}

async fn by_loops(pool: &PgPool, events: i64, loops: u16) -> Result<f64> {
    sqlx::query("TRUNCATE handled").execute(pool).await?;
    let start = Instant::now();
    by_hand::handle_by_loops(pool, loops.cast_signed(), i64::from(CHUNK)).await?;
    per_second(start.elapsed(), events, written(pool).await?)
}

/// A rate, unless events are missing or were handled twice.
fn per_second(time: Duration, events: i64, handled: i64) -> Result<f64> {
    if handled != events {
        return Err(format!("{handled} of {events} events were handled").into());
    }
    Ok(events as f64 / time.as_secs_f64())
}

async fn written(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM handled").fetch_one(pool).await?)
}

/// What handlers share.
#[derive(Default)]
struct Seen {
    fails: bool,
    failed: Mutex<HashSet<i64>>,
    /// Successes, those included that were rolled back because another event of the page failed.
    handled: AtomicI64,
}

impl Seen {
    fn see(&self, event: &PaymentReceivedV1) -> Handled {
        let number = i64::from(event.amount_cents);
        if self.fails
            && one_of_a_hundred(number)
            && self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(number)
        {
            return Err(Failure::retry("one of a hundred fails once"));
        }
        self.handled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Ours {
    /// Handles the whole log as a new group.
    async fn drain(self, pool: &PgPool, events: i64, round: usize) -> Result<f64> {
        sqlx::query("TRUNCATE handled").execute(pool).await?;
        let seen = Arc::new(Seen { fails: self.fails, ..Seen::default() });
        let subscriber = Subscriber::<Growth>::new(format!("round-{round}"), pool.clone())
            .workers(self.workers)
            .ranges(self.workers)
            .retry(RetryPolicy::default().first(Duration::from_millis(1)))
            .state(Arc::clone(&seen));
        let subscriber = match self.chunk {
            Some(chunk) => subscriber.chunk(chunk),
            None => subscriber,
        };
        let subscriber = if self.writes { subscriber.on(write_row) } else { subscriber.on(do_nothing) };
        let start = Instant::now();
        subscriber.drain().await?;
        let time = start.elapsed();
        // positions, and what else there is of it
        sqlx::query("DELETE FROM eventwright.groups").execute(pool).await?;
        let handled = if self.writes { written(pool).await? } else { seen.handled.load(Ordering::Relaxed) };
        per_second(time, events, if self.fails && !self.writes { handled.min(events) } else { handled })
    }
}

/// Spread over all subjects, which come in turns: each hundredth would be events of one subject alone, and its handler seem broken.
fn one_of_a_hundred(number: i64) -> bool {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, 6.4)
    (number.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).is_multiple_of(100)
}

async fn do_nothing(event: Event<PaymentReceivedV1>, cx: &mut Context<'_, Growth, Arc<Seen>>) -> Handled {
    cx.state().see(&event.payload)
}

async fn write_row(event: Event<PaymentReceivedV1>, cx: &mut Context<'_, Growth, Arc<Seen>>) -> Handled {
    let PaymentReceivedV1 { order_id, amount_cents, .. } = &event.payload;
    sqlx::query(by_hand::HANDLE).bind(order_id).bind(i64::from(*amount_cents)).execute(cx.tx()).await?;
    // fails with something to undo
    cx.state().see(&event.payload)
}
