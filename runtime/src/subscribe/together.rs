//! Running held events together, in one transaction, each with what waits behind it: so what was held back is worked off nearly as
//! fast as the log.

use std::collections::{HashMap, HashSet};

use sqlx::{Connection, PgConnection, Row};

use super::Inner;
use super::ask::answered;
use super::call::is_shutdown;
use super::chunk::{Chunk, Run};
use super::held::{Leased, attempts, lease, run};
use super::hold::{Aside, Hold, Reason};
use super::page::FIRST;
use crate::Error;
use crate::contract::Domain;
use crate::stored::Stored;

const FOLLOWERS: &str = include_str!("../sql/followers.sql");
const LET_GO_ALL: &str = "SELECT eventwright.let_go($1, $2)";
/// Those that were not come to, for somebody else.
const GIVE_BACK: &str = "UPDATE eventwright.held
    SET attempts = attempts - 1, lease = NULL, leased_until = NULL, in_company = false
  WHERE group_name = $1 AND lease = $2 AND seq = ANY ($3)";

/// How many subjects at a time.
const SUBJECTS: i64 = 64;

/// Some held events, and those that wait behind them, in the order of the log.
#[derive(Default)]
struct Batch {
    events: Vec<Stored>,
    attempts: HashMap<i64, u32>,
    /// Those that were leased and don't run now: an earlier one of the subject is not ours, or there are too many.
    left_out: Vec<i64>,
}

/// Runs held events together that are due and have a handler that runs in a transaction. Returns whether there were any.
pub(super) async fn together<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
) -> Result<bool, Error> {
    let leased = answered(lease(inner, db, &inner.kinds_in_transaction, SUBJECTS)).await?;
    let (fit, alone): (Vec<Leased>, Vec<Leased>) = leased.into_iter().partition(|held| held.may_run_together(inner));
    if fit.is_empty() && alone.is_empty() {
        return Ok(false);
    }
    if !run_together(inner, db, &fit).await? {
        for held in &fit {
            run(inner, db, held).await?;
        }
    }
    for held in &alone {
        run(inner, db, held).await?;
    }
    Ok(true)
}

/// Returns whether it came to its end: else the transaction failed as a whole, and nobody knows by which event.
async fn run_together<D: Domain, S: Send + Sync + 'static>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    leased: &[Leased],
) -> Result<bool, Error> {
    let Some(lease) = leased.first().map(|held| held.lease) else { return Ok(true) };
    let mut failed: HashMap<i64, Hold> = HashMap::new();
    let mut tx = answered(db.begin_with(inner.begin())).await?;
    let batch = answered(read(inner, &mut tx, leased)).await?;
    let none = HashSet::new();
    let mut chunk = Chunk {
        inner,
        blocked: HashSet::new(),
        repeated: &none,
        attempts: &batch.attempts,
        aside: Aside::default(),
        failed: &mut failed,
    };
    // what has failed once may fail again
    let ran = chunk.run(&mut tx, &batch.events, true).await?;
    let aside = chunk.aside;
    let Run::Done(done) = ran else { return Ok(false) };
    let stored = async {
        let count = store(inner, &mut tx, &batch, done, &aside, lease).await?;
        tx.commit().await?;
        Ok::<usize, sqlx::Error>(count)
    };
    match answered(stored).await {
        Ok(count) => {
            inner.metrics.handled(count);
            Ok(true)
        }
        Err(Error::Database(error)) if error.as_database_error().is_some() && !is_shutdown(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The events that are still ours, and what waits behind them, all locked.
async fn read<D, S>(inner: &Inner<D, S>, tx: &mut PgConnection, leased: &[Leased]) -> Result<Batch, sqlx::Error> {
    let subjects: Vec<&str> = leased.iter().map(|held| held.event.envelope.subject.as_str()).collect();
    let at_most = i64::try_from(inner.settings.chunk.min(FIRST)).unwrap_or(i64::MAX).max(SUBJECTS);
    let rows = inner
        .query_anew(FOLLOWERS)
        .bind(&inner.group)
        .bind(subjects)
        .bind(leased.first().map(|held| held.lease))
        .bind(at_most)
        .bind((at_most / leased.len().max(1) as i64).max(1))
        .fetch_all(tx)
        .await?;
    let mut batch = Batch::default();
    // whether the subject's first event is ours, and all that follow wait behind it
    let mut ours: HashMap<String, bool> = HashMap::new();
    for row in &rows {
        let event = Stored::from_row(row)?;
        let (is_leased, behind): (bool, bool) = (row.try_get("leased")?, row.try_get("behind")?);
        let subject = ours.entry(event.envelope.subject.clone()).or_insert(is_leased);
        *subject &= is_leased || behind;
        let runs = if inner.settings.keeps_order { *subject } else { is_leased };
        if runs {
            batch.attempts.insert(event.seq, attempts(row)?.max(1));
            batch.events.push(event);
        }
    }
    let all = leased.iter().map(|held| held.event.seq);
    batch.left_out = all.filter(|seq| !batch.attempts.contains_key(seq)).collect();
    Ok(batch)
}

/// Lets go what was handled, and returns how many that are; holds on what was not, and gives back what nobody has come to.
async fn store<D, S>(
    inner: &Inner<D, S>,
    tx: &mut PgConnection,
    batch: &Batch,
    done: usize,
    aside: &Aside,
    lease: uuid::Uuid,
) -> Result<usize, sqlx::Error> {
    let Batch { events, left_out, .. } = batch;
    let (tried, untried) = events.split_at(done);
    // what is behind another one stays what it is
    let held: Vec<(i64, &Hold)> = aside.holds().filter(|(_, hold)| hold.reason != Reason::Behind).collect();
    let set_aside: HashSet<i64> = aside.holds().map(|(seq, _)| seq).collect();
    let handled: Vec<i64> = tried.iter().map(|event| event.seq).filter(|seq| !set_aside.contains(seq)).collect();
    let count = handled.len();
    inner.query(LET_GO_ALL).bind(&inner.group).bind(handled).execute(&mut *tx).await?;
    if !held.is_empty() {
        inner.put_off(tx, lease, &held).await?;
    }
    let behind = aside.holds().filter(|(_, hold)| hold.reason == Reason::Behind).map(|(seq, _)| seq);
    let untried = untried.iter().map(|event| event.seq);
    let seqs: Vec<i64> = untried.chain(behind).chain(left_out.iter().copied()).collect();
    if !seqs.is_empty() {
        inner.query(GIVE_BACK).bind(&inner.group).bind(lease).bind(seqs).execute(&mut *tx).await?;
    }
    let subjects: HashSet<&str> = events.iter().map(|event| event.envelope.subject.as_str()).collect();
    let subjects: Vec<String> = subjects.into_iter().map(str::to_owned).collect();
    inner.release(tx, &subjects).await?;
    Ok(count)
}
