//! `cargo xtask chaos`: publishers and workers on a real Postgres, and all that goes wrong in production.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::steps::{Outcome, PROGRAMS, cargo, program, root, run};

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
        if self.short {
            run("build", cargo(PROGRAMS))?;
            let mut chaos = Command::new(program("chaos")?);
            chaos.current_dir(root()).args(["run", "--short"]).args(self.arguments);
            run("chaos", chaos)?;
        } else {
            // it is to be the database that has no time
            let mut chaos = cargo(["run", "--quiet", "--release", "--package", "chaos", "--", "run"]);
            chaos.args(self.arguments);
            run("chaos", chaos)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
