//! Events that a chunk does not handle: held back, or given up.

use sqlx::PgConnection;

use super::failure::Verdict;
use crate::Schema;
use crate::stored::Stored;

const HOLD: &str = include_str!("../sql/hold.sql");
const BURY: &str = include_str!("../sql/bury.sql");
pub(super) const RELEASE: &str = "SELECT eventwright.release($1, $2)";

/// What a chunk sets aside; stored in its transaction, a statement for each kind.
#[derive(Debug, Default)]
pub(super) struct Aside {
    subjects: Vec<String>,
    held: Held,
    dead: Dead,
}

#[derive(Debug, Default)]
struct Held {
    seqs: Vec<i64>,
    reasons: Vec<&'static str>,
    attempts: Vec<i32>,
    wait_seconds: Vec<f64>,
    errors: Vec<Option<String>>,
}

#[derive(Debug, Default)]
struct Dead {
    seqs: Vec<i64>,
    attempts: Vec<i32>,
    errors: Vec<String>,
}

impl Aside {
    /// Holds an event back that was not tried.
    pub(super) fn hold(&mut self, event: &Stored, reason: &'static str) {
        self.set(event, Verdict::Hold { reason, after: std::time::Duration::ZERO, attempts: 0, error: None });
    }

    pub(super) fn set(&mut self, event: &Stored, verdict: Verdict) {
        self.subjects.push(event.envelope.subject.clone());
        match verdict {
            Verdict::Hold { reason, after, attempts, error } => {
                self.held.seqs.push(event.seq);
                self.held.reasons.push(reason);
                self.held.attempts.push(attempts.cast_signed());
                self.held.wait_seconds.push(after.as_secs_f64());
                self.held.errors.push(error);
            }
            Verdict::Die { attempts, error } => {
                self.dead.seqs.push(event.seq);
                self.dead.attempts.push(attempts.cast_signed());
                self.dead.errors.push(error);
            }
        }
    }

    pub(super) async fn store(&self, tx: &mut PgConnection, schema: &Schema, group: &str) -> Result<(), sqlx::Error> {
        if !self.held.seqs.is_empty() {
            sqlx::query(schema.sql(HOLD))
                .bind(group)
                .bind(&self.held.seqs)
                .bind(&self.held.reasons)
                .bind(&self.held.attempts)
                .bind(&self.held.wait_seconds)
                .bind(&self.held.errors)
                .execute(&mut *tx)
                .await?;
        }
        if !self.dead.seqs.is_empty() {
            sqlx::query(schema.sql(BURY))
                .bind(group)
                .bind(&self.dead.seqs)
                .bind(&self.dead.attempts)
                .bind(&self.dead.errors)
                .execute(&mut *tx)
                .await?;
        }
        if !self.held.seqs.is_empty() {
            sqlx::query(schema.sql(RELEASE)).bind(group).bind(&self.subjects).execute(&mut *tx).await?;
        }
        Ok(())
    }
}
