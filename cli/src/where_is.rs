//! `eventwright where`: where an event is.

use std::process::ExitCode;

use clap::Args;
use eventwright::{EventId, EventLookup, GroupStanding, OffsetDateTime, Publication, Standing, Whereabouts};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::output::{Output, line, plain};
use crate::times::rfc3339;
use crate::{Outcome, database::Database};

/// Tell where an event is: whether it was published, and what each group has done with it
///
/// An event is looked for around the time in its id. One that was scheduled, or not published at all, is looked for in the whole log,
/// which takes as long as reading it does.
#[derive(Args)]
pub(crate) struct Where {
    #[command(flatten)]
    database: Database,
    /// The event's id, `evt_…`
    event_id: EventId,
    /// The database of the groups, where it is not the log's: postgres://user:password@host:port/database
    #[arg(long, env = "EVENTWRIGHT_HOME_URL", hide_env_values = true)]
    home_url: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Where {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let mut lookup = EventLookup::new(pool.clone()).schema(self.database.schema);
            if let Some(url) = &self.home_url {
                lookup = lookup
                    .groups_in(PgPool::connect(url).await.map_err(|e| format!("no connection by --home-url: {e}"))?);
            }
            let found = lookup.find(self.event_id).await?;
            pool.close().await;
            if self.output.is_json() {
                line(&object(&found).to_string())?;
            } else {
                line(&format!("{}  {}", found.event_id, plain(&found.published.to_string())))?;
                let rows = found.groups.iter().map(|group| ([group.group.clone(), state(group)], Value::Null));
                self.output.print(["GROUP", "STATE"], rows.collect())?;
            }
            let lost = matches!(found.published, Publication::NotInLog { .. }) && found.groups.is_empty();
            Ok(if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        })
    }
}

fn state(group: &GroupStanding) -> String {
    let mut state = plain(&group.standing.to_string());
    if let Some(since) = group.detached_at {
        state.push_str(&format!("; the group is detached since {since}"));
    } else if let Some(since) = group.paused_at {
        state.push_str(&format!("; the group is paused since {since}"));
    }
    state
}

fn object(found: &Whereabouts) -> Value {
    let published = match &found.published {
        Publication::InLog { seq, event_type, schema_version, subject, at } => json!({
            "seq": seq, "event_type": event_type, "schema_version": schema_version, "subject": subject, "published_at": rfc3339(*at),
        }),
        Publication::Scheduled { event_type, schema_version, subject, due_at } => json!({
            "event_type": event_type, "schema_version": schema_version, "subject": subject, "due_at": rfc3339(*due_at),
        }),
        Publication::NotInLog { open_transactions } => json!({ "open_transactions": open_transactions }),
        _ => json!({}),
    };
    let mut object = published;
    object["event_id"] = found.event_id.to_string().into();
    object["published"] = matches!(found.published, Publication::InLog { .. }).into();
    object["groups"] = found.groups.iter().map(group).collect();
    object
}

fn group(group: &GroupStanding) -> Value {
    let (state, mut object) = standing(&group.standing);
    object["group"] = group.group.clone().into();
    object["state"] = state.into();
    object["paused_at"] = group.paused_at.map(rfc3339).into();
    object["detached_at"] = group.detached_at.map(rfc3339).into();
    object
}

fn standing(standing: &Standing) -> (&'static str, Value) {
    let time = |time: &OffsetDateTime| rfc3339(*time);
    match standing {
        Standing::Handled => ("handled", json!({})),
        Standing::NotSubscribed => ("not subscribed", json!({})),
        Standing::Unseen => ("unseen", json!({})),
        Standing::Unread { to_go } => ("unread", json!({ "to_go": to_go })),
        Standing::Ready => ("ready", json!({})),
        Standing::Effect => ("effect", json!({})),
        Standing::Running { attempts, until } => ("running", json!({ "attempts": attempts, "until": time(until) })),
        Standing::Failed { attempts, retry_at, error } => {
            ("failed", json!({ "attempts": attempts, "retry_at": time(retry_at), "error": error }))
        }
        Standing::Snoozed { until } => ("snoozed", json!({ "until": time(until) })),
        Standing::Unknown => ("unknown", json!({})),
        Standing::Behind { event_id, dead } => {
            ("behind", json!({ "behind": event_id.map(|id| id.to_string()), "behind_dead": dead }))
        }
        Standing::Dead { attempts, error, died_at } => {
            ("dead", json!({ "attempts": attempts, "error": error, "died_at": time(died_at) }))
        }
        Standing::Elsewhere { home, passed } => ("elsewhere", json!({ "home": home, "passed": passed })),
        // a later version's; as words
        _ => ("other", json!({ "text": standing.to_string() })),
    }
}
