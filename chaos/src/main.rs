//! Real publishers and workers on a real, durable Postgres, and everything that goes wrong in production done to them at random:
//! nothing lost, nothing twice, each subject in order. `cargo xtask chaos` runs it.
//!
//! `world` is the clusters and the processes (of this same program). `run` has `faults` and `disasters` do harm to them, by way of the `proxy`
//! between them too, `skipped` looks meanwhile, and `verdict` looks at what came of it.

#![forbid(unsafe_code)]

mod cluster;
mod contract;
mod disasters;
mod faults;
mod life;
mod process;
mod proxy;
mod publisher;
mod run;
mod skipped;
mod verdict;
mod worker;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Publishers and workers, and all that goes wrong
#[derive(Parser)]
struct Chaos {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    Run(run::Run),
    Publisher(publisher::Publisher),
    Worker(worker::Worker),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Chaos::parse().part {
        Part::Run(run) => run.run().await,
        Part::Publisher(publisher) => publisher.run().await.map(|()| ExitCode::SUCCESS),
        Part::Worker(worker) => worker.run().await.map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
