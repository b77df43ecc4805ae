//! Sleeping without missing anything, and without making publishers notify a subscriber that is awake.
//!
//! The order is the proof: take a ticket, which publishers see at once; then look, again and again, for as long as transactions
//! run that may have read the flag before the ticket was there; once they are over, look a last time; only then rely on being
//! notified.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sqlx::postgres::PgListener;
use sqlx::{Executor, PgConnection, PgPool};
use tokio::time::timeout;
use tracing::warn;

use super::health::{Health, Listening};
use crate::Schema;

/// How long a ticket counts; it is renewed at half of that. A subscriber that dies in its sleep costs publishers a
/// notification each for at most this long.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// How often the listening connection is asked whether it is still there, and how long it may take to answer.
const HEARTBEAT: Duration = Duration::from_secs(10);
const NO_ANSWER: Duration = Duration::from_secs(5);
const RECONNECT: Duration = Duration::from_millis(500);

/// What reached the listener.
#[derive(Debug)]
pub(super) enum Call {
    /// A publisher's answer.
    Answered(Called),
    /// Notifications may have been lost: look, and take a new ticket.
    Lost,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Called {
    /// All tickets up to this one are answered.
    pub(super) ticket: i64,
    /// About where what was published is to be found.
    pub(super) bucket: Option<i16>,
}

impl Called {
    /// `ticket bucket`, or the ticket alone.
    fn parse(payload: &str) -> Option<Self> {
        let (ticket, bucket) = match payload.split_once(' ') {
            Some((ticket, bucket)) => (ticket, Some(bucket.parse().ok()?)),
            None => (payload, None),
        };
        Some(Self { ticket: ticket.parse().ok()?, bucket })
    }
}

/// The connection that listens. Waiting for a call can be given up at any time: what has begun goes on with the next one.
pub(super) struct Listener {
    calls: BoxStream<'static, Call>,
}

impl Listener {
    pub(super) async fn start(pool: &PgPool, schema: &Schema, health: &Health) -> Result<Self, sqlx::Error> {
        let ear = Ear {
            connected: Some(connect(pool, schema).await?),
            pool: pool.clone(),
            schema: schema.clone(),
            listening: Listening(health.clone()),
        };
        let calls = stream::unfold(ear, |mut ear| async move { Some((ear.call().await, ear)) });
        Ok(Self { calls: calls.boxed() })
    }

    pub(super) async fn call(&mut self) -> Call {
        match self.calls.next().await {
            Some(call) => call,
            None => std::future::pending().await,
        }
    }
}

async fn connect(pool: &PgPool, schema: &Schema) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // or it would come back by itself, at any time, and wait for as long as that takes
    listener.eager_reconnect(false);
    listener.listen(schema.name()).await?;
    Ok(listener)
}

/// Listens, and connects anew where it has to.
struct Ear {
    connected: Option<PgListener>,
    pool: PgPool,
    schema: Schema,
    listening: Listening,
}

impl Ear {
    async fn call(&mut self) -> Call {
        loop {
            let heard = match &mut self.connected {
                Some(listener) => hear(listener).await,
                None => self.reconnect().await,
            };
            match heard {
                Ok(Some(call)) => return call,
                Ok(None) => {}
                Err(error) => {
                    warn!(%error, "the listening connection failed");
                    self.listening.0.does_not_listen(error.to_string());
                    self.connected = None;
                    return Call::Lost;
                }
            }
        }
    }

    /// Tries once.
    async fn reconnect(&mut self) -> Result<Option<Call>, sqlx::Error> {
        let health = &self.listening.0;
        tokio::time::sleep(RECONNECT).await;
        match timeout(NO_ANSWER, connect(&self.pool, &self.schema)).await {
            Ok(Ok(listener)) => {
                health.listens();
                self.connected = Some(listener);
            }
            Ok(Err(error)) => health.does_not_listen(error.to_string()),
            Err(_) => health.does_not_listen("connecting takes too long"),
        }
        // what was called meanwhile was not heard
        Ok(self.connected.is_some().then_some(Call::Lost))
    }
}

/// Waits for a call, and asks now and then whether the connection is still there: one whose other side has vanished looks like one
/// on which nobody calls.
async fn hear(listener: &mut PgListener) -> Result<Option<Call>, sqlx::Error> {
    match timeout(HEARTBEAT, listener.try_recv()).await {
        Ok(Ok(Some(notification))) => {
            Ok(Some(Called::parse(notification.payload()).map_or(Call::Lost, Call::Answered)))
        }
        Ok(Ok(None)) => Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())),
        Ok(Err(error)) => Err(error),
        Err(_) => match timeout(NO_ANSWER, sqlx::query("SELECT 1").execute(listener)).await {
            Ok(answer) => answer.map(|_| None),
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        },
    }
}

/// A ticket, from the taking to the answer.
pub(super) struct Ticket {
    fence: String,
    taken: Instant,
}

impl Ticket {
    pub(super) async fn take(db: &mut PgConnection, schema: &Schema) -> Result<Self, sqlx::Error> {
        let fence = sqlx::query_scalar(schema.sql("SELECT eventwright.fall_asleep(make_interval(secs => $1))::text"))
            .bind(GOOD_FOR.as_secs_f64())
            .fetch_one(db)
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
