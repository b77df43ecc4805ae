//! `cargo xtask check`: what has to hold besides the tests.

use std::process::ExitCode;

use clap::Args;

use crate::{
    regenerate,
    steps::{Outcome, PROGRAMS, cargo, run},
};

/// Check format, generated code, lints and documentation, as CI does
#[derive(Args)]
pub(crate) struct Check {}

impl Check {
    /// Every step, also after one that failed: whoever pushes wants to know all that is wrong.
    pub(crate) fn run(self) -> Outcome {
        // asking for examples, of which there are none, makes cargo count what tests depend on: else it would be compiled once more
        // for the documentation, with fewer features
        let mut documentation = cargo(["doc", "--workspace", "--no-deps", "--all-features", "--lib", "--examples"]);
        documentation.args(["chaos", "consumer", "producer", "xtask"].iter().flat_map(|program| ["--bin", program]));
        documentation.env("RUSTDOCFLAGS", "-D warnings");

        let outcomes = [
            run("format", cargo(["fmt", "--all", "--check"])),
            run("build", cargo(PROGRAMS)).and_then(|()| regenerate::check()),
            run("lints", cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])),
            run("documentation", documentation),
        ];
        let failures: Vec<String> =
            outcomes.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        if failures.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(failures.join("\n       ").into())
    }
}
