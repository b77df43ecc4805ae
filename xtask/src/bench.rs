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
    /// How fast events are published and handled, how late they come, and what a long run leaves behind; `runtime --help` says more
    Runtime(Runtime),
}

/// The benchmark has its own command line, so that there is one place that knows it.
#[derive(Args)]
#[command(disable_help_flag = true)]
struct Runtime {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Codegen => bench("codegen", &[]),
            What::Generated => bench("generated", &[]),
            What::Payloads => bench("payloads", &[]),
            What::BuildDeps => build_deps::run(),
            What::Runtime(Runtime { arguments }) => match arguments.split_first() {
                Some((first, rest)) if first == "rivals" => rivals(rest),
                _ => bench("runtime", &arguments),
            },
        }
    }
}

fn bench(name: &str, arguments: &[String]) -> Outcome {
    let mut command = cargo(["bench", "--quiet", "--package", "bench", "--bench", name, "--"]);
    command.args(arguments);
    run("bench", command)?;
    Ok(ExitCode::SUCCESS)
}

/// They have a workspace and a lock file of their own, which follows what the runtime depends on.
fn rivals(arguments: &[String]) -> Outcome {
    let mut command = cargo(["run", "--quiet", "--release", "--manifest-path", "bench/rivals/Cargo.toml", "--"]);
    command.args(arguments);
    run("rivals", command)?;
    Ok(ExitCode::SUCCESS)
}
