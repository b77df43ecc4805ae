//! `cargo xtask check`: what has to hold besides the tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use clap::Args;

use crate::{
    regenerate,
    steps::{Outcome, PROGRAMS, cargo, root, run},
};

/// What users get from the registry.
const PACKAGES: [&str; 3] = ["eventwright-derive", "eventwright", "eventwright-codegen"];

/// Check format, lints, documentation, generated code and packages, as CI does
#[derive(Args)]
pub(crate) struct Check {}

impl Check {
    /// Every step, also after one that failed: whoever pushes wants to know all that is wrong.
    pub(crate) fn run(self) -> Outcome {
        let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let verified_in = root().join(target).join("verified");
        remove(&verified_in)?;
        forget_unpacked()?;
        let mut documentation = cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
        documentation.env("RUSTDOCFLAGS", "-D warnings");
        // together: each is verified against the packages of the others, as none of them is published yet
        let mut package = cargo(["package", "--allow-dirty", "--target-dir"]);
        package.arg(verified_in);
        package.args(PACKAGES.iter().flat_map(|name| ["--package", name]));
        // nobody debugs them
        package.env("CARGO_PROFILE_DEV_DEBUG", "false");

        let outcomes = [
            run("format", cargo(["fmt", "--all", "--check"])),
            run("lints", cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])),
            run("documentation", documentation),
            run("build", cargo(PROGRAMS)).and_then(|()| regenerate::check()),
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
/// unpacked there, and what was compiled of it, it takes to be good for ever, so of an unchanged version it would verify last time's code.
/// Hence the target directory of its own, too, which begins empty.
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
            remove(&registry.path().join(format!("{package}-{}", env!("CARGO_PKG_VERSION"))))?;
        }
    }
    Ok(())
}

/// Removes a directory, if it is there.
fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
