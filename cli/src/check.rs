//! `eventwright check`: are the contracts right, and the bindings theirs?

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use eventwright_codegen::Drift;

use crate::{Outcome, REFUSED, contracts::Contracts, diagnostics::Messages};

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

    #[command(flatten)]
    messages: Messages,
}

impl Check {
    pub(crate) fn run(self) -> Outcome {
        let config = self.contracts.configure();
        let checked = match self.out {
            Some(out) => config.out_dir(out).check().map(|checked| (checked.drift, checked.warnings)),
            None => config.validate().map(|warnings| (Vec::new(), warnings)),
        };
        let (drift, warnings) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                self.messages.fail(&error);
                return Ok(ExitCode::from(REFUSED));
            }
        };
        self.messages.tell(&warnings);
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
