//! `cargo xtask chaos`: publishers and workers on a real Postgres, and all that goes wrong in production.

use std::process::ExitCode;

use clap::Args;

use crate::steps::{Outcome, cargo, run};

/// Kill, crash, cut, freeze and starve publishers and workers, and check that nothing is lost, doubled or out of order
#[derive(Args)]
pub(crate) struct Chaos {
    /// Each fault once, in about three minutes; else `-- --events 1000000` says how long
    #[arg(long)]
    short: bool,
    /// Arguments for the run: `-- --help` shows them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Chaos {
    pub(crate) fn run(self) -> Outcome {
        let mut chaos = cargo(["run", "--quiet", "--package", "chaos"]);
        if !self.short {
            // it is to be the database that has no time
            chaos.arg("--release");
        }
        chaos.args(["--", "run"]);
        if self.short {
            chaos.arg("--short");
        }
        chaos.args(self.arguments);
        run("chaos", chaos)?;
        Ok(ExitCode::SUCCESS)
    }
}
