//! `eventwright groups`: how subscriber groups stand.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use eventwright::{Gap, GroupStatus, Groups as Table};
use serde_json::{Value, json};

use crate::output::{Output, line};
use crate::times::{brief, rfc3339};
use crate::{Outcome, database::Database};

/// List subscriber groups, pause and resume them, have the log no longer wait for one, and again, or split one for more workers
#[derive(Args)]
pub(crate) struct Groups {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// How each group stands: how far it is behind, and what it holds back (the default)
    List,
    /// Have nobody take anything of a group; what its workers are at is finished
    Pause {
        /// The group
        group: String,
    },
    /// Let a group go on that was paused
    Resume {
        /// The group
        group: String,
    },
    /// Have the log no longer wait for a group
    ///
    /// The group keeps its position and what it holds back, and its subscribers refuse to run. Meanwhile the log may forget events
    /// that it has not handled.
    Detach {
        /// The group
        group: String,
        /// The database that it lives in, as `groups list` has it, where that is not this one
        #[arg(long)]
        home: Option<String>,
    },
    /// Have the log wait again for a group that was detached
    ///
    /// Start its subscribers again: they go on where they were. Where the log has forgotten what the group was to handle next, it stays
    /// detached, unless that is accepted.
    Attach {
        /// The group
        group: String,
        /// The database that it lives in, as `groups list` has it, where that is not this one
        #[arg(long)]
        home: Option<String>,
        /// Go on behind what the log has forgotten: the group never handles those events
        #[arg(long)]
        accept_gap: bool,
    },
    /// Split a group's subjects into so many ranges: as many are handled at the same time, by all processes together
    ///
    /// More ranges are there at once. Fewer are there once the group's workers have come to the same point in the log with all of them.
    Ranges {
        /// The group
        group: String,
        /// How many, from 1 to 1024; each reads the log for itself, so no more than it takes
        #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
        ranges: u16,
    },
}

impl Groups {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let groups = Table::new(pool.clone()).schema(self.database.schema);
            match self.command {
                None | Some(Command::List) => list(&groups, &self.output).await?,
                Some(Command::Pause { group }) => {
                    said(groups.pause(&group).await?, &group, "is paused", "was paused before")?;
                }
                Some(Command::Resume { group }) => {
                    said(groups.resume(&group).await?, &group, "goes on", "was not paused")?;
                }
                Some(Command::Detach { group, home }) => {
                    let changed = match &home {
                        Some(home) => groups.detach_reader(home, &group).await?,
                        None => groups.detach(&group).await?,
                    };
                    said(changed, &group, "is detached: the log no longer waits for it", "was detached before")?;
                }
                Some(Command::Attach { group, home, accept_gap }) => {
                    let gap = if accept_gap { Gap::Accept } else { Gap::Refuse };
                    let changed = match &home {
                        Some(home) => groups.attach_reader(home, &group, gap).await?,
                        None => groups.attach(&group, gap).await?,
                    };
                    said(changed, &group, "is attached: the log waits for it", "was not detached")?;
                }
                Some(Command::Ranges { group, ranges }) => {
                    groups.set_ranges(&group, ranges).await?;
                    line(&format!("{group} is to have {ranges} ranges; `groups list` says how many it has"))?;
                }
            }
            pool.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn said(changed: bool, group: &str, now: &str, before: &str) -> std::io::Result<()> {
    line(&format!("{group} {}", if changed { now } else { before }))
}

async fn list(groups: &Table, output: &Output) -> Result<(), Box<dyn Error>> {
    let rows = groups.list().await?.iter().map(|group| (cells(group), object(group))).collect();
    output.print(["GROUP", "STATE", "POSITION", "BEHIND", "TIME", "HELD", "DEAD", "RANGES"], rows)?;
    Ok(())
}

fn cells(group: &GroupStatus) -> [String; 8] {
    let here = |text: String| if group.home.is_some() { "-".to_owned() } else { text };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        name(group),
        state(group),
        or_dash(group.position.map(|position| position.to_string())),
        or_dash(group.lag.map(|lag| lag.events.to_string())),
        or_dash(group.lag.map(|lag| age(lag.time))),
        here(group.held.waiting().to_string()),
        here(group.held.dead.to_string()),
        here(group.ranges.to_string()),
    ]
}

fn name(group: &GroupStatus) -> String {
    group.home.as_ref().map_or_else(|| group.name.clone(), |home| format!("{home}/{}", group.name))
}

fn state(group: &GroupStatus) -> String {
    match (group.detached_at, group.paused_at) {
        (Some(since), _) => format!("detached {}", brief(since)),
        (None, Some(since)) => format!("paused {}", brief(since)),
        (None, None) => "attached".to_owned(),
    }
}

/// In the two largest units.
fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / (24 * 3600));
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m {}s", seconds % 60),
        3600..86_400 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

fn object(group: &GroupStatus) -> Value {
    let counts = group.held.by_reason().map(|(reason, count)| (reason.to_owned(), count.into()));
    let mut held = Value::Object(counts.into_iter().collect());
    held["dead"] = group.held.dead.into();
    json!({
        "group": group.name,
        "home": group.home,
        "domain": group.domain,
        "created_at": group.created_at.map(rfc3339),
        "paused_at": group.paused_at.map(rfc3339),
        "detached_at": group.detached_at.map(rfc3339),
        "position": group.position,
        "lag_events": group.lag.map(|lag| lag.events),
        "lag_seconds": group.lag.map(|lag| lag.time.as_secs_f64()),
        "ranges": group.ranges,
        "held": held,
    })
}

#[cfg(test)]
mod tests {
    use super::{Duration, age};

    #[test]
    fn an_age_has_two_units() {
        let ages = [59, 60, 3599, 3600, 86_399, 86_400, 180_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["59s", "1m 0s", "59m 59s", "1h 0m", "23h 59m", "1d 0h", "2d 2h"]);
    }
}
