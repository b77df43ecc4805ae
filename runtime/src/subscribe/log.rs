//! Reading the log: windows, a range's claim, and the events between two windows.

use sqlx::{PgConnection, PgExecutor, Row};

use crate::Schema;
use crate::stored::Stored;

const CLAIM: &str = include_str!("../sql/claim.sql");
const READ: &str = include_str!("../sql/read.sql");
const ADVANCE: &str = include_str!("../sql/advance.sql");

/// The most sequence numbers that one statement looks at: a group that wants rare types reads on in steps of this size, rather
/// than in one statement of any length.
const SPAN: i64 = 100_000;

/// The statement's snapshot is older than those that the function takes: so what was over by it, the window sees.
const OPEN: &str = "SELECT eventwright.open_window(),
                           coalesce(pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8, false)";

/// Opens a window at the log's end, unless nothing was published since the last one. Must not run in a transaction.
///
/// Also returns whether all transactions up to the xid `over` were over before, so that the window sees what they published.
pub(crate) async fn open_window(
    db: impl PgExecutor<'_>,
    schema: &Schema,
    over: Option<&str>,
) -> Result<(i64, bool), sqlx::Error> {
    sqlx::query_as(schema.sql(OPEN)).bind(over).fetch_one(db).await
}

/// A range that this transaction has, and the two windows between which it reads.
#[derive(Debug)]
pub(crate) struct Claim {
    lo: i16,
    hi: i16,
    after: i64,
    done: Window,
    /// The first xid that is sure to have published after `done`'s bound.
    fence: String,
    target: Window,
}

#[derive(Debug)]
struct Window {
    id: i64,
    snapshot: String,
    bound: i64,
}

/// Some events of a range, and how far it has come when they are handled.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Stored>,
    passed: i64,
    complete: bool,
}

impl Claim {
    /// Claims a range, to read on to the window that it was reading to, or else to `newest`. `None`: another worker has it.
    pub(crate) async fn take(
        tx: &mut PgConnection,
        schema: &Schema,
        group: &str,
        lo: i16,
        newest: i64,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row = sqlx::query(schema.sql(CLAIM)).bind(group).bind(lo).bind(newest).fetch_optional(tx).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            lo,
            hi: row.try_get("bucket_hi")?,
            after: row.try_get("after_seq")?,
            done: Window {
                id: row.try_get("done_id")?,
                snapshot: row.try_get("done_snapshot")?,
                bound: row.try_get("done_bound")?,
            },
            fence: row.try_get("done_fence")?,
            target: Window {
                id: row.try_get("target_id")?,
                snapshot: row.try_get("target_snapshot")?,
                bound: row.try_get("target_bound")?,
            },
        }))
    }

    /// Whether everything up to the newest window is done.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.done.id >= self.target.id
    }

    /// Reads at most `limit` of the next events.
    pub(crate) async fn read(
        &self,
        tx: &mut PgConnection,
        schema: &Schema,
        event_types: &[String],
        limit: i64,
    ) -> Result<Page, sqlx::Error> {
        let look_until = self.target.bound.min(self.after.max(self.done.bound).saturating_add(SPAN));
        let rows = sqlx::query(schema.sql(READ))
            .bind(&self.done.snapshot)
            .bind(self.done.bound)
            .bind(&self.fence)
            .bind(&self.target.snapshot)
            .bind(look_until)
            .bind(self.after)
            .bind(self.lo)
            .bind(self.hi)
            .bind(event_types)
            .bind(limit)
            .fetch_all(tx)
            .await?;
        let events = rows.iter().map(Stored::from_row).collect::<Result<Vec<_>, _>>()?;
        let full = events.len() as i64 >= limit;
        let last = events.last().map_or(self.after, |event| event.seq);
        Ok(Page {
            events,
            passed: if full { last } else { look_until },
            complete: !full && look_until >= self.target.bound,
        })
    }

    /// Records, in the handlers' transaction, that a page is handled. Returns whether the range is through with its window.
    pub(crate) async fn advance(
        &self,
        tx: &mut PgConnection,
        schema: &Schema,
        group: &str,
        page: &Page,
    ) -> Result<bool, sqlx::Error> {
        let (done, current, after) =
            if page.complete { (self.target.id, None, 0) } else { (self.done.id, Some(self.target.id), page.passed) };
        sqlx::query(schema.sql(ADVANCE))
            .bind(group)
            .bind(self.lo)
            .bind(done)
            .bind(current)
            .bind(after)
            .execute(tx)
            .await?;
        Ok(page.complete)
    }
}

impl Page {
    /// Leaves all but the first `count` events for later; `count` is at least 1.
    pub(crate) fn keep(&mut self, count: usize) {
        let Some(last) = count.checked_sub(1).and_then(|last| self.events.get(last)) else { return };
        if count < self.events.len() {
            self.passed = last.seq;
            self.complete = false;
            self.events.truncate(count);
        }
    }
}
