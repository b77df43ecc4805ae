//! Handling a backlog, and what it leaves behind.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgPool};

use crate::Result;
use crate::postgres::{Server, pool};
use crate::rival::Rival;
use crate::turns::{Contender, Table, in_turns, median};

/// Sessions report their counts at the end of a transaction, but not more often than each second.
const COUNTS_ARRIVE: Duration = Duration::from_millis(1500);

/// What a database held, and how many row versions were ever made useless in it.
#[derive(Clone, Copy)]
struct Held {
    bytes: i64,
    dead_made: i64,
    dead_now: i64,
}

impl Held {
    async fn of(pool: &PgPool) -> Result<Self> {
        const HELD: &str = "
            SELECT sum(pg_total_relation_size(relid))::bigint, sum(n_tup_upd + n_tup_del)::bigint, sum(n_dead_tup)::bigint
              FROM pg_stat_user_tables";
        tokio::time::sleep(COUNTS_ARRIVE).await;
        let (bytes, dead_made, dead_now) = sqlx::query_as(HELD).fetch_one(pool).await?;
        Ok(Self { bytes, dead_made, dead_now })
    }
}

/// What a drain left behind: row versions made useless and still there for each event and group, and growth in bytes.
type Left = Mutex<HashMap<&'static str, Vec<[f64; 3]>>>;

pub(crate) async fn run(server: &Server, rivals: &[Box<dyn Rival>], rounds: usize, events: i64, groups: u16) -> Result {
    let left = Left::default();
    let mut contenders: Vec<Contender<'_>> = rivals
        .iter()
        .map(|rival| {
            let left = &left;
            Contender::new(rival.name(), move |_| turn(server, &**rival, left, events, groups))
        })
        .collect();
    let measured = in_turns(rounds, &mut contenders).await?;
    drop(contenders);
    let title = format!(
        "Draining {events} events for {groups} group{}: deliveries a second (target: 8 times the best row queue)",
        if groups == 1 { "" } else { "s" }
    );
    let table = Table::new(
        &title,
        ["", "deliveries/s", "eventwright to it", "dead rows made each", "of them still there", "growth while draining, MB"],
    );
    let mut left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
    for side in &measured {
        let rounds = left.remove(side.name.as_str()).unwrap_or_default();
        let [made, now, bytes] = [0, 1, 2].map(|at| median(rounds.iter().map(|round| round[at]).collect()));
        table.row(&[
            side.name.clone(),
            format!("{:.0}", side.median()),
            format!("{:.2}", measured[0].ratio(side)),
            format!("{made:.3}"),
            format!("{now:.3}"),
            format!("{:.1}", bytes / 1e6),
        ]);
    }
    Ok(())
}

/// A fresh database each time: what a queue leaves behind slows it down, which is not what is measured here.
async fn turn(server: &Server, rival: &dyn Rival, left: &Left, events: i64, groups: u16) -> Result<f64> {
    let pool = pool(&server.database().await?);
    rival.install(&pool, groups).await?;
    rival.fill(&pool, events, groups).await?;
    // what is written for the first time after a checkpoint costs more, and vacuum sets hints: both before it begins
    for statement in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&pool).await?;
    }
    let before = Held::of(&pool).await?;
    let start = Instant::now();
    let handled = rival.drain(&pool, events, groups).await?;
    let seconds = start.elapsed().as_secs_f64();
    let after = Held::of(&pool).await?;
    let deliveries = events * i64::from(groups);
    if handled != deliveries {
        return Err(format!("{}: {handled} of {deliveries} events were handled", rival.name()).into());
    }
    let each = |rows: i64| rows as f64 / deliveries as f64;
    let bytes = (after.bytes - before.bytes) as f64;
    note(left, rival, [each(after.dead_made - before.dead_made), each(after.dead_now - before.dead_now), bytes]);
    pool.close().await;
    server.drop(&pool.connect_options()).await?;
    Ok(deliveries as f64 / seconds)
}

fn note(left: &Left, rival: &dyn Rival, what: [f64; 3]) {
    left.lock().unwrap_or_else(PoisonError::into_inner).entry(rival.name()).or_default().push(what);
}
