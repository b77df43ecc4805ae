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
    pub(crate) fn run(self) -> Outcome {
        run("format", cargo(["fmt", "--all", "--check"]))?;
        run("lints", cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))?;
        let mut documentation = cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
        documentation.env("RUSTDOCFLAGS", "-D warnings");
        run("documentation", documentation)?;
        regenerate::check()?;
        // together: each is verified against the packages of the others, as none of them is published yet
        let packages = ["eventwright-derive", "eventwright", "eventwright-codegen"];
        let mut package = cargo(["package", "--allow-dirty"]);
        package.args(packages.iter().flat_map(|name| ["--package", name]));
        run("packages", package)?;
        Ok(ExitCode::SUCCESS)
    }
}
