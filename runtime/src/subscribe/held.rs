//! Running held events: those that failed, those that wait for an effect handler, and those that waited behind them.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use tracing::warn;
use uuid::Uuid;

use super::Inner;
use super::around::Delivery;
use super::ask::{answered, undo};
use super::call::{is_aborted, is_shutdown, swallowed};
use super::context::Context;
use super::failure::Handled;
use super::handler::{Effect, Handler, InTransaction, Version};
use super::hold::{Hold, Reason};
use super::together::together;
use crate::Error;
use crate::contract::Domain;
use crate::stored::Stored;

const LEASE_HELD: &str = include_str!("../sql/lease_held.sql");
const RENEW: &str = "UPDATE eventwright.held SET leased_until = clock_timestamp() + make_interval(secs => $4)
     WHERE group_name = $1 AND seq = $2 AND lease = $3";
const FENCE: &str = "SELECT true FROM eventwright.held WHERE group_name = $1 AND seq = $2 AND lease = $3 FOR UPDATE";
const LET_GO: &str = "DELETE FROM eventwright.held WHERE group_name = $1 AND seq = $2 AND lease = $3";

/// How long an event that only others know is left to them.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// A held event that we have leased.
pub(super) struct Leased {
    pub(super) event: Stored,
    pub(super) lease: Uuid,
    attempts: u32,
}

impl Leased {
    /// Whether it has a handler that runs in a transaction, and is not one that has taken too many processes down.
    pub(super) fn may_run_together<D, S>(&self, inner: &Inner<D, S>) -> bool {
        let handler = inner.handlers.find(&self.event);
        matches!(handler, Some((_, Handler::InTransaction(_), _))) && !inner.settings.retry.is_spent(self.attempts)
    }

    fn delivery<'a, D, S>(&'a self, inner: &'a Inner<D, S>, version: Version<'a>) -> Delivery<'a> {
        Delivery { group: &inner.group, event: &self.event, version, attempt: self.attempts }
    }
}

/// Runs held events one after the other, as long as one is due; in a `trial`, one.
pub(super) async fn run_held<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    trial: bool,
) -> Result<(), Error> {
    let mut db = inner.pool.acquire().await?;
    let ran = run_due(inner, &mut db, trial).await;
    if ran.is_err() {
        db.close_on_drop();
    }
    ran
}

async fn run_due<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    trial: bool,
) -> Result<(), Error> {
    while !inner.must_wait() {
        if !trial && together(inner, db).await? {
            continue;
        }
        let leased = answered(lease(inner, db, &inner.kinds, 1)).await?;
        let Some(leased) = leased.first() else { break };
        run(inner, db, leased).await?;
        if trial {
            break;
        }
    }
    Ok(())
}

/// Leases held events that are due; more than one only, if each may run in company.
pub(super) async fn lease<D, S>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    kinds: &[String],
    at_most: i64,
) -> Result<Vec<Leased>, sqlx::Error> {
    let lease = Uuid::now_v7();
    let mut db = inner.settings.route.alone(db).await?;
    let rows = inner
        .query_anew(LEASE_HELD)
        .bind(&inner.group)
        .bind(kinds)
        .bind(lease)
        .bind(inner.settings.lease.as_secs_f64())
        .bind(at_most)
        .bind(at_most > 1)
        .fetch_all(&mut *db)
        .await?;
    db.commit().await?;
    rows.iter().map(|row| Ok(Leased { event: Stored::from_row(row)?, lease, attempts: attempts(row)? })).collect()
}

pub(super) fn attempts(row: &PgRow) -> Result<u32, sqlx::Error> {
    let attempts: i32 = row.try_get("attempts")?;
    Ok(attempts.unsigned_abs())
}

pub(super) async fn run<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    held: &Leased,
) -> Result<(), Error> {
    if inner.settings.retry.is_spent(held.attempts) {
        let begun = held.attempts - 1;
        let error = format!("the process ended while it handled the event, or a lease ran out, {begun} times");
        inner.metrics.held(Reason::Dead);
        return put_off(inner, db, held, Hold::dead(begun, &error)).await;
    }
    let Some((at, handler, version)) = inner.handlers.find(&held.event) else {
        // known to a worker of another deploy
        let hold = Hold::for_later(Reason::Unknown, held.attempts.saturating_sub(1), ELSEWHERE);
        return put_off(inner, db, held, hold).await;
    };
    let handled = match handler {
        Handler::InTransaction(call) => in_transaction(inner, db, held, at, call, version).await?,
        Handler::Effect(call) => effect(inner, db, held, at, call, version).await?,
        Handler::Ignore => ignore(inner, db, held).await?,
    };
    match handled {
        Ok(()) => Ok(()),
        Err(failure) => put_off(inner, db, held, inner.failed(&held.event, &failure, held.attempts)).await,
    }
}

async fn in_transaction<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    held: &Leased,
    at: usize,
    call: &InTransaction<D, S>,
    version: Version<'_>,
) -> Result<Handled, Error> {
    let mut tx = answered(db.begin_with(inner.begin())).await?;
    if !answered(still_ours(inner, &mut tx, held)).await? {
        return Ok(Ok(()));
    }
    let has_tx = AtomicBool::new(false);
    let mut cx = Context::new(&mut tx, &has_tx, &inner.state, &held.event.envelope, &inner.publisher);
    let handled = match inner.handlers.start(call, held.delivery(inner, version), &mut cx) {
        Ok(running) => inner.call(&held.event, at, inner.settings.time_limit, running).await,
        Err(failure) => Err(failure),
    };
    if handled.is_err() {
        answered(undo(tx)).await?;
        return Ok(handled);
    }
    let_go(inner, tx, held).await
}

async fn effect<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    held: &Leased,
    at: usize,
    call: &Effect<S>,
    version: Version<'_>,
) -> Result<Handled, Error> {
    let running = match inner.handlers.start_effect(call, held.delivery(inner, version), &inner.state) {
        Ok(running) => running,
        Err(failure) => return Ok(Err(failure)),
    };
    let calling = inner.call(&held.event, at, inner.settings.effect_time_limit, running);
    match renewing(inner, db, held, calling).await? {
        Ok(()) => ignore(inner, db, held).await,
        failed => Ok(failed),
    }
}

/// The event is done with; what is left to do is to say so.
async fn ignore<D, S>(inner: &Inner<D, S>, db: &mut PgConnection, held: &Leased) -> Result<Handled, Error> {
    let tx = answered(db.begin_with(inner.begin())).await?;
    let_go(inner, tx, held).await
}

async fn still_ours<D, S>(inner: &Inner<D, S>, tx: &mut PgConnection, held: &Leased) -> Result<bool, sqlx::Error> {
    let query = inner.query(FENCE).bind(&inner.group).bind(held.event.seq).bind(held.lease);
    Ok(query.fetch_optional(tx).await?.is_some())
}

/// Waits for an effect handler, and renews the lease while it runs.
async fn renewing<D, S>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    held: &Leased,
    running: impl Future<Output = Handled>,
) -> Result<Handled, Error> {
    let mut running = std::pin::pin!(running);
    loop {
        match tokio::time::timeout(inner.settings.lease / 3, &mut running).await {
            Ok(handled) => return Ok(handled),
            Err(_) => {
                answered(renew(inner, db, held)).await?;
            }
        }
    }
}

async fn renew<D, S>(inner: &Inner<D, S>, db: &mut PgConnection, held: &Leased) -> Result<(), sqlx::Error> {
    let query = inner.query(RENEW).bind(&inner.group).bind(held.event.seq).bind(held.lease);
    inner.ask_on(db, query.bind(inner.settings.lease.as_secs_f64())).await?;
    Ok(())
}

/// The event is handled: the next of its subject may run. Where another worker took it over, what we did in `tx` is undone.
async fn let_go<D, S>(
    inner: &Inner<D, S>,
    mut tx: sqlx::Transaction<'_, sqlx::Postgres>,
    held: &Leased,
) -> Result<Handled, Error> {
    let committed = async {
        let query = inner.query(LET_GO).bind(&inner.group).bind(held.event.seq).bind(held.lease);
        let gone = query.execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            warn!(group = inner.group, event_id = %held.event.envelope.event_id, "another worker took the event over");
            return tx.rollback().await;
        }
        inner.release(&mut tx, std::slice::from_ref(&held.event.envelope.subject)).await?;
        tx.commit().await?;
        inner.metrics.handled(1);
        Ok(())
    };
    match answered(committed).await {
        Ok(()) => Ok(Ok(())),
        Err(Error::Database(error)) if is_aborted(&error) => Ok(Err(swallowed())),
        // a constraint that is checked at the end, say
        Err(Error::Database(error)) if error.as_database_error().is_some() && !is_shutdown(&error) => {
            Ok(Err(error.into()))
        }
        Err(error) => Err(error),
    }
}

/// Holds the event on, and lets the next of its subject go where the group does not wait for one that failed.
async fn put_off<D, S>(inner: &Inner<D, S>, db: &mut PgConnection, held: &Leased, hold: Hold) -> Result<(), Error> {
    let put_off = async {
        let mut tx = db.begin_with(inner.begin()).await?;
        inner.put_off(&mut tx, held.lease, &[(held.event.seq, &hold)]).await?;
        if !inner.settings.keeps_order && hold.reason.is_of_a_failure() {
            inner.release(&mut tx, std::slice::from_ref(&held.event.envelope.subject)).await?;
        }
        tx.commit().await
    };
    answered(put_off).await
}
