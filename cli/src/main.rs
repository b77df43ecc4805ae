//! The eventwright program, for authors of contracts and for operators.

#![forbid(unsafe_code)]

mod check;
mod contracts;
mod database;
mod dead_letters;
mod diagnostics;
mod doctor;
mod erase;
mod generate;
mod groups;
mod metrics;
mod migrate;
mod output;
mod rebase;
mod registry_schema;
mod retention;
mod roles;
mod times;
mod where_is;
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
    Generate(generate::Generate),
    Check(check::Check),
    RegistrySchema(registry_schema::RegistrySchema),
    Migrate(migrate::Migrate),
    Groups(groups::Groups),
    Where(where_is::Where),
    DeadLetters(dead_letters::DeadLetters),
    Erase(erase::Erase),
    Doctor(doctor::Doctor),
    Metrics(metrics::Metrics),
    Retention(retention::Retention),
    Rebase(rebase::Rebase),
    Roles(roles::Roles),
    WithPostgres(with_postgres::WithPostgres),
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// The exit code for contracts that are wrong, or can't be read: apart from that for bindings that differ, as of diff(1).
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    let outcome = match Program::parse().command {
        Command::Generate(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::RegistrySchema(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Groups(command) => command.run(),
        Command::Where(command) => command.run(),
        Command::DeadLetters(command) => command.run(),
        Command::Erase(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Metrics(command) => command.run(),
        Command::Retention(command) => command.run(),
        Command::Rebase(command) => command.run(),
        Command::Roles(command) => command.run(),
        Command::WithPostgres(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        let (mut said, mut cause) = (error.to_string(), error.source());
        while let Some(error) = cause {
            let text = error.to_string();
            // some say their cause themselves, sqlx among them
            if !said.ends_with(&text) {
                eprintln!("  because: {text}");
                said = text;
            }
            cause = error.source();
        }
        ExitCode::FAILURE
    })
}

fn block_on(command: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
