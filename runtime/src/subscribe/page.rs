//! What a worker reads ahead, and how much at a time.

use std::time::Duration;

use sqlx::PgConnection;

use super::log::{Claim, Log, Page};
use crate::Error;

/// So many events are read at first, and where others are read for, too.
pub(super) const FIRST: usize = 256;
/// Where a page takes less, it is mostly the transaction that takes it, and the next one may be twice as large.
const QUICK: Duration = Duration::from_millis(10);
/// Where a page takes more, others wait for its subjects for long, and the next one is half as large.
const SLOW: Duration = Duration::from_millis(40);

/// Reads pages, each while the handlers of the one before run.
pub(super) struct Pages {
    at_most: usize,
    /// How many events a page has, unless they are large.
    size: usize,
    limit: usize,
    ahead: Option<(Claim, Page)>,
}

impl Pages {
    pub(super) fn new(at_most: usize, ahead: Option<(Claim, Page)>) -> Self {
        let size = at_most.min(FIRST);
        Self { at_most, size, limit: size, ahead }
    }

    fn least(&self) -> usize {
        self.at_most.min(FIRST)
    }

    /// So many events were handled, in so long a time.
    pub(super) fn handled(&mut self, events: usize, took: Duration) {
        if took > SLOW {
            self.size = (self.size / 2).max(self.least());
        } else if took < QUICK && events >= self.size {
            self.size = (self.size * 2).min(self.at_most);
        }
    }

    /// Some have failed: there may be more, and what is undone, or waits behind them, is to be little.
    pub(super) fn failed(&mut self) {
        self.size = self.least();
    }

    /// The page at which a claimed range stands.
    pub(super) async fn next(
        &mut self,
        claim: &Claim,
        db: &mut PgConnection,
        log: &Log,
        event_types: &[String],
    ) -> Result<Page, Error> {
        match self.ahead.take() {
            Some((expected, page)) if expected == *claim => Ok(page),
            _ => self.read(claim, db, log, event_types).await,
        }
    }

    /// The page was not handled: it is the next one again.
    pub(super) fn put_back(&mut self, claim: Claim, page: Page) {
        self.ahead = Some((claim, page));
    }

    /// Leaves all but the first `count` events of the page, which are at least one, to the next.
    pub(super) fn shorten(&mut self, claim: &Claim, page: &mut Page, count: usize) {
        if let Some(rest) = page.split_off(count) {
            self.ahead = Some((claim.after(page), rest));
        }
    }

    /// Reads the page after this one, if there may be one. An error is left for `next` to find.
    pub(super) async fn read_ahead(
        &mut self,
        claim: &Claim,
        page: &Page,
        db: &mut PgConnection,
        log: &Log,
        event_types: &[String],
    ) {
        if !page.has_next() || self.ahead.is_some() {
            return;
        }
        let next = claim.after(page);
        if let Ok(page) = self.read(&next, db, log, event_types).await {
            self.ahead = Some((next, page));
        }
    }

    async fn read(
        &mut self,
        claim: &Claim,
        db: &mut PgConnection,
        log: &Log,
        event_types: &[String],
    ) -> Result<Page, Error> {
        let page = claim.read(db, log, event_types, self.limit).await?;
        // of what did not fit into a page, Postgres has sent the rest in vain: ask for less
        self.limit = match page.is_cut() {
            true => page.events.len(),
            false => (self.limit * 2).min(self.size),
        };
        Ok(page)
    }
}
