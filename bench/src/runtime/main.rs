//! The runtime beside what one would write by hand, on a Postgres that keeps what it is told: `cargo xtask bench runtime --help`.

mod batch;
mod by_hand;
mod consume;
mod events;
mod groups;
mod latency;
mod postgres;
mod publish;
mod soak;
mod turns;

use clap::{Parser, ValueEnum};

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Measure the runtime beside what one would write by hand, in turns, and print the ratios
///
/// `cargo xtask bench runtime rivals` measures it beside queues that people use, and has a command line of its own.
#[derive(Parser)]
#[command(name = "cargo xtask bench runtime", bin_name = "cargo xtask bench runtime")]
struct Arguments {
    /// What to measure; without it, all but the soak
    subjects: Vec<Subject>,
    /// A smoke run: seconds, whose figures mean nothing
    #[arg(long)]
    quick: bool,
    /// How many turns each side has, instead of what the subject asks for; the figures are medians
    #[arg(long)]
    rounds: Option<usize>,
    /// A backlog of ten million events, too (some 8 GB)
    #[arg(long)]
    huge: bool,
    /// How long each of the soak's two parts takes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..))]
    minutes: u16,
    /// How many events a second the soak publishes
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// On the server that DATABASE_URL names, instead of one that is started for this
    #[arg(long)]
    given_server: bool,
    /// Print what the server spent its time on (needs pg_stat_statements; slows all sides down a little)
    #[arg(long)]
    statements: bool,
    /// Cargo says so to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// A transaction with one event, against the same two inserts by hand
    Publish,
    /// Handling a backlog, against a bare cursor loop
    Consume,
    /// Many events in a transaction, against bare UNNEST and COPY
    Batch,
    /// From a commit to the handler, against a bare NOTIFY and SELECT
    Latency,
    /// What an event costs where several groups read
    Groups,
    /// What an event costs where the log is long
    Backlog,
    /// What grows under a steady rate; only where it is named
    Soak,
}

/// All that are run where none is named.
const ALL: [Subject; 6] =
    [Subject::Publish, Subject::Batch, Subject::Consume, Subject::Latency, Subject::Groups, Subject::Backlog];

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    quick: bool,
    rounds: Option<usize>,
}

impl Effort {
    /// The full measure, or the one for a smoke run.
    fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// How many rounds of turns.
    fn rounds(self, full: usize) -> usize {
        self.rounds.unwrap_or_else(|| self.pick(full, 1))
    }
}

#[tokio::main]
async fn main() -> Result {
    let arguments = Arguments::parse();
    let effort = Effort { quick: arguments.quick, rounds: arguments.rounds };
    let server = postgres::Server::start(arguments.given_server, arguments.statements).await?;
    server.describe().await?;
    let subjects = match arguments.subjects.as_slice() {
        [] => &ALL,
        chosen => chosen,
    };
    for subject in subjects {
        match subject {
            Subject::Publish => publish::run(&server, effort).await?,
            Subject::Consume => consume::run(&server, effort).await?,
            Subject::Batch => batch::run(&server, effort).await?,
            Subject::Latency => latency::run(&server, effort).await?,
            Subject::Groups => groups::run(&server, effort).await?,
            Subject::Backlog => groups::backlog(&server, effort, arguments.huge).await?,
            Subject::Soak => {
                let soak = soak::Soak { minutes: arguments.minutes.into(), rate: arguments.rate };
                soak::run(&server, effort, soak).await?;
            }
        }
        if arguments.statements {
            server.print_statements().await?;
        }
    }
    Ok(())
}
