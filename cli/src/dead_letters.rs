//! `eventwright dead-letters`: what groups gave up.

use std::error::Error;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use eventwright::{DeadLetters as Table, EventId};

use crate::{Outcome, database::Database};

/// List, retry or discard the events that groups gave up
///
/// A dead letter keeps the later events of its subject waiting in its group, until it is redriven or discarded.
#[derive(Args)]
pub(crate) struct DeadLetters {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show dead letters, the oldest first
    List {
        /// Of this group; otherwise of all
        #[arg(long)]
        group: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Have the group try again, with all attempts anew
    Redrive {
        #[arg(long)]
        group: String,
        /// The event's id, `evt_…`
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        event_id: Option<EventId>,
        /// All dead letters of the group
        #[arg(long)]
        all: bool,
    },
    /// Forget a dead letter, and let the later events of its subject go on
    Discard {
        #[arg(long)]
        group: String,
        /// The event's id, `evt_…`
        event_id: EventId,
    },
}

impl DeadLetters {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let letters = Table::new(pool.clone());
            match self.command {
                Command::List { group, limit } => list(&letters, group.as_deref(), limit).await?,
                Command::Redrive { group, event_id: Some(id), .. } => {
                    found(letters.redrive(&group, id).await?, &group, id)?;
                    println!("{group} tries {id} again");
                }
                Command::Redrive { group, event_id: None, .. } => {
                    println!("{group} tries {} events again", letters.redrive_all(&group).await?);
                }
                Command::Discard { group, event_id } => {
                    found(letters.discard(&group, event_id).await?, &group, event_id)?;
                    println!("{group} forgets {event_id}");
                }
            }
            pool.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn list(letters: &Table, group: Option<&str>, limit: u32) -> Result<(), Box<dyn Error>> {
    for letter in letters.list(group, limit).await? {
        let envelope = &letter.envelope;
        println!("{}  {} v{}  {}", envelope.event_id, envelope.event_type, envelope.schema_version, envelope.subject);
        println!("    group {}, attempts {}, died {}", letter.group, letter.attempts, letter.died_at);
        println!("    {}", letter.error);
    }
    Ok(())
}

fn found(there: bool, group: &str, id: EventId) -> Result<(), Box<dyn Error>> {
    if there {
        return Ok(());
    }
    Err(format!("group `{group}` has no dead letter {id}: `eventwright dead-letters list` shows what there is").into())
}
