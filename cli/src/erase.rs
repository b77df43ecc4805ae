//! `eventwright erase`: a person's data.

use std::process::ExitCode;

use clap::Args;
use eventwright::erase_subject_in;
use serde_json::json;

use crate::output::{Output, line};
use crate::{Outcome, database::Database};

/// Erase the payloads of all events about a subject: in the log, on the schedule, held back and dead
///
/// Their envelopes stay, and groups that have not handled them pass over them. Reads the whole log, in small steps; interrupted, it goes
/// on when it is run again. Exit code 1 where it is to be run again, once transactions that are open have ended. For groups that
/// live in other databases than the log, run it there, too, after the log's.
#[derive(Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    database: Database,
    /// Whose: the subject of the events, such as per_01890a5d-ac96-774b-bcce-b302099a8057
    #[arg(long)]
    subject: String,
    /// Yes, erase it for good
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

impl Erase {
    pub(crate) fn run(self) -> Outcome {
        if !self.yes {
            return Err(format!(
                "this erases the payloads of all events about `{}`, and nobody can bring them back: say `--yes`",
                self.subject
            )
            .into());
        }
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let erased = erase_subject_in(&pool, &self.database.schema, &self.subject).await?;
            pool.close().await;
            if self.output.is_json() {
                let object = json!({
                    "subject": self.subject,
                    "log_events": erased.log_events,
                    "scheduled_events": erased.scheduled_events,
                    "held_events": erased.held_events,
                    "open_transactions": erased.open_transactions,
                });
                line(&object.to_string())?;
            } else {
                line(&format!(
                    "erased: {} events in the log, {} scheduled, {} held back or dead",
                    erased.log_events, erased.scheduled_events, erased.held_events
                ))?;
            }
            if erased.open_transactions == 0 {
                return Ok(ExitCode::SUCCESS);
            }
            Err(format!(
                "{} transactions that have published something are still open: run this again when they have ended \
                 (`eventwright doctor` names those that are open for long)",
                erased.open_transactions
            )
            .into())
        })
    }
}
