//! Where little is new, one read serves all ranges of a group, and those in which there is nothing are moved on together.

use sqlx::PgConnection;

use super::Inner;
use super::ask::{Query, answered};
use super::log::{Claim, Identity, Page, Window};
use super::look::Span;
use super::page::FIRST;
use crate::Error;

const PASS_OVER: &str = include_str!("../sql/pass_over.sql");

/// What one read has found for ranges that all stand at one window.
pub(super) struct Scouted {
    /// The ranges in which there are events, with those.
    pub(super) found: Vec<(Claim, Page)>,
    /// The ranges in which there is nothing, and the windows between which that is so.
    empty: Vec<(i16, i16)>,
    done: Window,
    newest: Window,
}

/// Reads for all ranges at once. `None`: they stand at different windows, or there is more than a page.
pub(super) async fn scout<D, S>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    spans: &[Span],
    newest: &Window,
    event_types: &[String],
) -> Result<Option<Scouted>, Error> {
    let Some(first) = spans.first() else { return Ok(None) };
    let Some(done) = first.kept.clone() else { return Ok(None) };
    let same = |span: &Span| span.stands_still && span.kept.as_ref() == Some(&done);
    if !spans.iter().all(same) {
        return Ok(None);
    }
    let all = Claim::between(done.clone(), newest.clone(), (0, i16::MAX));
    let mut page = answered(all.read(db, &inner.log, event_types, inner.settings.chunk.min(FIRST))).await?;
    if !page.is_complete() {
        return Ok(None);
    }
    let mut scouted = Scouted { found: Vec::new(), empty: Vec::new(), done, newest: newest.clone() };
    for span in spans {
        let range = (span.lo, span.hi);
        let of_range = page.take_range(range);
        if of_range.events.is_empty() {
            scouted.empty.push(range);
        } else {
            let claim = Claim::between(scouted.done.clone(), newest.clone(), range);
            scouted.found.push((claim, of_range));
        }
    }
    Ok(Some(scouted))
}

impl Scouted {
    /// What it has for the range of a claim, from where that stands.
    pub(super) fn page_of(&self, claim: &Claim) -> Option<&Page> {
        let found = self.found.iter().find(|(found, _)| found.is_from_where(claim));
        found.map(|(_, page)| page)
    }

    /// Moves the ranges on in which there is nothing. `eyes` are a connection to the log: where that is the group's own database, no other
    /// is needed.
    pub(super) async fn pass_over<D, S>(self, inner: &Inner<D, S>, eyes: &mut PgConnection) -> Result<(), Error> {
        if self.empty.is_empty() {
            return Ok(());
        }
        let statement = self.statement(inner);
        if !inner.log.is_elsewhere {
            return answered(inner.ask_on(eyes, statement)).await.map(|_| ());
        }
        let mut db = inner.pool.acquire().await?;
        let passed = answered(inner.ask_on(&mut db, statement)).await;
        if passed.is_err() {
            db.close_on_drop();
        }
        passed.map(|_| ())
    }

    fn statement<'q, D, S>(self, inner: &'q Inner<D, S>) -> Query<'q> {
        let (lows, highs): (Vec<i16>, Vec<i16>) = self.empty.into_iter().unzip();
        let query = inner
            .query(PASS_OVER)
            .bind(&inner.group)
            .bind(lows)
            .bind(highs)
            .bind(self.done.id)
            .bind(self.newest.id)
            .bind(self.newest.snapshot)
            .bind(self.newest.bound)
            .bind(self.newest.fence);
        Identity::bind_to(inner.log.identity(), query)
    }
}
