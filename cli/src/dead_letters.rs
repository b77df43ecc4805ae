//! `eventwright dead-letters`: what groups gave up.

use std::error::Error;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use eventwright::{DeadLetter, DeadLetterCursor, DeadLetterFilter, DeadLetters as Table, EventId, OffsetDateTime};
use serde_json::{Value, json};

use crate::output::{Output, line, plain, short};
use crate::times::{self, brief, rfc3339};
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
    /// List dead letters: group by group, the oldest first
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Go on where a list ended: what it said after `--after`
        #[arg(long)]
        after: Option<DeadLetterCursor>,
        #[command(flatten)]
        output: Output,
    },
    /// Show all about an event that is dead, in each group that gave it up
    Show {
        /// The event's id, `evt_…`
        event_id: EventId,
        /// In this group; otherwise in all
        #[arg(long)]
        group: Option<String>,
        /// Print the payload, too, which may hold personal data
        #[arg(long)]
        payload: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Have groups try again, with all attempts anew
    ///
    /// Events keep their order: what waited behind a dead letter comes after it.
    Redrive {
        /// The event's id, `evt_…`
        event_id: Option<EventId>,
        #[command(flatten)]
        which: Which,
        /// All that the other options let through, or all there are
        #[arg(long, conflicts_with = "event_id")]
        all: bool,
    },
    /// Forget dead letters, and let the later events of their subjects go on
    ///
    /// The group will never handle these events.
    Discard {
        /// The event's id, `evt_…`; without it, all that the other options let through
        event_id: Option<EventId>,
        #[command(flatten)]
        which: Which,
        /// Yes, forget all of them
        #[arg(long, conflicts_with = "event_id")]
        yes: bool,
    },
}

/// Which dead letters are meant.
#[derive(Args)]
struct Which {
    /// Of this group
    #[arg(long)]
    group: Option<String>,
    /// Of events of this type, such as `lead.created`
    #[arg(long = "type")]
    event_type: Option<String>,
    /// Of events about this subject
    #[arg(long)]
    subject: Option<String>,
    /// Of events of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Given up at this time or later: 2026-01-31T12:00:00Z, or an age such as 15m, 24h, 7d
    #[arg(long, value_parser = times::parse)]
    since: Option<OffsetDateTime>,
    /// Given up before this time
    #[arg(long, value_parser = times::parse)]
    until: Option<OffsetDateTime>,
    /// With this text in the error
    #[arg(long)]
    error: Option<String>,
}

impl Which {
    fn filter(self, event_id: Option<EventId>) -> DeadLetterFilter {
        let mut filter = DeadLetterFilter::new();
        filter = self.group.into_iter().fold(filter, DeadLetterFilter::group);
        filter = self.event_type.into_iter().fold(filter, DeadLetterFilter::event_type);
        filter = self.subject.into_iter().fold(filter, DeadLetterFilter::subject);
        filter = self.tenant.into_iter().fold(filter, DeadLetterFilter::tenant);
        filter = self.since.into_iter().fold(filter, DeadLetterFilter::since);
        filter = self.until.into_iter().fold(filter, DeadLetterFilter::until);
        filter = self.error.into_iter().fold(filter, DeadLetterFilter::error);
        event_id.into_iter().fold(filter, DeadLetterFilter::event)
    }
}

impl DeadLetters {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let letters = Table::new(pool.clone()).schema(self.database.schema);
            match self.command {
                Command::List { which, limit, after, output } => {
                    list(&letters, which.filter(None), limit, after, &output).await?;
                }
                Command::Show { event_id, group, payload, output } => {
                    show(&letters, event_id, group, payload, &output).await?;
                }
                Command::Redrive { event_id, which, all } => redrive(&letters, event_id, which, all).await?,
                Command::Discard { event_id, which, yes } => discard(&letters, event_id, which, yes).await?,
            }
            pool.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn list(
    letters: &Table,
    filter: DeadLetterFilter,
    limit: u32,
    after: Option<DeadLetterCursor>,
    output: &Output,
) -> Result<(), Box<dyn Error>> {
    let page = letters.page(&filter, after.as_ref(), limit).await?;
    let row = |letter: &DeadLetter| {
        let envelope = &letter.envelope;
        let cells = [
            letter.group.clone(),
            envelope.event_id.to_string(),
            format!("{} v{}", envelope.event_type, envelope.schema_version),
            short(&envelope.subject, 40),
            letter.attempts.to_string(),
            brief(letter.died_at),
            short(&letter.error, 80),
        ];
        (cells, object(letter, false))
    };
    let header = ["GROUP", "EVENT", "TYPE", "SUBJECT", "ATTEMPTS", "DIED", "ERROR"];
    output.print(header, page.letters.iter().map(row).collect())?;
    if let Some(next) = page.next {
        eprintln!("there are more: --after {next}");
    }
    Ok(())
}

async fn show(
    letters: &Table,
    event_id: EventId,
    group: Option<String>,
    payload: bool,
    output: &Output,
) -> Result<(), Box<dyn Error>> {
    let filter = group.iter().cloned().fold(DeadLetterFilter::new().event(event_id), DeadLetterFilter::group);
    let found = letters.page(&filter, None, u32::MAX).await?.letters;
    if found.is_empty() {
        return Err(none(event_id, group.as_deref()));
    }
    for letter in found {
        if output.is_json() {
            line(&object(&letter, payload).to_string())?;
            continue;
        }
        for (name, value) in facts(&letter) {
            line(&format!("{name:15}{}", plain(&value)))?;
        }
        if payload {
            line(&format!("{:15}{}", "payload", plain(&letter.payload)))?;
        }
        line("")?;
    }
    Ok(())
}

fn facts(letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let envelope = &letter.envelope;
    let mut facts = vec![
        ("group", letter.group.clone()),
        ("event", envelope.event_id.to_string()),
        ("type", format!("{} v{}", envelope.event_type, envelope.schema_version)),
        ("subject", envelope.subject.clone()),
        ("source", envelope.source.clone()),
        ("occurred", rfc3339(envelope.occurred_at)),
        ("published", rfc3339(envelope.published_at)),
        ("correlation", envelope.correlation_id.clone()),
        ("attempts", letter.attempts.to_string()),
        ("first failed", rfc3339(letter.failed_at)),
        ("died", rfc3339(letter.died_at)),
        ("error", letter.error.clone()),
    ];
    facts.extend(envelope.tenant_id.clone().map(|tenant| ("tenant", tenant)));
    facts.extend(envelope.causation_id.map(|cause| ("caused by", cause.to_string())));
    facts.extend(envelope.traceparent.clone().map(|trace| ("traceparent", trace)));
    facts
}

fn object(letter: &DeadLetter, payload: bool) -> Value {
    let envelope = &letter.envelope;
    let mut object = json!({
        "group": letter.group,
        "event_id": envelope.event_id.to_string(),
        "event_type": envelope.event_type,
        "schema_version": envelope.schema_version,
        "source": envelope.source,
        "tenant_id": envelope.tenant_id,
        "subject": envelope.subject,
        "occurred_at": rfc3339(envelope.occurred_at),
        "published_at": rfc3339(envelope.published_at),
        "correlation_id": envelope.correlation_id,
        "causation_id": envelope.causation_id.map(|id| id.to_string()),
        "traceparent": envelope.traceparent,
        "attempts": letter.attempts,
        "failed_at": rfc3339(letter.failed_at),
        "died_at": rfc3339(letter.died_at),
        "error": letter.error,
    });
    if payload {
        // as text: its numbers may be of more digits than this program's would keep
        object["payload"] = letter.payload.clone().into();
    }
    object
}

async fn redrive(letters: &Table, event_id: Option<EventId>, which: Which, all: bool) -> Result<(), Box<dyn Error>> {
    let group = which.group.clone();
    let filter = which.filter(event_id);
    let Some(id) = event_id else {
        if !all && filter == DeadLetterFilter::new() {
            return Err("say which: an event's id, `--group`, `--type`, … or `--all`".into());
        }
        line(&format!("{} dead letters are tried again", letters.redrive_matching(&filter).await?))?;
        return Ok(());
    };
    match letters.redrive_matching(&filter).await? {
        0 => Err(none(id, group.as_deref())),
        groups => Ok(line(&format!("{id} is tried again by {}", of_groups(groups, group)))?),
    }
}

async fn discard(letters: &Table, event_id: Option<EventId>, which: Which, yes: bool) -> Result<(), Box<dyn Error>> {
    let group = which.group.clone();
    let filter = which.filter(event_id);
    let Some(id) = event_id else {
        if !yes {
            return Err("no event's id, so all that these options let through would be forgotten, and never handled: \
                        look with `eventwright dead-letters list`, then say `--yes`"
                .into());
        }
        line(&format!("{} dead letters are forgotten", letters.discard_matching(&filter).await?))?;
        return Ok(());
    };
    match letters.discard_matching(&filter).await? {
        0 => Err(none(id, group.as_deref())),
        groups => Ok(line(&format!("{id} is forgotten by {}", of_groups(groups, group)))?),
    }
}

fn of_groups(count: u64, group: Option<String>) -> String {
    group.unwrap_or_else(|| format!("{count} group{}", if count == 1 { "" } else { "s" }))
}

fn none(id: EventId, group: Option<&str>) -> Box<dyn Error> {
    let who = group.map_or_else(|| "no group has a".to_owned(), |group| format!("group `{group}` has no"));
    format!("{who} dead letter {id}: `eventwright dead-letters list` shows what there is").into()
}
