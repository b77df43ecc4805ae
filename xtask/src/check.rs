//! `cargo xtask check`: what has to hold besides the tests.

use std::process::ExitCode;

use clap::Args;

use crate::{
    regenerate,
    steps::{Outcome, cargo, run},
};

/// Check format, lints, documentation, generated code and packages, as CI does
#[derive(Args)]
pub(crate) struct Check {}

impl Check {
    /// Every step, also after one that failed: whoever pushes wants to know all that is wrong.
    pub(crate) fn run(self) -> Outcome {
        let mut documentation = cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
        documentation.env("RUSTDOCFLAGS", "-D warnings");
        // together: each is verified against the packages of the others, as none of them is published yet
        let packages = ["eventwright-derive", "eventwright", "eventwright-codegen"];
        let mut package = cargo(["package", "--allow-dirty"]);
        package.args(packages.iter().flat_map(|name| ["--package", name]));

        let outcomes = [
            run("format", cargo(["fmt", "--all", "--check"])),
            run("lints", cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])),
            run("documentation", documentation),
            {
                eprintln!("\n==> generated code: cargo xtask regenerate --check");
                regenerate::check()
            },
            run("packages", package),
        ];
        let failures: Vec<String> =
            outcomes.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        if failures.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(failures.join("\n       ").into())
    }
}
