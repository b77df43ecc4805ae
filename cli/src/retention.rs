//! `eventwright retention`: how long events stay in the log, and what keeps them.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use eventwright::{Lag, Retention as Log, RetentionReport};

use crate::{Outcome, database::Database};

/// Show what keeps old events in the log, change how long they stay, or remove what may go
///
/// Subscribers remove old events by themselves where their database user owns the tables. Where it does not, run this with --drop
/// as the owner, on a schedule, and connect directly: not by a pooler in transaction mode.
#[derive(Args)]
pub(crate) struct Retention {
    #[command(flatten)]
    database: Database,

    /// Keep events at least so long, from now on: `30d`, `12h`, `90m`, `45s`
    #[arg(long, value_name = "TIME", value_parser = time)]
    keep: Option<Duration>,

    /// Warn of groups that are further behind; `never`
    #[arg(long, value_name = "TIME", value_parser = time_or_never)]
    warn_after: Option<Limit>,

    /// Detach groups that are further behind, so that they can't fill the disk; `never`
    #[arg(long, value_name = "TIME", value_parser = time_or_never)]
    detach_after: Option<Limit>,

    /// Remember so long which events were handled, where the log is in another database: by so much it may go back in time
    #[arg(long, value_name = "TIME", value_parser = time)]
    remember: Option<Duration>,

    /// Remove now what may go
    #[arg(long)]
    drop: bool,
}

#[derive(Debug, Clone, Copy)]
struct Limit(Option<Duration>);

impl Retention {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let log = Log::new(pool.clone());
            let before = log.settings().await?;
            let mut settings = before;
            settings.keep = self.keep.unwrap_or(settings.keep);
            settings.warn_after = self.warn_after.map_or(settings.warn_after, |limit| limit.0);
            settings.detach_after = self.detach_after.map_or(settings.detach_after, |limit| limit.0);
            settings.remember = self.remember.unwrap_or(settings.remember);
            if settings != before {
                log.set(settings).await?;
            }
            let report = if self.drop { log.maintain().await? } else { log.report().await? };
            if self.drop && !report.may_drop {
                return Err("only the owner of the tables can remove events: connect as the user that ran `eventwright migrate`".into());
            }
            println!(
                "events stay {}; groups are warned of after {}, and detached after {}",
                words(Some(settings.keep)),
                words(settings.warn_after),
                words(settings.detach_after)
            );
            println!("groups whose log is elsewhere remember for {} what they handled", words(Some(settings.remember)));
            tell(&report);
            for lag in log.lag().await? {
                tell_lag(&lag);
            }
            pool.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn tell(report: &RetentionReport) {
    for name in &report.dropped {
        println!("{name}  removed");
    }
    for partition in &report.partitions {
        println!("{}  {}", partition.name, partition.kept);
    }
}

fn tell_lag(lag: &Lag) {
    let home = lag.home.as_ref().map(|home| format!("{home}/")).unwrap_or_default();
    let behind = Duration::from_secs(lag.behind.as_secs());
    print!("group {home}{}  at most {} events and {} behind", lag.group, lag.events, words(Some(behind)));
    if let Some(since) = lag.oldest_held {
        print!(", holds events back since {since}");
    }
    if let Some(since) = lag.detached_at {
        print!(", detached since {since}");
    }
    println!();
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// The largest unit that says it without a rest.
fn words(time: Option<Duration>) -> String {
    let Some(time) = time else { return "never".into() };
    let seconds = time.as_secs();
    let (unit, length) = UNITS.into_iter().find(|(_, length)| seconds % length == 0 && seconds > 0).unwrap_or(("s", 1));
    format!("{}{unit}", seconds / length)
}

fn time(text: &str) -> Result<Duration, String> {
    let length = |(unit, length)| Some((text.strip_suffix(unit)?.parse::<u64>().ok()?, length));
    let (count, length) = UNITS.into_iter().find_map(length).ok_or("a whole number and one of d, h, m, s: `7d`")?;
    let seconds = count.checked_mul(length).filter(|seconds| *seconds <= 100 * 366 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "at most a hundred years".into())
}

fn time_or_never(text: &str) -> Result<Limit, String> {
    if text == "never" {
        return Ok(Limit(None));
    }
    time(text).map(|time| Limit(Some(time)))
}
