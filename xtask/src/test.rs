//! `cargo xtask test`: all tests, with a Postgres.

mod binaries;

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    process::{Command, ExitCode, Stdio},
};

use clap::Args;

use crate::steps::{Outcome, PROGRAMS, announce, cargo, run, with_postgres};

/// Run all tests with a throw-away Postgres, or on the server that DATABASE_URL names
#[derive(Args)]
pub(crate) struct Test {
    /// Arguments for `cargo test --all-features`, to run some tests only
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Run all tests, where there is a Postgres
#[derive(Args)]
pub(crate) struct TestAll {}

impl Test {
    pub(crate) fn run(self) -> Outcome {
        if self.arguments.is_empty() {
            run("build", cargo(PROGRAMS))?;
            let mut this = Command::new(env::current_exe()?);
            this.arg("test-all");
            return print(with_postgres(&["--fast"], &this)?);
        }
        let whole = self.arguments.iter().any(|argument| argument == "--workspace");
        run("build", if whole { cargo(PROGRAMS) } else { cargo(["build", "--package", "eventwright-cli"]) })?;
        let mut test = cargo(["test", "--no-fail-fast", "--all-features"]);
        test.args(&self.arguments);
        print(with_postgres(&["--fast"], &test)?)
    }
}

impl TestAll {
    pub(crate) fn run(self) -> Outcome {
        let binaries = binaries::build()?;
        let failed = binaries::run(binaries)?;
        let documentation = run("documentation's examples", cargo(["test", "--workspace", "--all-features", "--doc"]));
        if failed.is_empty() {
            documentation?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(format!("failed: {}", failed.join(", ")).into())
    }
}

/// Runs a command to its end and adds up what its tests came to.
fn print(mut command: Command) -> Outcome {
    announce("test", &command);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut totals = Totals::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            io::stdout().write_all(&line)?;
            println!();
            totals.add(&String::from_utf8_lossy(&line));
        }
    }
    let status = child.wait()?;
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Over all test binaries and doc tests.
#[derive(Default)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Totals {
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        let words: Vec<&str> = counts.split([' ', ';']).collect();
        let count = |name| {
            let position = words.iter().position(|word| *word == name)?;
            words.get(position.checked_sub(1)?)?.parse::<u64>().ok()
        };
        self.passed += count("passed").unwrap_or(0);
        self.failed += count("failed").unwrap_or(0);
        self.skipped += count("ignored").unwrap_or(0);
    }
}
