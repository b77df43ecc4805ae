//! The options of the commands that read contracts.

use std::path::PathBuf;

use clap::Args;
use eventwright_codegen::Config;

#[derive(Args)]
pub(crate) struct Contracts {
    /// The event-types registry; its contracts are the folders beside it
    #[arg(long, value_name = "FILE")]
    registry: PathBuf,

    /// Only what this domain owns or subscribes to; may be given several times
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
}

impl Contracts {
    pub(crate) fn configure(self) -> Config {
        let config = eventwright_codegen::configure().registry(self.registry);
        self.domains.into_iter().fold(config, Config::domain)
    }
}
