//! `eventwright generate`: Rust source from contracts.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::{Outcome, REFUSED, contracts::Contracts};

/// Write the typed bindings of contracts
///
/// Only files whose content changes are written. Exits with 2, having written nothing, where the contracts are wrong.
#[derive(Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    contracts: Contracts,

    /// The directory of the bindings; files in it that no contract accounts for any more are removed
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Generate {
    pub(crate) fn run(self) -> Outcome {
        let report = match self.contracts.configure().out_dir(self.out).write() {
            Ok(report) => report,
            Err(error) => {
                eprintln!("error: {error}");
                return Ok(ExitCode::from(REFUSED));
            }
        };
        for warning in &report.warnings {
            eprintln!("{warning}");
        }
        for path in &report.written {
            println!("wrote {}", path.display());
        }
        for path in &report.removed {
            println!("removed {}", path.display());
        }
        println!(
            "{} written, {} removed, {} unchanged",
            report.written.len(),
            report.removed.len(),
            report.unchanged.len()
        );
        Ok(ExitCode::SUCCESS)
    }
}
