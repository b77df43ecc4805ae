//! `cargo xtask regenerate`: generated/ and the registry's own schema, from contracts/ and codegen.

use std::{error::Error, fs, path::PathBuf, process::ExitCode};

use clap::Args;
use eventwright_codegen::{Checked, Config, Drift, configure, registry_schema};

use crate::steps::{Outcome, root};

/// Write generated/ and the registry's schema anew
#[derive(Args)]
pub(crate) struct Regenerate {
    /// Write nothing; exit with 1, naming the files that differ
    #[arg(long)]
    check: bool,
}

impl Regenerate {
    pub(crate) fn run(self) -> Outcome {
        if self.check {
            check()?;
            println!("generated files are as the contracts say");
            return Ok(ExitCode::SUCCESS);
        }
        let mut changed = Vec::new();
        if schema_differs() {
            fs::write(schema_path(), registry_schema())
                .map_err(|error| format!("{}: {error}", schema_path().display()))?;
            changed.push(schema_path());
        }
        let report = bindings().anew().write()?;
        for warning in &report.warnings {
            eprintln!("{warning}");
        }
        changed.extend(report.written.into_iter().chain(report.removed));
        for path in &changed {
            println!("{}", path.display());
        }
        println!("{} files changed", changed.len());
        Ok(ExitCode::SUCCESS)
    }
}

/// An error that names the files that are not what regenerating would write, if there are any.
pub(crate) fn check() -> Result<(), Box<dyn Error>> {
    let Checked { drift, warnings, .. } = bindings().check()?;
    for warning in &warnings {
        eprintln!("{warning}");
    }
    let mut differing: Vec<PathBuf> = schema_differs().then(schema_path).into_iter().collect();
    differing.extend(drift.into_iter().map(|file| match file {
        Drift::Missing(path) | Drift::Differs(path) | Drift::Stale(path) => path,
    }));
    if differing.is_empty() {
        return Ok(());
    }
    let files: String = differing.iter().map(|path| format!("\n  {}", path.display())).collect();
    Err(format!("files that are generated differ from what the contracts say; run `cargo xtask regenerate`{files}")
        .into())
}

fn bindings() -> Config {
    configure().registry(root().join("contracts/event-types-registry.json")).out_dir(root().join("generated"))
}

fn schema_path() -> PathBuf {
    root().join("contracts/event-types-registry.schema.json")
}

fn schema_differs() -> bool {
    !fs::read_to_string(schema_path()).is_ok_and(|text| text == registry_schema())
}
