//! `eventwright migrate`: the tables of the outbox.

use std::process::ExitCode;

use clap::Args;

use crate::{Outcome, database::Database};

/// Create the tables of the outbox, or update them
///
/// Safe to run at any time, also by several at once: what was done is not done again.
#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    database: Database,
}

impl Migrate {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            eventwright::migrate_in(&pool, &self.database.schema).await?;
            pool.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}
