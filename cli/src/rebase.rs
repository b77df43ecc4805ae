//! `eventwright rebase`: going on after a restore or a failover.

use std::process::ExitCode;

use clap::Args;
use eventwright::{Rebase as Rebasing, RebasedDatabase, RebasedGroup};
use serde_json::json;

use crate::output::{Output, line};
use crate::{Outcome, database::Database, database::connect};

/// Go on after a restore or a failover
///
/// Without --group: makes a database right that was restored from a dump, with the groups whose log it is. Each event gets another
/// transaction id where those of the dump mean nothing here, so the whole log is written anew; publishers and handlers wait meanwhile.
///
/// With --group: has a group of this database go back to where its log, in another database, has gone back to: a standby has taken over
/// that lagged behind, or the log was restored. The group passes over the events that it handled already, by their ids. Where the standby
/// has all that the group has read, the group goes on by itself, and this is not needed.
///
/// Run it as the owner of the tables. Run again, it does nothing.
#[derive(Args)]
pub(crate) struct Rebase {
    #[command(flatten)]
    database: Database,
    /// The group
    #[arg(long, requires = "log_url")]
    group: Option<String>,
    /// The database that has the group's log, as --database-url
    #[arg(long, env = "EVENTWRIGHT_LOG_URL", hide_env_values = true)]
    log_url: Option<String>,
    /// Go back also where the group no longer remembers all that it handled: its handlers know events again by `event_id`
    #[arg(long, requires = "group")]
    accept_repeats: bool,
    #[command(flatten)]
    output: Output,
}

impl Rebase {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let mut rebase = Rebasing::new(pool.clone()).schema(self.database.schema.clone());
            if self.accept_repeats {
                rebase = rebase.accept_repeats();
            }
            match (&self.group, &self.log_url) {
                (Some(group), Some(log)) => {
                    let log = connect(log, "--log-url (or EVENTWRIGHT_LOG_URL)").await?;
                    let rebased = rebase.group(group, &log).await?;
                    log.close().await;
                    self.tell_group(group, rebased)?;
                }
                _ => self.tell_database(rebase.database().await?)?,
            }
            pool.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }

    fn tell_database(&self, rebased: RebasedDatabase) -> std::io::Result<()> {
        let RebasedDatabase { was_restored, renumbered_events, .. } = rebased;
        if self.output.is_json() {
            return line(&json!({ "was_restored": was_restored, "renumbered_events": renumbered_events }).to_string());
        }
        match was_restored {
            true => line(&format!(
                "the database is rebased: {renumbered_events} events have other transaction ids; start its subscribers"
            )),
            false => line("nothing to do: the database was not restored from a dump, or is rebased already"),
        }
    }

    fn tell_group(&self, group: &str, rebased: RebasedGroup) -> std::io::Result<()> {
        let RebasedGroup { ranges, remembered_events, let_go_events, .. } = rebased;
        if self.output.is_json() {
            let object = json!({
                "group": group,
                "ranges": ranges,
                "remembered_events": remembered_events,
                "let_go_events": let_go_events,
            });
            return line(&object.to_string());
        }
        match ranges {
            0 => line(&format!("nothing to do: the log has all that {group} has read")),
            _ => line(&format!(
                "{group} goes back in {ranges} ranges, and passes over what comes again of {remembered_events} events; \
                 {let_go_events} that it held back are lost with the log; start its subscribers"
            )),
        }
    }
}
