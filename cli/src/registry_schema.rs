//! `eventwright registry-schema`: what an event-types registry looks like.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use crate::Outcome;

/// Print the JSON Schema of event-types registries, for editors to complete and check them by
#[derive(Args)]
pub(crate) struct RegistrySchema {}

impl RegistrySchema {
    pub(crate) fn run(self) -> Outcome {
        io::stdout().write_all(eventwright_codegen::registry_schema().as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
