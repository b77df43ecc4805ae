//! Holding events back: why, for how long, and what a chunk sets aside.

use std::time::Duration;

use sqlx::PgConnection;

use crate::Schema;
use crate::release::release;
use crate::stored::Stored;

const HOLD: &str = include_str!("../sql/hold.sql");

/// No wait is longer, whatever a handler asks for: Postgres can't add all that a [`Duration`] can hold to a time.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// As much of an error as is kept, in characters.
const KEPT_ERROR: usize = 10_000;

/// Why an event is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It failed, and is tried again.
    Failed,
    /// Its handler put it off.
    Snoozed,
    /// Its handler runs outside of the log's transaction.
    Effect,
    /// Nobody here knows its version.
    Unknown,
    /// An earlier event of its subject is held back.
    Behind,
    /// It is given up.
    Dead,
}

impl Reason {
    /// As the table has it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Snoozed => "snoozed",
            Self::Effect => "effect",
            Self::Unknown => "unknown",
            Self::Behind => "behind",
            Self::Dead => "dead",
        }
    }
}

/// How an event is held back.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(super) reason: Reason,
    pub(super) attempts: u32,
    after: Duration,
    error: Option<String>,
}

impl Hold {
    /// An event that was not tried.
    pub(super) fn untried(reason: Reason) -> Self {
        Self { reason, attempts: 0, after: Duration::ZERO, error: None }
    }

    pub(super) fn for_later(reason: Reason, attempts: u32, after: Duration) -> Self {
        Self { reason, attempts, after, error: None }
    }

    pub(super) fn failed(attempts: u32, after: Duration, error: &str) -> Self {
        Self { reason: Reason::Failed, attempts, after, error: Some(storable(error)) }
    }

    pub(super) fn dead(attempts: u32, error: &str) -> Self {
        Self { reason: Reason::Dead, attempts, after: Duration::ZERO, error: Some(storable(error)) }
    }

    pub(super) fn wait_seconds(&self) -> f64 {
        self.after.min(LONGEST_WAIT).as_secs_f64()
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// Postgres' text holds no NUL (Character Types), and a handler's error is anything.
fn storable(error: &str) -> String {
    error.chars().take(KEPT_ERROR).map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// What a chunk sets aside; stored in its transaction, all in one statement.
#[derive(Debug, Default)]
pub(super) struct Aside(Vec<(i64, String, Hold)>);

impl Aside {
    pub(super) fn hold(&mut self, event: &Stored, hold: Hold) {
        self.0.push((event.seq, event.envelope.subject.clone(), hold));
    }

    pub(super) async fn store(self, tx: &mut PgConnection, schema: &Schema, group: &str) -> Result<(), sqlx::Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let seqs: Vec<i64> = self.0.iter().map(|(seq, _, _)| *seq).collect();
        let reasons: Vec<&str> = self.0.iter().map(|(_, _, hold)| hold.reason.as_str()).collect();
        let attempts: Vec<i32> = self.0.iter().map(|(_, _, hold)| hold.attempts.cast_signed()).collect();
        let waits: Vec<f64> = self.0.iter().map(|(_, _, hold)| hold.wait_seconds()).collect();
        let errors: Vec<Option<&str>> = self.0.iter().map(|(_, _, hold)| hold.error()).collect();
        sqlx::query(schema.sql(HOLD))
            .bind(group)
            .bind(seqs)
            .bind(reasons)
            .bind(attempts)
            .bind(waits)
            .bind(errors)
            .execute(&mut *tx)
            .await?;
        let subjects: Vec<String> = self.0.into_iter().map(|(_, subject, _)| subject).collect();
        release(tx, schema, group, &subjects).await
    }
}
