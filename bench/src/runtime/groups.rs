//! What each event costs where several groups read the same log, and where the log is long.

use std::time::Instant;

use eventwright::{Context, Event, Handled, Subscriber};
use futures_util::future::try_join_all;
use sguild_events::{Growth, PaymentReceivedV1};
use sqlx::PgPool;

use crate::events::subjects;
use crate::postgres::{Server, fill};
use crate::turns::{Contender, Table, in_turns};
use crate::{Effort, Result};

const SUBJECTS: usize = 10_000;

pub(crate) async fn run(server: &Server, effort: Effort) -> Result {
    let events = effort.pick(100_000, 2_000);
    let log = server.migrated().await?;
    fill(&log, &subjects(SUBJECTS), events).await?;
    let numbers = [1, 4, 16];
    let mut contenders = numbers.map(|groups| {
        Contender::new(groups.to_string(), {
            let log = &log;
            move |_| drain(log, groups, events)
        })
    });
    let measured = in_turns(effort.rounds(3), &mut contenders).await?;
    println!("\n## Groups");
    let table = Table::new(
        &format!("Several groups handle the same {events} events at the same time, with handlers that do nothing"),
        ["groups", "µs an event and group", "to one group"],
    );
    for side in &measured {
        let ratio = format!("{:.2}", side.ratio(&measured[0]));
        table.row(&[side.name.clone(), format!("{:.1}", side.median()), ratio]);
    }
    server.drop(&log.connect_options()).await
}

/// `huge` adds a backlog of ten million events, some 8 GB.
pub(crate) async fn backlog(server: &Server, effort: Effort, huge: bool) -> Result {
    let mut sizes = effort.pick(vec![10_000, 100_000, 1_000_000], vec![1_000, 5_000]);
    if huge {
        sizes.push(10_000_000);
    }
    let mut logs = Vec::new();
    for events in &sizes {
        let log = server.migrated().await?;
        fill(&log, &subjects(SUBJECTS), *events).await?;
        logs.push((log, *events));
    }
    let mut contenders: Vec<Contender<'_>> =
        logs.iter().map(|(log, events)| Contender::new(events.to_string(), move |_| drain(log, 1, *events))).collect();
    let measured = in_turns(effort.rounds(3), &mut contenders).await?;
    drop(contenders);
    println!("\n## Backlogs");
    let table = Table::new(
        "A new group handles a log of this length, with handlers that do nothing (target: within 1.5 times)",
        ["events", "µs an event", "to the cheapest"],
    );
    let cheapest = measured.iter().min_by(|one, other| one.median().total_cmp(&other.median())).ok_or("no backlog")?;
    for side in &measured {
        let ratio = format!("{:.2}", side.ratio(cheapest));
        table.row(&[side.name.clone(), format!("{:.2}", side.median()), ratio]);
    }
    for (log, _) in &logs {
        server.drop(&log.connect_options()).await?;
    }
    Ok(())
}

/// Microseconds for each event and group.
async fn drain(log: &PgPool, groups: u32, events: i64) -> Result<f64> {
    let start = Instant::now();
    try_join_all((0..groups).map(|group| {
        let subscriber = Subscriber::<Growth>::new(format!("group-{group}"), log.clone());
        subscriber.on(do_nothing).drain()
    }))
    .await?;
    let time = start.elapsed();
    sqlx::query("DELETE FROM eventwright.groups").execute(log).await?;
    Ok(time.as_secs_f64() * 1e6 / (events as f64 * f64::from(groups)))
}

async fn do_nothing(_event: Event<PaymentReceivedV1>, _cx: &mut Context<'_, Growth>) -> Handled {
    Ok(())
}
