//! What there is to do for a group.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::log::{Claim, Page, Window};
use super::tasks::Work;
use super::worker::Range;

/// A range that is not at the newest window yet, as it stood a moment ago.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) lo: i16,
    pub(super) hi: i16,
    /// The window up to which all is done, if the position says what that is.
    pub(super) kept: Option<Window>,
    /// Whether it is not on its way to a certain window.
    pub(super) stands_still: bool,
}

/// What there is to do.
pub(super) struct Look {
    pub(super) newest: Window,
    pub(super) spans: Vec<Span>,
    /// All ranges, from and to which bucket.
    pub(super) ranges: Vec<(i16, i16)>,
    /// Whether ranges wait for each other, to be joined: what lies behind is not to be seen yet.
    pub(super) meeting: bool,
    pub(super) event_types: Vec<String>,
    /// Until the next held event is due; `None`: there is none.
    pub(super) due_in: Option<Duration>,
    /// Until the next event is to be published that was published for later.
    pub(super) scheduled_in: Option<Duration>,
    /// Whether it saw all that those published who may not call us.
    pub(super) settled: bool,
    /// Nothing may be done before this time is over.
    pub(super) rests: Option<Duration>,
    /// One event is to be tried.
    pub(super) trial: bool,
}

impl Look {
    pub(super) fn is_to_be_done(&self, work: Work) -> bool {
        match work {
            Work::Range(lo) => self.spans.iter().any(|span| span.lo == lo),
            Work::Held => self.due_in == Some(Duration::ZERO),
        }
    }

    /// A range, and what was read of it already.
    pub(super) fn range(&self, lo: i16, ahead: Option<(Claim, Page)>) -> Range {
        let (newest, event_types) = (self.newest.clone(), self.event_types.clone());
        Range { lo, newest, event_types, trial: self.trial, ahead, news: None }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.spans.is_empty() && self.due_in.is_none() && !self.meeting && self.scheduled_in != Some(Duration::ZERO)
    }
}

pub(super) fn from_now(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

pub(super) fn ranges(row: &PgRow) -> Result<Vec<(i16, i16)>, sqlx::Error> {
    let (from, to): (Vec<i16>, Vec<i16>) = (row.try_get("ranges_from")?, row.try_get("ranges_to")?);
    Ok(from.into_iter().zip(to).collect())
}

/// Those that are furthest behind come first: where there are more of them than workers, and always something to do, the last ones would never have
/// their turn.
pub(super) fn spans(row: &PgRow) -> Result<Vec<Span>, sqlx::Error> {
    // null where there are none
    let lows: Option<Vec<i16>> = row.try_get("lows")?;
    let Some(lows) = lows else { return Ok(Vec::new()) };
    let highs: Vec<i16> = row.try_get("highs")?;
    let done: Vec<i64> = row.try_get("done")?;
    let current: Vec<Option<i64>> = row.try_get("current")?;
    let stop_at: Vec<Option<i64>> = row.try_get("stop_at")?;
    let kept: Vec<Option<i64>> = row.try_get("kept_done")?;
    let snapshot: Vec<Option<String>> = row.try_get("done_snapshot")?;
    let bound: Vec<Option<i64>> = row.try_get("done_bound")?;
    let fence: Vec<Option<String>> = row.try_get("done_fence")?;
    let window = |at: usize| {
        let (snapshot, bound, fence) = (snapshot[at].clone()?, bound[at]?, fence[at].clone()?);
        (kept[at] == Some(done[at])).then_some(Window { id: done[at], snapshot, bound, fence })
    };
    let span = |at: usize| Span {
        lo: lows[at],
        hi: highs[at],
        kept: window(at),
        stands_still: current[at].is_none() && stop_at[at].is_none(),
    };
    let mut by_age: Vec<usize> = (0..lows.len()).collect();
    by_age.sort_by_key(|at| done[*at]);
    Ok(by_age.into_iter().map(span).collect())
}
