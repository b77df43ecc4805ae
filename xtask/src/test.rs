//! `cargo xtask test`: all tests, with a Postgres.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{ExitCode, Stdio},
};

use clap::Args;

use crate::steps::{Outcome, announce, cargo, run, with_postgres};

/// Run all tests with a throw-away Postgres, or on the server that DATABASE_URL names
#[derive(Args)]
pub(crate) struct Test {
    /// Arguments for `cargo test`, in place of `--workspace`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Test {
    pub(crate) fn run(self) -> Outcome {
        let mut test = cargo(["test", "--no-fail-fast"]);
        if self.arguments.is_empty() {
            test.arg("--workspace");
        }
        test.args(&self.arguments);
        run("build", cargo(self.program()))?;
        let mut command = with_postgres(&["--fast"], &test)?;
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

    /// How the program is built that has the Postgres. As a part of the whole workspace, and with a test, it has what it depends on compiled
    /// with the features that the tests want, and nothing is compiled for its sake alone.
    fn program(&self) -> Vec<&'static str> {
        if self.arguments.is_empty() || self.arguments.iter().any(|argument| argument == "--workspace") {
            vec!["build", "--workspace", "--bin", "eventwright", "--test", "with_postgres"]
        } else {
            vec!["build", "--package", "eventwright-cli"]
        }
    }
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
