//! How diagnostics are shown.

use clap::{Args, ValueEnum};
use eventwright_codegen::{Diagnostic, Error};

#[derive(Args)]
pub(crate) struct Messages {
    /// How errors and warnings are told: for people, or one JSON object per line for tools
    #[arg(long, value_enum, default_value_t = Format::Human)]
    message_format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Messages {
    /// Tells all of them on standard error.
    pub(crate) fn tell(&self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            match self.message_format {
                Format::Human => eprintln!("{diagnostic}\n"),
                Format::Json => eprintln!("{}", diagnostic.to_json()),
            }
        }
    }

    /// Tells why there is nothing to show for the run.
    pub(crate) fn fail(&self, error: &Error) {
        match (self.message_format, error) {
            (Format::Json, Error::Contracts(diagnostics)) => self.tell(diagnostics),
            _ => eprintln!("error: {error}"),
        }
    }
}
