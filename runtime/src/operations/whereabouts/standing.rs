//! What a group has to do with an event, in types and in words.

use std::fmt;

use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

use crate::payload::EventId;

/// How a group stands to an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupStanding {
    /// The group.
    pub group: String,
    /// Since when nobody takes anything of the group.
    pub paused_at: Option<OffsetDateTime>,
    /// Since when the log no longer waits for the group.
    pub detached_at: Option<OffsetDateTime>,
    /// Where the event is.
    pub standing: Standing,
}

/// What has become of an event in a group.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Standing {
    /// The group is done with it: it was handled, or discarded after it was given up. Also what lay before the group's beginning.
    Handled,
    /// The group handles no events of its type.
    NotSubscribed,
    /// No window sees it yet: since it was committed, no subscriber of any group has looked.
    Unseen,
    /// The group has not come to it yet.
    Unread {
        /// How many numbers of the log are before it. Not all of them are events, nor of the group's types. 0: its transaction
        /// ran long, and others with higher numbers came before it.
        to_go: u64,
    },
    /// It is to run as soon as a worker is free.
    Ready,
    /// Its handler, which runs outside of a transaction, comes as soon as a worker is free.
    Effect,
    /// A worker has it, unless that one vanished.
    Running {
        /// Which attempt it is.
        attempts: u32,
        /// When others take it over if nothing is heard of the worker.
        until: OffsetDateTime,
    },
    /// It failed, and is tried again.
    Failed {
        /// How often it was tried.
        attempts: u32,
        /// When it is tried again.
        retry_at: OffsetDateTime,
        /// The last error, with what caused it.
        error: String,
    },
    /// Its handler put it off.
    Snoozed {
        /// Until then.
        until: OffsetDateTime,
    },
    /// It waits for a deploy: no worker has a handler for its type or version.
    Unknown,
    /// It waits for an earlier event of its subject.
    Behind {
        /// The first event of the subject that is held back; `None`: that was just let go.
        event_id: Option<EventId>,
        /// Whether that one was given up, so that only a person lets this one go on.
        dead: bool,
    },
    /// The group gave it up: see [`DeadLetters`](crate::DeadLetters).
    Dead {
        /// How often it was tried.
        attempts: u32,
        /// The last error, with what caused it.
        error: String,
        /// When it was given up.
        died_at: OffsetDateTime,
    },
    /// The group lives in another database, which knows the rest.
    Elsewhere {
        /// The database: `system_identifier/name`.
        home: String,
        /// Whether the group has told the log that it read so far; then the event is handled, held back or dead there.
        passed: bool,
    },
}

impl Standing {
    /// Whether nothing is left to do with the event in this group.
    #[must_use]
    pub fn is_handled(&self) -> bool {
        matches!(self, Self::Handled)
    }

    /// Of a row of standings.sql or held_event.sql.
    fn from_row(row: &PgRow, in_a_window: bool) -> Result<Self, sqlx::Error> {
        let Some(reason) = row.try_get::<Option<String>, _>("reason")? else {
            let passed: bool = row.try_get("passed")?;
            let subscribed: bool = row.try_get("subscribed")?;
            let to_go: Option<i64> = row.try_get("to_go")?;
            return Ok(match (subscribed, passed) {
                (false, _) => Self::NotSubscribed,
                (true, true) => Self::Handled,
                (true, false) if !in_a_window => Self::Unseen,
                (true, false) => Self::Unread { to_go: to_go.unwrap_or(0).unsigned_abs() },
            });
        };
        let attempts = row.try_get::<i32, _>("attempts")?.unsigned_abs();
        let error = || Ok::<_, sqlx::Error>(row.try_get::<Option<String>, _>("last_error")?.unwrap_or_default());
        if row.try_get::<Option<bool>, _>("leased")? == Some(true) && reason != "dead" {
            return Ok(Self::Running { attempts, until: row.try_get("leased_until")? });
        }
        let due_at = row.try_get("due_at")?;
        Ok(match reason.as_str() {
            "failed" => Self::Failed { attempts, retry_at: due_at, error: error()? },
            "snoozed" => Self::Snoozed { until: due_at },
            "effect" => Self::Effect,
            "unknown" => Self::Unknown,
            "behind" => Self::Behind {
                event_id: row.try_get::<Option<uuid::Uuid>, _>("head_id")?.map(event_id).transpose()?,
                dead: row.try_get::<Option<bool>, _>("head_is_dead")?.unwrap_or(false),
            },
            "dead" => Self::Dead { attempts, error: error()?, died_at: row.try_get("died_at")? },
            _ => Self::Ready,
        })
    }
}

impl GroupStanding {
    pub(super) fn from_row(row: &PgRow, in_a_window: bool) -> Result<Self, sqlx::Error> {
        Ok(Self {
            group: row.try_get("name")?,
            paused_at: row.try_get("paused_at")?,
            detached_at: row.try_get("detached_at")?,
            standing: Standing::from_row(row, in_a_window)?,
        })
    }
}

fn event_id(id: uuid::Uuid) -> Result<EventId, sqlx::Error> {
    EventId::from_uuid(id).map_err(|e| sqlx::Error::Decode(e.into()))
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handled => write!(f, "handled"),
            Self::NotSubscribed => write!(f, "not subscribed to its type"),
            Self::Unseen => write!(f, "waits until a subscriber looks: none has since it was committed"),
            Self::Unread { to_go: 0 } => write!(f, "waits until the group comes to it: its transaction ran long"),
            Self::Unread { to_go } => {
                write!(f, "waits until the group comes to it: {to_go} numbers of the log before it")
            }
            Self::Ready => write!(f, "waits for a free worker"),
            Self::Effect => write!(f, "waits for a free worker, to run its effect handler"),
            Self::Running { attempts, until } => write!(f, "runs, attempt {attempts}; others take it over at {until}"),
            Self::Failed { attempts, retry_at, error } => {
                write!(f, "failed {attempts} times, is tried again at {retry_at}: {error}")
            }
            Self::Snoozed { until } => write!(f, "put off by its handler until {until}"),
            Self::Unknown => write!(f, "waits for a deploy: no worker knows its version"),
            Self::Behind { event_id: None, .. } => write!(f, "waits for an earlier event of its subject"),
            Self::Behind { event_id: Some(id), dead: false } => {
                write!(f, "waits for {id}, an earlier event of its subject")
            }
            Self::Behind { event_id: Some(id), dead: true } => {
                write!(f, "waits for {id}, an earlier event of its subject, which is dead: redrive or discard that one")
            }
            Self::Dead { attempts, error, died_at } => {
                write!(f, "dead since {died_at}, after {attempts} attempts: {error}")
            }
            Self::Elsewhere { home, passed: true } => write!(f, "passed on to database {home}: look there"),
            Self::Elsewhere { home, passed: false } => {
                write!(f, "waits until the group in database {home} comes to it")
            }
        }
    }
}
