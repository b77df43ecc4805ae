//! `cargo xtask check`: what has to hold besides the tests.

use std::{env, fs, io, path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{
    regenerate,
    steps::{Outcome, cargo, run},
};

/// What users get from the registry.
const PACKAGES: [&str; 3] = ["eventwright-derive", "eventwright", "eventwright-codegen"];

/// Check format, lints, documentation, generated code and packages, as CI does
#[derive(Args)]
pub(crate) struct Check {}

impl Check {
    /// Every step, also after one that failed: whoever pushes wants to know all that is wrong.
    pub(crate) fn run(self) -> Outcome {
        forget_unpacked()?;
        let mut documentation = cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
        documentation.env("RUSTDOCFLAGS", "-D warnings");
        // together: each is verified against the packages of the others, as none of them is published yet
        let mut package = cargo(["package", "--allow-dirty"]);
        package.args(PACKAGES.iter().flat_map(|name| ["--package", name]));

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

/// Removes the packages that cargo unpacked when it verified them before.
///
/// `cargo package` puts ours in a registry under the target directory and unpacks them in its home, by version. What is
/// unpacked there it takes to be good for ever, so of an unchanged version it would verify last time's code.
fn forget_unpacked() -> io::Result<()> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let Some(Ok(registries)) = home.map(|home| fs::read_dir(home.join("registry/src"))) else { return Ok(()) };
    for registry in registries {
        let registry = registry?;
        // `HOST-HASH`: a registry in a directory has no host
        if !registry.file_name().as_encoded_bytes().starts_with(b"-") {
            continue;
        }
        for package in PACKAGES {
            match fs::remove_dir_all(registry.path().join(format!("{package}-{}", env!("CARGO_PKG_VERSION")))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}
