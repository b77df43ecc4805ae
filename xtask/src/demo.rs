//! `cargo xtask demo`: the examples, on a Postgres of their own.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::steps::{Outcome, cargo, program, run, with_postgres};

/// Publish and handle events with the example producer and consumer
#[derive(Args)]
pub(crate) struct Demo {
    /// Arguments for the consumer
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

const SCRIPT: &str = r#"
set -e
eventwright=$1 producer=$2 consumer=$3
shift 3
"$eventwright" migrate
"$producer"
"$consumer" --drain "$@""#;

impl Demo {
    pub(crate) fn run(self) -> Outcome {
        run(
            "build",
            cargo(["build", "--package", "eventwright-cli", "--package", "producer", "--package", "consumer"]),
        )?;
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT, "demo"]);
        for name in ["eventwright", "producer", "consumer"] {
            script.arg(program(name)?);
        }
        script.args(self.arguments);
        let status = with_postgres(&[], &script)?.status()?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
