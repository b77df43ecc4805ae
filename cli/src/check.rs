//! `eventwright check`: are the contracts right, and the bindings theirs?

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use eventwright_codegen::Drift;

use crate::{Outcome, REFUSED, contracts::Contracts};

/// Check contracts, and that the bindings in a directory are what they generate; writes nothing
///
/// Exits with 2 where the contracts are wrong, and with 1 where the bindings differ.
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    contracts: Contracts,

    /// The directory of the bindings; without it, only the contracts are checked
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Check {
    pub(crate) fn run(self) -> Outcome {
        // without a directory, what would have to be written there is nobody's concern
        let compared = self.out.is_some();
        let out = self.out.unwrap_or_else(|| "generated".into());
        let drift = match self.contracts.configure().out_dir(out).check() {
            Ok(drift) if compared => drift,
            Ok(_) => Vec::new(),
            Err(error) => {
                eprintln!("error: {error}");
                return Ok(ExitCode::from(REFUSED));
            }
        };
        for file in &drift {
            match file {
                Drift::Missing(path) => println!("missing: {}", path.display()),
                Drift::Differs(path) => println!("differs: {}", path.display()),
                Drift::Stale(path) => println!("no contract accounts for: {}", path.display()),
            }
        }
        if drift.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!(
            "error: the bindings are not what the contracts generate; run `eventwright generate` with the same options"
        );
        Ok(ExitCode::FAILURE)
    }
}
