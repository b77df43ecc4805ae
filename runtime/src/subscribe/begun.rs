//! Saying what is about to run, before it runs: where the process ends meanwhile, who comes next knows what may have ended it.

use sqlx::{PgConnection, Row};

use super::Inner;
use super::log::Page;

const BEGIN_CHUNK: &str = include_str!("../sql/begin_chunk.sql");
const BEGIN_SUSPECTS: &str = include_str!("../sql/begin_suspects.sql");
/// Never waits: who vanished while it waited would be waited for with its range, after whoever it had waited for.
const TAKE_TURN: &str =
    "SELECT pg_try_advisory_xact_lock('eventwright.begun'::regclass::oid::bigint::bit(32)::int, hashtext($1)) AS taken";
const FORGET_CHUNK: &str =
    "UPDATE eventwright.begun SET first_seq = 0 WHERE group_name = $1 AND bucket_lo = $2 AND NOT suspect";

/// Says what is about to run.
pub(super) async fn begin_chunk<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
    (first_seq, last_seq): (i64, i64),
    again: bool,
) -> Result<(), sqlx::Error> {
    let query = inner.query(BEGIN_CHUNK).bind(&inner.group).bind(lo).bind(first_seq).bind(last_seq).bind(again);
    inner.ask_on(aside, query).await?;
    Ok(())
}

/// The chunk was begun, and nothing of it has run: whoever comes next need not be suspicious.
pub(super) async fn forget_chunk<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
) -> Result<(), sqlx::Error> {
    inner.ask_on(aside, inner.query(FORGET_CHUNK).bind(&inner.group).bind(lo)).await?;
    Ok(())
}

/// Suspects of a group take turns: an innocent one that ran beside the culprit would otherwise be counted for each process that
/// the culprit takes down.
pub(super) async fn take_turn<D, S>(inner: &Inner<D, S>, tx: &mut PgConnection) -> Result<bool, sqlx::Error> {
    inner.query(TAKE_TURN).bind(&inner.group).fetch_one(tx).await?.try_get("taken")
}

/// Says which suspects are about to run. Returns which attempt this is at the first of them, which is to run alone; `None`: they may
/// run together.
pub(super) async fn begin_suspects<D, S>(
    inner: &Inner<D, S>,
    aside: &mut PgConnection,
    lo: i16,
    page: &Page,
    again: bool,
) -> Result<Option<u32>, sqlx::Error> {
    let Some((first, few)) = page.ends() else { return Ok(None) };
    let query = inner.query(BEGIN_SUSPECTS).bind(&inner.group).bind(lo).bind(first).bind(few).bind(again);
    let begun = inner.ask_on(aside, query).await?.ok_or(sqlx::Error::RowNotFound)?;
    let attempt: i32 = begun.try_get("attempt")?;
    Ok(Some(attempt.unsigned_abs()).filter(|attempt| *attempt > 0))
}
