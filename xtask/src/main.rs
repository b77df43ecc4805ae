//! The project's chores: `cargo xtask --help`.

#![forbid(unsafe_code)]

mod bench;
mod chaos;
mod check;
mod demo;
mod regenerate;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    Regenerate(regenerate::Regenerate),
    Test(test::Test),
    #[command(hide = true)]
    TestAll(test::TestAll),
    Demo(demo::Demo),
    Check(check::Check),
    Bench(bench::Bench),
    Chaos(chaos::Chaos),
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse().chore {
        Chore::Regenerate(chore) => chore.run(),
        Chore::Test(chore) => chore.run(),
        Chore::TestAll(chore) => chore.run(),
        Chore::Demo(chore) => chore.run(),
        Chore::Check(chore) => chore.run(),
        Chore::Bench(chore) => chore.run(),
        Chore::Chaos(chore) => chore.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
