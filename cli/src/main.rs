//! The eventwright program, for authors of contracts and for operators.

#![forbid(unsafe_code)]

mod with_postgres;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Typed domain events over a Postgres outbox.
#[derive(Parser)]
#[command(name = "eventwright", version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    WithPostgres(with_postgres::WithPostgres),
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let outcome = match Program::parse().command {
        Command::WithPostgres(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
