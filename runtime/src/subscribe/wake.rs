//! Sleeping without missing anything, and without making publishers notify a subscriber that is awake.
//!
//! The order is the proof: take a ticket, which publishers see at once; then look, again and again, for as long as transactions
//! run that may have read the flag before the ticket was there; once they are over, look a last time; only then rely on being
//! notified.

use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;
use sqlx::{Executor, PgPool};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::Schema;

/// How long a ticket counts; it is renewed at half of that. A subscriber that dies in its sleep costs publishers a
/// notification each for at most this long.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// What reached the listener.
#[derive(Debug)]
pub(super) enum Call {
    /// A publisher's answer to all tickets up to this one.
    Answered(i64),
    /// Notifications may have been lost: look, and take a new ticket.
    Lost,
}

/// The connection that listens, in a task of its own, so that waiting for it can be given up at any time.
pub(super) struct Listener {
    calls: mpsc::Receiver<Call>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    pub(super) async fn start(pool: &PgPool, schema: &Schema) -> Result<Self, sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(schema.name()).await?;
        let (calls, receiver) = mpsc::channel(64);
        let task = tokio::spawn(async move {
            loop {
                let call = match listener.try_recv().await {
                    Ok(Some(notification)) => notification.payload().parse().map_or(Call::Lost, Call::Answered),
                    Ok(None) => Call::Lost,
                    Err(error) => {
                        warn!(%error, "the listening connection failed");
                        tokio::time::sleep(Duration::from_millis(500)).await;
                        Call::Lost
                    }
                };
                if calls.send(call).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { calls: receiver, task })
    }

    pub(super) async fn call(&mut self) -> Call {
        match self.calls.recv().await {
            Some(call) => call,
            // the task ended by a panic: polling goes on
            None => std::future::pending().await,
        }
    }
}

/// A ticket, from the taking to the answer.
pub(super) struct Ticket {
    fence: String,
    taken: Instant,
}

impl Ticket {
    pub(super) async fn take(pool: &PgPool, schema: &Schema) -> Result<Self, sqlx::Error> {
        let fence = sqlx::query_scalar(schema.sql("SELECT eventwright.fall_asleep(make_interval(secs => $1))::text"))
            .bind(GOOD_FOR.as_secs_f64())
            .fetch_one(pool)
            .await?;
        Ok(Self { fence, taken: Instant::now() })
    }

    /// Whoever has this xid or a later one has seen the ticket.
    pub(super) fn fence(&self) -> &str {
        &self.fence
    }

    pub(super) fn is_old(&self) -> bool {
        self.until_old().is_zero()
    }

    /// How long it may be slept on: then it is to be renewed.
    pub(super) fn until_old(&self) -> Duration {
        (GOOD_FOR / 2).saturating_sub(self.taken.elapsed())
    }

    /// Whether it was taken just now, and those that may not have seen it are likely to be over soon.
    pub(super) fn is_young(&self) -> bool {
        self.taken.elapsed() < Duration::from_secs(1)
    }
}

/// Publishers need not notify for tickets up to this one any more.
pub(super) async fn answer(pool: &PgPool, schema: &Schema, ticket: i64) -> Result<(), sqlx::Error> {
    pool.execute(sqlx::query(schema.sql("SELECT eventwright.wake_up($1)")).bind(ticket)).await?;
    Ok(())
}
