//! eventwright beside queues on Postgres that people use today: `cargo xtask bench runtime rivals --help`.

mod drain;
#[path = "../../src/runtime/events.rs"]
mod events;
mod graphile;
mod ours;
mod pgmq;
mod pgque;
#[allow(dead_code, reason = "shared with the runtime's other benchmarks")]
#[path = "../../src/runtime/postgres.rs"]
mod postgres;
mod publish;
mod rival;
mod sqlxmq;
#[allow(dead_code, reason = "shared with the runtime's other benchmarks")]
#[path = "../../src/runtime/turns.rs"]
mod turns;

use std::path::PathBuf;

use clap::Parser;

use rival::Rival;
use turns::Table;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Measure eventwright beside pgmq, graphile_worker, sqlxmq and PgQue, in turns
#[derive(Parser)]
#[command(name = "cargo xtask bench runtime rivals", bin_name = "cargo xtask bench runtime rivals")]
struct Arguments {
    /// A smoke run, whose figures mean nothing
    #[arg(long)]
    quick: bool,
    /// How many turns each has; the figures are medians
    #[arg(long)]
    rounds: Option<usize>,
    /// How many events are drained
    #[arg(long)]
    events: Option<i64>,
    /// PgQue's installation, the file sql/pgque.sql of <https://github.com/NikolayS/pgque>; it is in no package, and left out without it
    #[arg(long)]
    pgque_sql: Option<PathBuf>,
    /// On the server that DATABASE_URL names, instead of one that is started for this
    #[arg(long)]
    given_server: bool,
}

#[tokio::main]
async fn main() -> Result {
    let arguments = Arguments::parse();
    let server = postgres::Server::start(arguments.given_server, false).await?;
    server.describe().await?;
    let mut rivals: Vec<Box<dyn Rival>> =
        vec![Box::new(ours::Ours), Box::new(pgmq::Pgmq), Box::new(graphile::Graphile), Box::new(sqlxmq::Sqlxmq)];
    match arguments.pgque_sql {
        Some(path) => rivals.push(Box::new(pgque::PgQue::new(std::fs::read_to_string(path)?))),
        None => println!("\nPgQue is left out: name its sql/pgque.sql by --pgque-sql."),
    }
    let (rounds, quick) = (arguments.rounds, arguments.quick);
    let events = arguments.events.unwrap_or(if quick { 2_000 } else { 100_000 });

    what_differs(&rivals);
    publish::run(&server, &rivals, rounds.unwrap_or(if quick { 1 } else { 7 }), quick).await?;
    for groups in [1, 4] {
        drain::run(&server, &rivals, rounds.unwrap_or(if quick { 1 } else { 3 }), events, groups).await?;
    }
    Ok(())
}

fn what_differs(rivals: &[Box<dyn Rival>]) {
    let table = Table::new(
        "What is compared",
        ["", "configuration", "order", "what a handler writes", "several groups", "afterwards", "wakes readers by"],
    );
    for rival in rivals {
        let about = rival.about();
        let cells = [
            rival.name(),
            about.configuration,
            about.order,
            about.effects,
            about.groups,
            about.afterwards,
            about.wakes_by,
        ];
        table.row(&cells.map(str::to_owned));
    }
}
