//! Holding events back: why, for how long, and what a chunk sets aside.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Inner;
use crate::release::RELEASE;
use crate::stored::Stored;

const HOLD: &str = include_str!("../sql/hold.sql");
const PUT_OFF: &str = include_str!("../sql/put_off.sql");

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
    /// Whether the event's handler has run and failed, so that a group that does not keep order goes on behind it.
    pub(super) fn is_of_a_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Snoozed | Self::Dead)
    }

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
pub(super) struct Aside {
    events: Vec<SetAside>,
    /// Whose later events must wait.
    blocked: HashSet<String>,
}

#[derive(Debug)]
struct SetAside {
    event: Stored,
    hold: Hold,
    blocks: bool,
}

impl Aside {
    /// `blocks`: whether later events of the subject wait for this one.
    pub(super) fn hold(&mut self, event: &Stored, hold: Hold, blocks: bool) {
        if blocks {
            self.blocked.insert(event.envelope.subject.clone());
        }
        self.events.push(SetAside { event: event.clone(), hold, blocks });
    }

    /// Whether later events of this subject must wait.
    pub(super) fn blocks(&self, subject: &str) -> bool {
        self.blocked.contains(subject)
    }

    /// What is set aside, each with its hold.
    pub(super) fn holds(&self) -> impl Iterator<Item = (i64, &Hold)> {
        self.events.iter().map(|aside| (aside.event.seq, &aside.hold))
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Forgets all but the first so many.
    pub(super) fn undo(&mut self, len: usize) {
        self.events.truncate(len);
        let blocking = self.events.iter().filter(|aside| aside.blocks);
        self.blocked = blocking.map(|aside| aside.event.envelope.subject.clone()).collect();
    }

    /// `blocked`: the subjects of which events were held before, so that the last of those may be let go just now.
    pub(super) async fn store<D, S>(
        self,
        inner: &Inner<D, S>,
        tx: &mut PgConnection,
        blocked: &HashSet<String>,
    ) -> Result<(), sqlx::Error> {
        if self.events.is_empty() {
            return Ok(());
        }
        let events: Vec<&Stored> = self.events.iter().map(|aside| &aside.event).collect();
        let holds: Vec<&Hold> = self.events.iter().map(|aside| &aside.hold).collect();
        inner
            .query(HOLD)
            .bind(&inner.group)
            .bind(each(&events, |event| event.seq))
            .bind(each(&events, |event| event.envelope.event_id.as_uuid()))
            .bind(each(&events, |event| event.envelope.event_type.as_str()))
            .bind(each(&events, |event| i32::from(event.envelope.schema_version)))
            .bind(each(&events, |event| event.envelope.source.as_str()))
            .bind(each(&events, |event| event.envelope.tenant_id.as_deref()))
            .bind(each(&events, |event| event.envelope.subject.as_str()))
            .bind(each(&events, |event| event.envelope.occurred_at))
            .bind(each(&events, |event| event.envelope.published_at))
            .bind(each(&events, |event| event.envelope.correlation_id.as_str()))
            .bind(each(&events, |event| event.envelope.causation_id.map(|id| id.as_uuid())))
            .bind(each(&events, |event| event.envelope.traceparent.as_deref()))
            .bind(each(&events, |event| event.payload.as_str()))
            .bind(each(&events, |event| event.downcast.as_ref().map(|(version, _)| i32::from(*version))))
            .bind(each(&events, |event| event.downcast.as_ref().map(|(_, payload)| payload.as_str())))
            .bind(each(&holds, |hold| hold.reason.as_str()))
            .bind(each(&holds, |hold| hold.attempts.cast_signed()))
            .bind(each(&holds, |hold| hold.wait_seconds()))
            .bind(each(&holds, |hold| hold.error()))
            .execute(&mut *tx)
            .await?;
        let subjects = self.events.into_iter().map(|aside| aside.event.envelope.subject);
        let subjects: HashSet<String> = subjects.filter(|subject| blocked.contains(subject)).collect();
        if subjects.is_empty() {
            return Ok(());
        }
        inner.release(tx, &subjects.into_iter().collect::<Vec<_>>()).await
    }
}

impl<D, S> Inner<D, S> {
    /// Lets the first held event of each of these subjects run, where it waited behind another; see [`RELEASE`].
    pub(super) async fn release(&self, tx: &mut PgConnection, subjects: &[String]) -> Result<(), sqlx::Error> {
        self.query(RELEASE).bind(&self.group).bind(subjects).execute(tx).await?;
        Ok(())
    }
}

impl<D, S> Inner<D, S> {
    /// Holds held events on, for other reasons and until later.
    pub(super) async fn put_off(
        &self,
        tx: &mut PgConnection,
        lease: Uuid,
        events: &[(i64, &Hold)],
    ) -> Result<(), sqlx::Error> {
        let (seqs, holds): (Vec<i64>, Vec<&Hold>) = events.iter().copied().unzip();
        self.query_anew(PUT_OFF)
            .bind(&self.group)
            .bind(lease)
            .bind(seqs)
            .bind(each(&holds, |hold| hold.reason.as_str()))
            .bind(each(&holds, |hold| hold.attempts.cast_signed()))
            .bind(each(&holds, |hold| hold.wait_seconds()))
            .bind(each(&holds, |hold| hold.error()))
            .execute(tx)
            .await?;
        Ok(())
    }
}

fn each<'a, T, C>(rows: &[&'a T], column: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(|row| column(row)).collect()
}
