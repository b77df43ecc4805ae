//! Reading the log: windows, a range's claim, and the events between two windows.

use std::sync::{PoisonError, RwLock};

use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::ask::{Query, Route};
use crate::stored::{Columns, Stored};
use crate::{Error, Schema};

const CLAIM: &str = include_str!("../sql/claim.sql");
const OPEN: &str = include_str!("../sql/open.sql");
const WINDOW: &str = "SELECT snapshot::text, bound, fence::text FROM eventwright.windows WHERE id = $1";
const MEETING_POINT: &str = include_str!("../sql/meeting_point.sql");
const OPEN_AND_LOOK: &str = include_str!("../sql/open_and_look.sql");
const READ: &str = include_str!("../sql/read.sql");
const READ_SINCE: &str = include_str!("../sql/read_since.sql");
const ADVANCE: &str = include_str!("../sql/advance.sql");
const IS_DETACHED: &str = "SELECT true FROM eventwright.groups WHERE name = $1 AND detached_at IS NOT NULL";
const IDENTITY: &str = "SELECT system, database, timeline, started FROM eventwright.identity()";

/// The most sequence numbers that one statement looks at: a group that wants rare types reads on in steps of this size, rather
/// than in one statement of any length.
const SPAN: i64 = 100_000;
/// A page ends where its payloads are as many bytes as this, however few events they are.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The log that a group reads: that of its own database, or another one.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) pool: PgPool,
    pub(super) schema: Schema,
    pub(super) route: Route,
    /// Whether it is not in the database that has the positions.
    pub(super) is_elsewhere: bool,
    identity: RwLock<Option<Identity>>,
    /// The group as the log knows it, where it is elsewhere: the name of its database, and its own.
    pub(super) reader: Option<(String, String)>,
    /// The last seq that the group reads, if there is one.
    pub(super) until_seq: Option<i64>,
}

/// Which log it is, and in which of its lives; see the function `eventwright.identity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) system: i64,
    pub(super) database: String,
    pub(super) timeline: i32,
    /// When its server was started, in microseconds.
    pub(super) started: i64,
}

impl Identity {
    pub(super) fn from_row(row: &PgRow, [system, database, timeline, started]: [&str; 4]) -> Result<Self, sqlx::Error> {
        Ok(Self {
            system: row.try_get(system)?,
            database: row.try_get(database)?,
            timeline: row.try_get(timeline)?,
            started: row.try_get(started)?,
        })
    }

    /// Binds all four parts, by which a group says what it reads.
    pub(super) fn bind_to(this: Option<Self>, statement: Query<'_>) -> Query<'_> {
        let started = this.as_ref().map(|identity| identity.started);
        Log::bind_parts(statement, this).bind(started)
    }
}

/// A point in the log: what its snapshot sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) id: i64,
    pub(super) snapshot: String,
    pub(super) bound: i64,
    /// The first xid that is sure to have published after the bound.
    pub(super) fence: String,
}

impl Log {
    /// The log in the database that has the positions.
    pub(super) fn new(pool: PgPool, schema: Schema, route: Route) -> Self {
        Self { pool, schema, route, is_elsewhere: false, identity: RwLock::default(), reader: None, until_seq: None }
    }

    /// Another database's log. `identity` is to be found out.
    pub(super) fn elsewhere(pool: PgPool, schema: Schema, route: Route) -> Self {
        Self { is_elsewhere: true, ..Self::new(pool, schema, route) }
    }

    pub(super) async fn find_identity(&self) -> Result<Identity, sqlx::Error> {
        let row = self.route.ask_one(&self.pool, self.query(IDENTITY)).await?;
        Identity::from_row(&row, ["system", "database", "timeline", "started"])
    }

    /// What it must be, where it is elsewhere.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what it must be from now on. Nobody may have in hand what was read before.
    pub(super) fn set_identity(&self, identity: Option<Identity>) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// Opens a window at the log's end, unless nothing was published since the last one. It is settled where all transactions up to
    /// the xid `over` were over before.
    ///
    /// # Errors
    /// [`Error::AnotherLog`] where it is elsewhere and another one than before, or may be. What was read since is not handled in vain: it
    /// is what the log had, and the group is going to find out whether that is enough.
    pub(super) async fn open_window(&self, db: &mut PgConnection, over: Option<&str>) -> Result<Opened, Error> {
        let statement = self.query(OPEN).bind(over).bind(self.is_elsewhere);
        let row = self.route.ask_on(db, self.bind_identity(statement)).await?.ok_or(sqlx::Error::RowNotFound)?;
        let started: i64 = row.try_get("started")?;
        if self.identity().is_some_and(|identity| identity.started != started) {
            return Err(Error::AnotherLog("its server was started anew".into()));
        }
        Ok(opened(&row)?)
    }

    /// The same, with what `look` says of a group in the log's own database.
    pub(super) async fn open_and_look(
        &self,
        db: &mut PgConnection,
        over: Option<&str>,
        group: &str,
        kinds: &[String],
    ) -> Result<(Opened, Option<PgRow>), Error> {
        let query = self.query(OPEN_AND_LOOK).bind(over).bind(group).bind(kinds);
        let Some(row) = self.route.ask_on(db, query).await? else {
            // no such group
            return Ok((self.open_window(db, over).await?, None));
        };
        Ok((opened(&row)?, Some(row)))
    }

    /// A window of which a position knows no more than its id: that of another position, or else the one in the log, which has
    /// written it if that position was moved by a version that says no more.
    async fn find_window(&self, tx: &mut PgConnection, group: &str, id: i64) -> Result<Window, Error> {
        let columns = ["snapshot", "bound", "fence"];
        if let Some(row) = self.query(MEETING_POINT).bind(group).bind(id).fetch_optional(&mut *tx).await? {
            return Ok(Window::from_row(&row, id, columns)?);
        }
        if !self.is_elsewhere
            && let Some(row) = self.query(WINDOW).bind(id).fetch_optional(tx).await?
        {
            return Ok(Window::from_row(&row, id, columns)?);
        }
        Err(Error::WindowGone { group: group.to_owned(), window: id })
    }

    fn query<'q>(&self, statement: &'static str) -> Query<'q> {
        self.route.query(&self.schema, statement)
    }

    fn bind_identity<'q>(&'q self, statement: Query<'q>) -> Query<'q> {
        let reader = self.reader.as_ref();
        Self::bind_parts(statement, self.identity())
            .bind(reader.map(|(home, _)| home))
            .bind(reader.map(|(_, group)| group))
    }

    /// Binds the three parts of the identity that each read asserts.
    fn bind_parts(statement: Query<'_>, log: Option<Identity>) -> Query<'_> {
        let (system, timeline) = (log.as_ref().map(|log| log.system), log.as_ref().map(|log| log.timeline));
        statement.bind(system).bind(log.map(|log| log.database)).bind(timeline)
    }
}

/// The newest window, and what else was asked with it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) newest: Window,
    /// Whether it sees what all those published who may have missed that somebody sleeps.
    pub(super) settled: bool,
    /// Seconds until the next event is to be published that was published for later.
    pub(super) scheduled_in: Option<f64>,
}

fn opened(row: &PgRow) -> Result<Opened, sqlx::Error> {
    Ok(Opened {
        newest: Window::from_row(row, row.try_get("id")?, ["snapshot", "bound", "fence"])?,
        settled: row.try_get("settled")?,
        scheduled_in: row.try_get("scheduled_in")?,
    })
}

/// A range that a transaction has, and the two windows between which it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    lo: i16,
    hi: i16,
    after: i64,
    done: Window,
    target: Window,
}

/// What there is to know of a range that was claimed.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) paused: bool,
    /// Whether the group holds any events back.
    pub(super) holding: bool,
    /// How many ranges somebody has who asks for this one.
    pub(super) wanted_with: Option<i32>,
    /// The first and the last event of the chunk that was begun last, which may never have come to its end.
    begun: (i64, i64),
    suspect: bool,
}

impl Standing {
    /// Whether a chunk that begins with this event was begun before, and never came to its end though nobody reported that it had
    /// failed (`again`): it may be the one that takes processes down.
    pub(super) fn suspects(&self, first: i64, again: bool) -> bool {
        let (begun, until) = self.begun;
        (begun == first && !again) || (self.suspect && first <= until)
    }
}

/// How far a range was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// There is more up to the same window.
    On,
    /// It is through with the window.
    Through,
    /// A crash has taken the window back since it was opened.
    Not,
}

/// Some events of a range, and how far it has come when they are handled.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<Stored>,
    buckets: Vec<i16>,
    passed: i64,
    complete: bool,
    /// Whether it ends early, for its size.
    cut: bool,
}

impl Claim {
    /// Where a range stands that reads from one window to another, and has not begun.
    pub(super) fn between(done: Window, target: Window, (lo, hi): (i16, i16)) -> Self {
        Self { lo, hi, after: 0, done, target }
    }

    /// Claims a range, to read on to the window that it was reading to, or else to `newest`, and says what there is to know of it.
    /// `None`: another worker has it, or it is no more.
    pub(super) async fn take(
        tx: &mut PgConnection,
        log: &Log,
        group: &str,
        lo: i16,
        newest: &Window,
    ) -> Result<Option<(Self, Standing)>, Error> {
        let row = log.query(CLAIM).bind(group).bind(lo).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return Ok(None) };
        let done: i64 = row.try_get("done")?;
        let current: Option<i64> = row.try_get("current")?;
        let stop_at: Option<i64> = row.try_get("stop_at")?;
        let kept_done: Option<i64> = row.try_get("kept_done")?;
        let kept_current: Option<i64> = row.try_get("kept_current")?;
        let done = match kept_done == Some(done) {
            true => Window::from_row(&row, done, ["done_snapshot", "done_bound", "done_fence"])?,
            false => log.find_window(tx, group, done).await?,
        };
        let target = match current.or(stop_at) {
            Some(id) if current.is_some() && kept_current == current => {
                Window::from_row(&row, id, ["current_snapshot", "current_bound", "current_fence"])?
            }
            Some(id) if id == done.id => done.clone(),
            Some(id) => log.find_window(tx, group, id).await?,
            None => newest.clone(),
        };
        let standing = Standing {
            paused: row.try_get("paused")?,
            holding: row.try_get("holding")?,
            wanted_with: row.try_get("wanted_with")?,
            begun: (row.try_get("first_seq")?, row.try_get("until_seq")?),
            suspect: row.try_get("suspect")?,
        };
        Ok(Some((Self { lo, hi: row.try_get("bucket_hi")?, after: row.try_get("after_seq")?, done, target }, standing)))
    }

    /// Whether both are of the same range, and stand at the same place.
    pub(super) fn is_from_where(&self, other: &Self) -> bool {
        (self.lo, self.hi, self.after, &self.done) == (other.lo, other.hi, other.after, &other.done)
    }

    /// The first of its buckets, by which a group knows its ranges.
    pub(super) fn lo(&self) -> i16 {
        self.lo
    }

    /// Reads to this window, in place of that to which all is done.
    pub(super) fn read_to(&mut self, window: Window) {
        self.target = window;
    }

    /// Whether everything up to the window is done.
    pub(super) fn is_caught_up(&self) -> bool {
        self.done.id >= self.target.id
    }

    /// Where the range stands once this page is handled.
    pub(super) fn after(&self, page: &Page) -> Self {
        let mut next = self.clone();
        if page.complete {
            next.done = self.target.clone();
            next.after = 0;
        } else {
            next.after = page.passed;
        }
        next
    }

    /// Reads at most `limit` of the next events, and fewer where they are large.
    pub(super) async fn read(
        &self,
        db: &mut PgConnection,
        log: &Log,
        event_types: &[String],
        limit: usize,
    ) -> Result<Page, sqlx::Error> {
        let end = self.target.bound.min(log.until_seq.unwrap_or(i64::MAX));
        let look_until = end.min(self.after.max(self.done.bound).saturating_add(SPAN));
        let limit_rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut db = log.route.alone(db).await?;
        let statement = match self.after >= self.done.bound || self.done.is_the_end_of_all_before() {
            true => log
                .query(READ_SINCE)
                .bind(self.after.max(self.done.bound))
                .bind(&self.target.snapshot)
                .bind(look_until)
                .bind(self.lo)
                .bind(self.hi)
                .bind(event_types)
                .bind(limit_rows),
            false => log
                .query(READ)
                .bind(&self.done.snapshot)
                .bind(self.done.bound)
                .bind(&self.done.fence)
                .bind(&self.target.snapshot)
                .bind(look_until)
                .bind(self.after)
                .bind(self.lo)
                .bind(self.hi)
                .bind(event_types)
                .bind(limit_rows),
        };
        let mut rows = log.bind_identity(statement).fetch(&mut *db);
        let mut events: Vec<Stored> = Vec::new();
        let mut buckets = Vec::new();
        let mut bytes = 0;
        let mut full = false;
        let mut cut = false;
        let mut columns = None;
        while !full && let Some(row) = rows.try_next().await? {
            let columns = match &mut columns {
                Some(columns) => columns,
                None => columns.insert(Columns::of(&row)?),
            };
            let event = columns.read(&row)?;
            bytes += event.bytes();
            events.push(event);
            buckets.push(row.try_get("bucket")?);
            cut = bytes >= PAGE_BYTES;
            full = cut || events.len() >= limit;
        }
        drop(rows);
        db.commit().await?;
        let last = events.last().map_or(self.after, |event| event.seq);
        Ok(Page {
            events,
            buckets,
            passed: if full { last } else { look_until },
            complete: !full && look_until >= end,
            cut,
        })
    }

    /// Records, in the handlers' transaction, that a page is handled. Where the range was not moved, the transaction is to be rolled back.
    pub(super) async fn advance(
        &self,
        tx: &mut PgConnection,
        log: &Log,
        group: &str,
        page: &Page,
    ) -> Result<Moved, Error> {
        let next = self.after(page);
        let current = (!page.complete).then_some(&next.target);
        let query = log
            .query(ADVANCE)
            .bind(group)
            .bind(self.lo)
            .bind(next.done.id)
            .bind(current.map(|window| window.id))
            .bind(next.after)
            .bind(&next.done.snapshot)
            .bind(next.done.bound)
            .bind(&next.done.fence)
            .bind(current.map(|window| &window.snapshot))
            .bind(current.map(|window| window.bound))
            .bind(current.map(|window| &window.fence))
            .bind(log.is_elsewhere.then(|| page.event_ids()));
        let moved = Identity::bind_to(log.identity(), query).fetch_one(&mut *tx).await?;
        if moved.try_get("moved")? {
            return Ok(if page.complete { Moved::Through } else { Moved::On });
        }
        if log.query(IS_DETACHED).bind(group).fetch_optional(tx).await?.is_some() {
            return Err(Error::Detached { group: group.to_owned() });
        }
        match log.is_elsewhere {
            true => Err(Error::AnotherLog("the group has gone on with another log meanwhile".into())),
            false => Ok(Moved::Not),
        }
    }
}

impl Window {
    /// Window 0, which sees nothing; as migration 1 has it.
    pub(super) fn beginning() -> Self {
        Self { id: 0, snapshot: "3:3:".into(), bound: 0, fence: "3".into() }
    }

    /// No window that was opened: it sees whatever the statement sees that reads up to it.
    pub(super) fn of_all_after(done: &Self) -> Self {
        Self {
            id: i64::MAX,
            snapshot: format!("{0}:{0}:", i64::MAX),
            bound: done.bound.saturating_add(SPAN),
            fence: i64::MAX.to_string(),
        }
    }

    /// Whether nobody who ran when it was opened may still commit an event up to its bound: it names no running transaction, and
    /// none began between its snapshot and its fence.
    fn is_the_end_of_all_before(&self) -> bool {
        // `xmin:xmax:xip,…`
        let mut parts = self.snapshot.split(':');
        let (Some(_), Some(xmax), Some(running)) = (parts.next(), parts.next(), parts.next()) else { return false };
        running.is_empty() && xmax == self.fence
    }

    pub(super) fn from_row(row: &PgRow, id: i64, [snapshot, bound, fence]: [&str; 3]) -> Result<Self, sqlx::Error> {
        Ok(Self { id, snapshot: row.try_get(snapshot)?, bound: row.try_get(bound)?, fence: row.try_get(fence)? })
    }
}

impl Page {
    /// Whether these are all events up to the window.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes out the events of these buckets, as a page of their own.
    pub(super) fn take_range(&mut self, (lo, hi): (i16, i16)) -> Self {
        let events = std::mem::take(&mut self.events).into_iter().zip(std::mem::take(&mut self.buckets));
        let (taken, left): (Vec<_>, Vec<_>) = events.partition(|(_, bucket)| (lo..=hi).contains(bucket));
        (self.events, self.buckets) = left.into_iter().unzip();
        let (events, buckets) = taken.into_iter().unzip();
        Self { events, buckets, ..*self }
    }

    /// The ids of its events, in their order.
    pub(super) fn event_ids(&self) -> Vec<Uuid> {
        self.events.iter().map(|event| event.envelope.event_id.as_uuid()).collect()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The seqs of the first and the last event.
    pub(super) fn ends(&self) -> Option<(i64, i64)> {
        Some((self.events.first()?.seq, self.events.last()?.seq))
    }

    /// Whether there may be more up to the same window.
    pub(super) fn has_next(&self) -> bool {
        !self.complete
    }

    /// There is more up to the same window than was read.
    pub(super) fn leave_the_rest(&mut self) {
        if let Some(last) = self.events.last() {
            (self.passed, self.complete) = (last.seq, false);
        }
    }

    /// Leaves the first `count` events, which are at least one, and returns the others, if there are any.
    pub(super) fn split_off(&mut self, count: usize) -> Option<Self> {
        let last = self.events.get(count.checked_sub(1)?)?.seq;
        if count >= self.events.len() {
            return None;
        }
        let (events, buckets) = (self.events.split_off(count), self.buckets.split_off(count));
        let rest = Self { events, buckets, ..*self };
        (self.passed, self.complete) = (last, false);
        Some(rest)
    }
}
