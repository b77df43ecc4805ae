//! Going on after a restore or a failover.

use std::collections::HashSet;

use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, PgPool, Row};
use uuid::Uuid;

use crate::release::{BEGIN, release};
use crate::to_the_end::to_the_end;
use crate::{Error, Schema};

const DATABASE: &str = "SELECT restored, renumbered FROM eventwright.rebase()";
const GROUP: &str = include_str!("../sql/rebase/group.sql");
const RANGES: &str = include_str!("../sql/rebase/ranges.sql");
const HOME: &str = "SELECT system || '/' || database FROM eventwright.identity()";
const LOG: &str = include_str!("../sql/rebase/log.sql");
const SHARED: &str = include_str!("../sql/rebase/shared.sql");
const BEFORE: &str = include_str!("../sql/rebase/before.sql");
const GO_BACK: &str = include_str!("../sql/rebase/go_back.sql");
const NOTE_REPEATS: &str = include_str!("../sql/rebase/note_repeats.sql");
const HELD: &str = include_str!("../sql/rebase/held.sql");
const IN_LOG: &str = include_str!("../sql/rebase/in_log.sql");
const LET_GO: &str = include_str!("../sql/rebase/let_go.sql");
const READ_ON: &str = include_str!("../sql/rebase/read_on.sql");
/// All that is asked of the log is about one moment of one server.
const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Has groups go on after their database or their log was restored, or has failed over. Subscribers notice by themselves, and say which of
/// the two is needed: [`Error::Restored`] or [`Error::AnotherLog`].
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool, log: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// // restored with pg_restore: once, before its subscribers run
/// eventwright::Rebase::new(pool.clone()).database().await?;
/// // reads the log of another database, where a standby has taken over that lagged behind
/// eventwright::Rebase::new(pool).group("growth-funnel", &log).await?;
/// # Ok(()) }
/// ```
///
/// # What is needed when
/// | what happened | groups beside the log | groups in other databases |
/// | --- | --- | --- |
/// | a crash, a restart | nothing | nothing |
/// | a failover, the standby has all that the group has read (always so with `synchronous_standby_names`) | nothing | nothing |
/// | a failover, the standby lagged behind | nothing | [`group`](Self::group) |
/// | the log's cluster restored to an earlier point in time, from a base backup, or from a snapshot of its volume | nothing | [`group`](Self::group) |
/// | pg_upgrade | [`database`](Self::database), which changes no event | nothing more |
/// | the log's database restored from a dump | [`database`](Self::database) | [`group`](Self::group), after that |
/// | a group's own database restored from a dump, or to an earlier point in time | | [`database`](Self::database) after a dump |
///
/// # What is promised
/// - No event that is in the log as it is now is lost to a group, and none comes twice to an [`on`](crate::Subscriber::on) handler
///   that has committed before; each subject's come in their order.
/// - What the log has lost, publishers' transactions have lost, too. What a group did with such an event stays done; what it still
///   held back of it, dead letters included, is let go.
/// - An effect handler that was at work may run again, as after any crash.
///
/// Groups remember what they were given for an hour, or what [`RetentionSettings::remember`](crate::RetentionSettings) of the group's
/// database says. Where the log has gone back further than that, [`group`](Self::group) refuses with [`Error::NotRemembered`].
///
/// # What is not
/// - Of a dump, the schema and its data belong together: data restored into tables that [`migrate`](crate::migrate) made is not noticed.
///   Publishers are let in when all is restored; before or after it is rebased is the same.
/// - A group's database that goes back in time reads again what came since, as it must. The log no longer has what is older than
///   [`RetentionSettings::keep`](crate::RetentionSettings); so keep more than your backups are old. Where something is missing, the log
///   detaches the group, whose subscribers end with [`Error::DetachedByLog`]: see [`Groups::attach_reader`](crate::Groups::attach_reader).
/// - A group whose database was restored from a dump, too, is another one to its log. `eventwright doctor` there names the one that
///   nothing is heard of, to be detached, or the log waits for it.
///
/// # Who may
/// The owner of the tables.
#[derive(Debug, Clone)]
#[must_use = "nothing is done before `database` or `group`"]
pub struct Rebase {
    pool: PgPool,
    schema: Schema,
    accepts_repeats: bool,
}

/// What [`Rebase::database`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebasedDatabase {
    /// Whether the database was restored from a dump since it was last rebased; else nothing was done.
    pub was_restored: bool,
    /// To how many events in the log other transaction ids were given. None where those of the dump are lower than this cluster's.
    pub renumbered_events: u64,
}

/// What [`Rebase::group`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebasedGroup {
    /// How many of its ranges went back. 0: the log has all that the group has read.
    pub ranges: u32,
    /// How many events the group was given since then. Those that are still in the log are passed over when they come again.
    pub remembered_events: u64,
    /// How many of those it held back, and the log has lost.
    pub let_go_events: u64,
}

impl Rebase {
    /// Of the tables in the schema `eventwright` of this database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default(), accepts_repeats: false }
    }

    /// Of those in another schema.
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// Has a group go back also where it does not remember all that it handled since then. Only where its handlers know events again by
    /// their `event_id`.
    pub fn accept_repeats(self) -> Self {
        Self { accepts_repeats: true, ..self }
    }

    /// Makes a database right that was restored from a dump: its log, for the groups beside it. All in one transaction; again, it does
    /// nothing.
    ///
    /// Where the log's transaction ids are higher than those that this cluster gives out, each event gets another one, so the whole log is
    /// written anew; VACUUM it afterwards. Publishers and handlers wait meanwhile.
    ///
    /// # Errors
    /// Where the database refuses; then nothing has changed.
    ///
    /// # Cancellation
    /// It goes on in the background.
    pub async fn database(&self) -> Result<RebasedDatabase, Error> {
        to_the_end(rebase_database(self.clone())).await
    }

    /// Has a group of this database go back to where its log, in another database, has gone back to. All in one transaction; again,
    /// it does nothing.
    ///
    /// Its subscribers need not be stopped, but will have stopped by themselves; they go on when they are started again.
    ///
    /// # Errors
    /// - [`Error::NotRemembered`]: the log has gone back too far; see [`accept_repeats`](Self::accept_repeats).
    /// - [`Error::GroupOfAnotherLog`]: this never was the group's log.
    /// - [`Error::Restored`]: a database is to be rebased first.
    /// - [`Error::NoSuchGroup`], [`Error::ReadsOwnLog`], [`Error::IsReplay`] (begin the replay anew), and where a database refuses.
    ///
    /// After an error, nothing has changed.
    ///
    /// # Cancellation
    /// It goes on in the background.
    pub async fn group(&self, group: &str, log: &PgPool) -> Result<RebasedGroup, Error> {
        to_the_end(rebase_group(self.clone(), group.to_owned(), log.clone())).await
    }
}

async fn rebase_database(of: Rebase) -> Result<RebasedDatabase, Error> {
    let mut db = of.pool.acquire().await?;
    let mut tx = db.begin_with(BEGIN).await?;
    let row = sqlx::query(of.schema.sql(DATABASE)).fetch_one(&mut *tx).await?;
    let renumbered: i64 = row.try_get("renumbered")?;
    let rebased =
        RebasedDatabase { was_restored: row.try_get("restored")?, renumbered_events: renumbered.unsigned_abs() };
    tx.commit().await?;
    Ok(rebased)
}

/// Which log, and in which of its lives.
#[derive(Debug, PartialEq, Eq)]
struct Life {
    system: i64,
    database: String,
    timeline: i32,
}

impl Life {
    fn from_row(row: &PgRow, [system, database, timeline]: [&str; 3]) -> Result<Self, sqlx::Error> {
        Ok(Self { system: row.try_get(system)?, database: row.try_get(database)?, timeline: row.try_get(timeline)? })
    }
}

/// A range that goes back.
struct Back {
    lo: i16,
    /// The window, where it is not the one that the range has done.
    to: Option<PgRow>,
    /// The group's name for that window, if it was given anything since.
    repeats_after: Option<i64>,
}

async fn rebase_group(of: Rebase, group: String, log: PgPool) -> Result<RebasedGroup, Error> {
    let schema = &of.schema;
    let mut home = of.pool.acquire().await?;
    let mut tx = home.begin_with(BEGIN).await?;
    let row = sqlx::query(schema.sql(GROUP)).bind(&group).fetch_optional(&mut *tx).await?;
    let row = row.ok_or_else(|| Error::NoSuchGroup { group: group.clone() })?;
    if row.try_get::<Option<i64>, _>("log_system")?.is_none() {
        return Err(Error::ReadsOwnLog { group });
    }
    if row.try_get("is_replay")? {
        return Err(Error::IsReplay { group });
    }
    let known = Life::from_row(&row, ["log_system", "log_database", "log_timeline"])?;
    let remembers_after: i64 = row.try_get("remembers_after")?;

    let mut log = log.acquire().await?;
    let mut log = log.begin_with(ONE_MOMENT).await?;
    let (here, started) = find_log(&mut tx, &mut log, schema, &group, &known).await?;
    let ranges = sqlx::query(schema.sql(RANGES)).bind(&group).fetch_all(&mut *tx).await?;
    let back = ranges_that_go_back(&mut log, schema, &ranges, &known).await?;
    let repeats_after = back.iter().filter_map(|back| back.repeats_after).min();
    if repeats_after.is_some_and(|after| after < remembers_after) && !of.accepts_repeats {
        return Err(Error::NotRemembered { group });
    }
    let mut rebased = RebasedGroup { ranges: u32::try_from(back.len()).unwrap_or(u32::MAX), ..RebasedGroup::default() };
    for range in &back {
        go_back(&mut tx, schema, &group, range).await?;
    }
    if let Some(after) = repeats_after {
        let noted = sqlx::query(schema.sql(NOTE_REPEATS)).bind(&group).bind(after).execute(&mut *tx).await?;
        rebased.remembered_events = noted.rows_affected();
        rebased.let_go_events = let_go(&mut tx, &mut log, schema, &group).await?;
    }
    sqlx::query(schema.sql(READ_ON))
        .bind(&group)
        .bind(here.system)
        .bind(&here.database)
        .bind(here.timeline)
        .bind(started)
        .execute(&mut *tx)
        .await?;
    log.rollback().await?;
    tx.commit().await?;
    Ok(rebased)
}

/// Makes sure that it was the group's log once, and says which one it is now, and when its server was started.
async fn find_log(
    home: &mut PgConnection,
    log: &mut PgConnection,
    schema: &Schema,
    group: &str,
    known: &Life,
) -> Result<(Life, i64), Error> {
    let home: String = sqlx::query_scalar(schema.sql(HOME)).fetch_one(home).await?;
    let query = sqlx::query(schema.sql(LOG)).bind(known.system).bind(&known.database).bind(home).bind(group);
    let row = query.fetch_one(log).await?;
    let here = Life::from_row(&row, ["system", "database", "timeline"])?;
    if here != *known && !row.try_get::<bool, _>("is_the_same")? {
        let name = |life: &Life| format!("database `{}` of cluster {}", life.database, life.system);
        return Err(Error::GroupOfAnotherLog { group: group.to_owned(), known: name(known), given: name(&here) });
    }
    Ok((here, row.try_get("started")?))
}

/// A range of which the log has all windows that it knows stays. All windows up to one that the log has are its own.
async fn ranges_that_go_back(
    log: &mut PgConnection,
    schema: &Schema,
    ranges: &[PgRow],
    known: &Life,
) -> Result<Vec<Back>, Error> {
    let (mut ids, mut bounds, mut fences) = (Vec::new(), Vec::new(), Vec::new());
    for row in ranges {
        for [id, bound, fence] in [["done", "done_bound", "done_fence"], ["current", "current_bound", "current_fence"]]
        {
            ids.push(row.try_get::<Option<i64>, _>(id)?);
            bounds.push(row.try_get::<Option<i64>, _>(bound)?);
            fences.push(row.try_get::<Option<String>, _>(fence)?);
        }
    }
    let shared = sqlx::query_scalar(schema.sql(SHARED)).bind(ids).bind(bounds).bind(fences);
    let shared: i64 = shared.fetch_one(&mut *log).await?;
    let mut back = Vec::new();
    for row in ranges {
        let (lo, done, current): (i16, i64, Option<i64>) =
            (row.try_get("bucket_lo")?, row.try_get("done")?, row.try_get("current")?);
        if current.unwrap_or(done) <= shared {
            continue;
        }
        if done <= shared {
            back.push(Back { lo, to: None, repeats_after: Some(done) });
            continue;
        }
        let before = sqlx::query(schema.sql(BEFORE)).bind(done).bind(known.system).bind(known.timeline);
        let before = before.fetch_one(&mut *log).await?;
        let known_id: i64 = before.try_get("known_id")?;
        let repeats_after = (known_id < done || current.is_some()).then_some(known_id);
        back.push(Back { lo, to: Some(before), repeats_after });
    }
    Ok(back)
}

async fn go_back(tx: &mut PgConnection, schema: &Schema, group: &str, back: &Back) -> Result<(), Error> {
    let text = |column| back.to.as_ref().map(|row| row.try_get::<String, _>(column)).transpose();
    let number = |column| back.to.as_ref().map(|row| row.try_get::<i64, _>(column)).transpose();
    sqlx::query(schema.sql(GO_BACK))
        .bind(group)
        .bind(back.lo)
        .bind(number("id")?)
        .bind(text("snapshot")?)
        .bind(number("bound")?)
        .bind(text("fence")?)
        .execute(tx)
        .await?;
    Ok(())
}

/// Lets go of held events that the log has lost, and returns how many.
async fn let_go(home: &mut PgConnection, log: &mut PgConnection, schema: &Schema, group: &str) -> Result<u64, Error> {
    let held: Vec<(i64, Uuid, String)> = sqlx::query_as(schema.sql(HELD)).bind(group).fetch_all(&mut *home).await?;
    let (seqs, ids): (Vec<i64>, Vec<Uuid>) = held.iter().map(|(seq, id, _)| (*seq, *id)).unzip();
    let in_log: Vec<Uuid> = sqlx::query_scalar(schema.sql(IN_LOG)).bind(seqs).bind(ids).fetch_all(log).await?;
    let in_log: HashSet<Uuid> = in_log.into_iter().collect();
    let lost: Vec<_> = held.into_iter().filter(|(_, id, _)| !in_log.contains(id)).collect();
    if lost.is_empty() {
        return Ok(0);
    }
    let (seqs, ids): (Vec<i64>, Vec<Uuid>) = lost.iter().map(|(seq, id, _)| (*seq, *id)).unzip();
    sqlx::query(schema.sql(LET_GO)).bind(group).bind(ids).bind(seqs).execute(&mut *home).await?;
    let subjects: HashSet<String> = lost.iter().map(|(_, _, subject)| subject.clone()).collect();
    let subjects: Vec<String> = subjects.into_iter().collect();
    release(home, schema, group, &subjects).await?;
    Ok(lost.len() as u64)
}
