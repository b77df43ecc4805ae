//! The connections of workers and of the one who looks for work.

use std::sync::{Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres};

use super::Inner;
use super::ask::{Route, answered};
use super::log::Log;
use crate::Error;

const PLAN_ONCE: &str =
    "SELECT set_config('plan_cache_mode', CASE WHEN count(*) <= 8 THEN 'force_generic_plan' ELSE 'auto' END, false)
  FROM pg_catalog.pg_inherits WHERE inhparent = 'eventwright.outbox'::regclass";

/// Three sides of a worker: the transaction of the handlers, what must be written beside it, and the log.
pub(super) struct Hands {
    pub(super) work: PoolConnection<Postgres>,
    pub(super) aside: PoolConnection<Postgres>,
    /// `None`: the log is in the same database, and `aside` reads it.
    pub(super) log: Option<PoolConnection<Postgres>>,
    /// Whether `aside` has begun a chunk before, so that the next time the first message is all.
    pub(super) has_begun: bool,
}

/// Hands that nobody uses just now. Those that were used last are used next: their server processes have their plans, and their
/// memory is near. (The pool hands out the one that has rested longest, and asks each that comes back how it is.)
#[derive(Default)]
pub(super) struct Resting(Mutex<Vec<Hands>>);

impl Hands {
    pub(super) async fn take<D, S>(inner: &Inner<D, S>) -> Result<Self, Error> {
        if let Some(hands) = inner.resting.hands().pop() {
            return Ok(hands);
        }
        let log = match inner.log.is_elsewhere {
            true => Some(inner.log.pool.acquire().await?),
            false => None,
        };
        let (work, aside) = (inner.pool.acquire().await?, inner.pool.acquire().await?);
        let mut hands = Self { work, aside, log, has_begun: false };
        match plan_once(&inner.log, hands.reading()).await {
            Ok(()) => Ok(hands),
            Err(error) => {
                hands.discard();
                Err(error)
            }
        }
    }

    /// The connection that reads the log.
    pub(super) fn reading(&mut self) -> &mut PgConnection {
        self.log.as_mut().unwrap_or(&mut self.aside)
    }

    /// Gives them to whoever comes next.
    pub(super) async fn rest<D, S>(mut self, inner: &Inner<D, S>) -> Result<(), Error> {
        // a transaction that was dropped ends with the next message, and until then has its range
        if let Err(error) = answered(self.work.ping()).await {
            self.discard();
            return Err(error);
        }
        inner.resting.hands().push(self);
        Ok(())
    }

    /// Gives none of the connections back: one that may hang would be handed to the next who asks.
    pub(super) fn discard(mut self) {
        for connection in [Some(&mut self.work), Some(&mut self.aside), self.log.as_mut()].into_iter().flatten() {
            connection.close_on_drop();
        }
    }
}

impl Resting {
    fn hands(&self) -> std::sync::MutexGuard<'_, Vec<Hands>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives their connections back to the pool, which ends those that are old.
    pub(super) async fn give_back(&self, route: Route) {
        let mut resting = std::mem::take(&mut *self.hands()).into_iter();
        while let Some(mut hands) = resting.next() {
            if plan_as_ever(route, hands.reading()).await.is_err() {
                hands.discard();
                // one that is silent is waited for, and no more
                resting.by_ref().for_each(Hands::discard);
            }
        }
    }

    /// Where one of them failed, the others may be as bad.
    pub(super) fn discard(&self) {
        self.hands().drain(..).for_each(Hands::discard);
    }
}

/// Has a connection plan each of its statements once, for any arguments: those that read are few, short and asked often. Not where the log
/// has many partitions: a plan for any arguments locks them all, each time, and one for certain arguments those that it reads.
async fn plan_once(log: &Log, db: &mut PgConnection) -> Result<(), Error> {
    answered(log.route.set(db, log.schema.sql(PLAN_ONCE))).await
}

/// Before others have it, who may want other plans.
async fn plan_as_ever(route: Route, db: &mut PgConnection) -> Result<(), Error> {
    answered(route.set(db, "RESET plan_cache_mode")).await
}

/// A connection to the log that is kept from use to use.
pub(super) struct Kept(Option<PoolConnection<Postgres>>);

impl Kept {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) async fn get(&mut self, log: &Log) -> Result<&mut PoolConnection<Postgres>, Error> {
        match &mut self.0 {
            Some(connection) => Ok(connection),
            none => {
                let mut connection = answered(log.pool.acquire()).await?;
                if let Err(error) = plan_once(log, &mut connection).await {
                    connection.close_on_drop();
                    return Err(error);
                }
                Ok(none.insert(connection))
            }
        }
    }

    pub(super) async fn give_back(&mut self, log: &Log) {
        let Some(mut connection) = self.0.take() else { return };
        if plan_as_ever(log.route, &mut connection).await.is_err() {
            connection.close_on_drop();
        }
    }

    /// It may hang, or be in the midst of something.
    pub(super) fn discard(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}
