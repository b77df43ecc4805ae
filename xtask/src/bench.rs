//! `cargo xtask bench`: ours beside what others offer, both sides in one run.

mod build_deps;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::steps::{Outcome, cargo, run};

/// Measure ours beside what others offer, and print the ratios
#[derive(Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// How long it takes to generate the bindings of 1,000 and of 10,000 event types
    Codegen,
    /// How long generated code is and how long `cargo check` takes for it, ours and typify's
    Generated,
    /// How long reading and writing a payload takes: ours, plain serde, typify, `Value` and jsonschema
    Payloads,
    /// What a build script that generates has to build first: eventwright-codegen and prost-build
    BuildDeps,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        let name = match self.what {
            What::Codegen => "codegen",
            What::Generated => "generated",
            What::Payloads => "payloads",
            What::BuildDeps => return build_deps::run(),
        };
        run("bench", cargo(["bench", "--quiet", "--package", "bench", "--bench", name]))?;
        Ok(ExitCode::SUCCESS)
    }
}
