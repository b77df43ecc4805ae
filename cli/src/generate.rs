//! `eventwright generate`: Rust source from contracts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use eventwright_codegen::{Class, Explained, Report};

use crate::{Outcome, REFUSED, contracts::Contracts, diagnostics::Messages};

/// Write the typed bindings of contracts
///
/// Only files whose content changes are written. Exits with 2 where the contracts are wrong: having written nothing, or with
/// --keep-going all that is right.
#[derive(Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    contracts: Contracts,

    /// The directory of the bindings; files in it that no contract accounts for any more are removed
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Make the directory a package of this name, with the bindings as its library
    #[arg(long = "crate", value_name = "NAME")]
    crate_name: Option<String>,

    /// Where such a package finds the crate `eventwright`
    #[arg(long, value_name = "DIR", requires = "crate_name")]
    runtime: Option<PathBuf>,

    /// Leave out the event types that are wrong, and generate the rest
    #[arg(long)]
    keep_going: bool,

    /// Tell of each schema what became of its constraints
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    messages: Messages,
}

impl Generate {
    pub(crate) fn run(self) -> Outcome {
        let mut config = self.contracts.configure().out_dir(self.out);
        if let Some(name) = self.crate_name {
            config = config.crate_name(name);
            if let Some(runtime) = self.runtime.or_else(checkout) {
                config = config.runtime_path(std::path::absolute(runtime)?);
            }
        }
        if checkout().is_some() {
            // the generator may be another though its version is not
            config = config.anew();
        }
        if self.keep_going {
            config = config.keep_going();
        }
        let report = match config.clone().write() {
            Ok(report) => report,
            Err(error) => {
                self.messages.fail(&error);
                return Ok(ExitCode::from(REFUSED));
            }
        };
        self.messages.tell(&report.warnings);
        self.messages.tell(&report.refused);
        tell(&report);
        if self.explain {
            explain(&config.explain()?);
        }
        Ok(if report.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
    }
}

/// The runtime that this program was built beside, where that still is there: the package compiles against the same source.
fn checkout() -> Option<PathBuf> {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("runtime");
    runtime.join("Cargo.toml").is_file().then_some(runtime)
}

fn tell(report: &Report) {
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
}

/// One line for each schema: its place, and each of its keywords with what enforces it.
fn explain(explained: &[Explained]) {
    println!(
        "\nwhat enforces each constraint (t: the type, c: a check in the type, x: a type of yours, j: the crate jsonschema)"
    );
    let places: Vec<String> = explained.iter().map(|schema| format!("{}#{}", schema.file, schema.pointer)).collect();
    let width = places.iter().map(|place| place.chars().count()).max().unwrap_or(0);
    for (schema, place) in explained.iter().zip(&places) {
        let keywords: Vec<String> =
            schema.keywords.iter().map(|(name, class)| format!("{name}:{}", letter(*class))).collect();
        println!("{place:width$}  {}", keywords.join(" "));
    }
    let native = explained.iter().filter(|schema| schema.is_native()).count();
    let share = 100.0 * native as f64 / explained.len().max(1) as f64;
    println!("{native} of {} schemas ({share:.1} %) need no jsonschema", explained.len());
}

fn letter(class: Class) -> char {
    match class {
        Class::Typed => 't',
        Class::Checked => 'c',
        Class::Elsewhere => 'x',
        Class::Whole => 'j',
    }
}
