//! The connections of one worker.

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use super::Inner;

/// Three sides of a worker: the transaction of the handlers, what must be written beside it, and the log.
pub(super) struct Hands {
    pub(super) work: PoolConnection<Postgres>,
    pub(super) aside: PoolConnection<Postgres>,
    /// `None`: the log is in the same database, and `aside` reads it.
    pub(super) log: Option<PoolConnection<Postgres>>,
}

impl Hands {
    pub(super) async fn take<D, S>(inner: &Inner<D, S>) -> Result<Self, sqlx::Error> {
        let log = match inner.log.is_elsewhere {
            true => Some(inner.log.pool.acquire().await?),
            false => None,
        };
        Ok(Self { work: inner.pool.acquire().await?, aside: inner.pool.acquire().await?, log })
    }

    /// Gives none of the connections back: one that may hang would be handed to the next who asks.
    pub(super) fn discard(mut self) {
        for connection in [Some(&mut self.work), Some(&mut self.aside), self.log.as_mut()].into_iter().flatten() {
            connection.close_on_drop();
        }
    }
}
