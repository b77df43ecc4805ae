//! Runs programs against a real Postgres, one statement after the other, and holds the outcome against the model.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use eventwright::{DeadLetters, EventId};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::breaks::HALT;
use crate::common::Result;
use crate::expected::{Effects, Held, Model, Number, Published};
use crate::program::{Calls, GROUPS, Op, Program, SESSIONS, SUBJECTS};
use crate::sessions::{Session, Settled, end_sessions};
use crate::workers::{Script, Stopped, Worker};

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(20);
/// How long another worker tries beside one that stands in a handler.
const CONTEND: Duration = Duration::from_millis(20);
/// As often as workers are killed in one program: an event whose worker is killed too often is given up, which is not our subject.
pub(crate) const KILLS: u8 = 2;

/// What a program is run in: a database, with what it takes in connections.
pub(crate) struct World {
    database: PgConnectOptions,
    control: PgConnection,
    opener: Option<PgConnection>,
    sessions: Vec<Session>,
    operators: PgPool,
    halts: bool,
    /// Whether a window opened among others' work is a defect to be found, or refused.
    refuses: bool,
}

const TABLES: &str = "CREATE TABLE subjects (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
    CREATE TABLE noise (i int);
    CREATE TABLE effects (k bigserial PRIMARY KEY, grp text, about text, n bigint, event_id text)";

/// As it was migrated. Not TRUNCATE, which makes new files.
const RESET: &str =
    "DELETE FROM eventwright.outbox; DELETE FROM eventwright.windows WHERE id > 0; DELETE FROM eventwright.groups;
    DELETE FROM noise; DELETE FROM effects; SELECT setval('eventwright.outbox_seq', 1, false)";

impl World {
    pub(crate) async fn new(url: &str, halts: bool, refuses: bool) -> Result<Self> {
        let database: PgConnectOptions = url.parse()?;
        let mut control = database.connect().await?;
        let subjects =
            format!("{TABLES}; INSERT INTO subjects SELECT 's' || g FROM generate_series(0, {SUBJECTS} - 1) g");
        if sqlx::query("SELECT FROM pg_class WHERE relname = 'subjects'").fetch_optional(&mut control).await?.is_none()
        {
            sqlx::raw_sql(AssertSqlSafe(subjects)).execute(&mut control).await?;
        }
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(Session::connect(&database).await?);
        }
        Ok(Self {
            opener: Some(database.connect().await?),
            sessions,
            operators: PgPoolOptions::new().max_connections(1).connect_lazy_with(database.clone()),
            control,
            database,
            halts,
            refuses,
        })
    }

    /// Ends everybody who is connected to the database, and begins anew: for after a program that went wrong.
    pub(crate) async fn anew(self) -> Result<Self> {
        let Self { database, mut control, halts, refuses, .. } = self;
        sqlx::raw_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(&mut control)
        .await?;
        let prepared: Vec<String> =
            sqlx::query_scalar("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
                .fetch_all(&mut control)
                .await?;
        for gid in prepared {
            sqlx::raw_sql(AssertSqlSafe(format!("ROLLBACK PREPARED '{gid}'"))).execute(&mut control).await?;
        }
        control.close().await?;
        let url = database.to_url_lossy();
        Self::new(url.as_str(), halts, refuses).await
    }

    /// Runs a program. What it returns is what went wrong, if anything did.
    pub(crate) async fn run(&mut self, program: &Program) -> Result<()> {
        sqlx::raw_sql(RESET).execute(&mut self.control).await?;
        for session in &mut self.sessions {
            session.reset().await?;
        }
        let mut run = Run {
            world: self,
            program,
            model: Model::default(),
            script: Arc::new(Script::default()),
            workers: Default::default(),
            leaving: Vec::new(),
            opening: None,
            prepared: Vec::new(),
            kills: 0,
        };
        for (at, op) in program.ops.iter().enumerate() {
            run.step(at, *op).await.map_err(|error| format!("{error}\n  at operation {}, {op}", at + 1))?;
        }
        run.finish().await.map_err(|error| format!("{error}\n  when all had been let go on").into())
    }
}

/// A window that is being opened.
struct Opening {
    task: JoinHandle<(PgConnection, Result<(), sqlx::Error>)>,
    halt: u8,
}

struct Run<'w> {
    world: &'w mut World,
    program: &'w Program,
    model: Model,
    script: Arc<Script>,
    /// For each group the worker that stands in a handler.
    workers: [Option<Worker>; GROUPS.len()],
    /// Workers that were dropped and come to their end.
    leaving: Vec<oneshot::Receiver<()>>,
    opening: Option<Opening>,
    prepared: Vec<(String, Settled)>,
    kills: u8,
}

impl Run<'_> {
    async fn step(&mut self, at: usize, op: Op) -> Result {
        let number = Number(at as i64 + 1);
        match op {
            Op::Begin(session, isolation) => self.session(session).begin(isolation).await,
            Op::Look(session) => self.session(session).look().await,
            Op::TakeXid(session) => self.session(session).take_xid().await,
            Op::Savepoint(session) => self.session(session).savepoint().await,
            Op::Undo(session) => self.session(session).undo().await,
            Op::Keep(session) => self.session(session).keep().await,
            Op::Rollback(session) => self.session(session).rollback().await,
            Op::Vanish(session) => {
                let Run { world: World { control, sessions, database, .. }, .. } = self;
                sessions[usize::from(session)].vanish(control, database).await
            }
            Op::Lock(session, subject) if self.is_free(subject) => self.session(session).lock(subject).await,
            Op::Publish(session, subject, fate) => {
                self.script.publish(number, fate);
                self.session(session).publish(Published { number, subject, fate }).await
            }
            Op::Commit(session) => {
                let settled = self.session(session).commit().await?;
                self.commit(settled);
                Ok(())
            }
            Op::Prepare(session) => {
                let gid = format!("{}_{at}", self.program.seed);
                if let Some(settled) = self.session(session).prepare(&gid).await? {
                    self.prepared.push((gid, settled));
                }
                Ok(())
            }
            Op::CommitPrepared(which) => self.settle(which, true).await,
            Op::RollbackPrepared(which) => self.settle(which, false).await,
            Op::SpendXid => self.control("SELECT pg_current_xact_id()").await,
            Op::OpenHere(session) if !self.is_opening() => {
                let refuses = self.world.refuses;
                self.session(session).open_window(refuses).await
            }
            Op::Open(halt) if !self.is_opening() => self.open(halt).await,
            Op::Opened => self.opened().await,
            Op::Run { group, chunk, calls } if !self.is_opening() => self.run(usize::from(group), chunk, calls).await,
            Op::Contend { group, chunk } if !self.is_opening() => self.contend(usize::from(group), chunk).await,
            Op::Resume { group, calls } if !self.is_opening() => self.resume(usize::from(group), calls).await,
            Op::Drop(group) => self.drop_worker(usize::from(group)).await,
            Op::Kill(group) => self.kill(usize::from(group)).await,
            Op::Split(group, range) => self.split(usize::from(group), range).await,
            Op::Merge(group, range) => self.merge(usize::from(group), range).await,
            Op::Redrive(group) => self.redrive(usize::from(group)).await,
            Op::Discard(group) => self.discard(usize::from(group)).await,
            _ => Ok(()),
        }
    }

    fn session(&mut self, session: u8) -> &mut Session {
        &mut self.world.sessions[usize::from(session)]
    }

    async fn control(&mut self, sql: &'static str) -> Result {
        sqlx::raw_sql(sql).execute(&mut self.world.control).await?;
        Ok(())
    }

    /// Whether nobody has the subject's row.
    fn is_free(&self, subject: u8) -> bool {
        !self.world.sessions.iter().any(|session| session.has_locked(subject))
            && !self.prepared.iter().any(|(_, settled)| settled.locked.contains(&subject))
    }

    /// Whether somebody has the lock of those who open windows: who needs it would wait for the program's next operation.
    fn is_opening(&self) -> bool {
        self.opening.is_some()
            || self.world.sessions.iter().any(Session::has_opened)
            || self.prepared.iter().any(|(_, settled)| settled.has_opened)
    }

    fn commit(&mut self, settled: Settled) {
        self.model.committed.extend(settled.published);
    }

    async fn settle(&mut self, which: u8, commit: bool) -> Result {
        if self.prepared.is_empty() {
            return Ok(());
        }
        let (gid, settled) = self.prepared.swap_remove(usize::from(which) % self.prepared.len());
        let verb = if commit { "COMMIT" } else { "ROLLBACK" };
        let statement = format!("{verb} PREPARED '{gid}'");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.world.control).await?;
        if commit {
            self.commit(settled);
        }
        Ok(())
    }

    async fn open(&mut self, halt: u8) -> Result {
        let Some(mut opener) = self.world.opener.take() else { return Ok(()) };
        if self.world.halts {
            let lock = format!("SELECT pg_advisory_lock({HALT}, {halt})");
            sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut self.world.control).await?;
        }
        let task = tokio::spawn(async move {
            let opened = sqlx::raw_sql("SELECT eventwright.open_window()").execute(&mut opener).await;
            (opener, opened.map(|_| ()))
        });
        // it is through, or waits at the halt
        let waits = format!(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = {HALT} AND NOT granted)"
        );
        while !task.is_finished()
            && !sqlx::query_scalar::<_, bool>(AssertSqlSafe(waits.clone())).fetch_one(&mut self.world.control).await?
        {
        }
        self.opening = Some(Opening { task, halt });
        if !self.world.halts {
            self.opened().await?;
        }
        Ok(())
    }

    async fn opened(&mut self) -> Result {
        let Some(Opening { task, halt }) = self.opening.take() else { return Ok(()) };
        if self.world.halts {
            let unlock = format!("SELECT pg_advisory_unlock({HALT}, {halt})");
            sqlx::raw_sql(AssertSqlSafe(unlock)).execute(&mut self.world.control).await?;
        }
        let (opener, opened) = task.await?;
        self.world.opener = Some(opener);
        Ok(opened?)
    }

    async fn run(&mut self, group: usize, chunk: u16, calls: Calls) -> Result {
        if self.workers[group].is_some() {
            return Ok(());
        }
        self.make(group).await?;
        let worker = self.start(group, chunk, calls);
        self.wait_for(group, worker, None).await
    }

    async fn resume(&mut self, group: usize, calls: Calls) -> Result {
        let Some(worker) = self.workers[group].take() else { return Ok(()) };
        self.wait_for(group, worker, Some(calls)).await
    }

    fn start(&self, group: usize, chunk: u16, calls: Calls) -> Worker {
        Worker::start(&self.world.database, group, self.program.groups[group], &self.script, chunk, calls)
    }

    /// Notes what a group that begins with what is new is not to see.
    async fn make(&mut self, group: usize) -> Result {
        if self.model.groups[group].made {
            return Ok(());
        }
        self.model.groups[group].made = true;
        if self.program.groups[group].from_now {
            let effects = self.effects().await?;
            let log = self.model.log(&effects);
            let before =
                log.into_iter().flat_map(|(about, events)| events.into_iter().map(move |(n, _)| (about.clone(), n)));
            self.model.groups[group].before = before.collect();
        }
        Ok(())
    }

    /// Lets a worker run to where it is to stand still. One that came to its end must have left nothing undone.
    async fn wait_for(&mut self, group: usize, mut worker: Worker, resumed: Option<Calls>) -> Result {
        let stopped = match resumed {
            None => worker.run(STUCK).await,
            Some(calls) => worker.go_on(calls, STUCK).await,
        };
        match stopped {
            Stopped::InHandler => self.workers[group] = Some(worker),
            Stopped::Ended(Ok(())) => self.check(group).await?,
            Stopped::Ended(Err(error)) => return Err(format!("the subscriber failed: {error:?}").into()),
            Stopped::No => return Err(format!("group {} never comes to an end", GROUPS[group]).into()),
        }
        Ok(())
    }

    /// Another worker, beside one that stands in a handler: it gets what that one has left, and is dropped.
    async fn contend(&mut self, group: usize, chunk: u16) -> Result {
        if self.workers[group].is_none() {
            return Ok(());
        }
        let mut worker = self.start(group, chunk, None);
        match worker.run(CONTEND).await {
            Stopped::Ended(Err(error)) => return Err(format!("the subscriber failed: {error:?}").into()),
            Stopped::Ended(Ok(())) => {}
            Stopped::InHandler | Stopped::No => self.leaving.push(worker.drop_it().await),
        }
        Ok(())
    }

    async fn drop_worker(&mut self, group: usize) -> Result {
        let Some(worker) = self.workers[group].take() else { return Ok(()) };
        self.leaving.push(worker.drop_it().await);
        self.let_leave().await
    }

    /// Waits for workers that were dropped; those of a group whose worker stands in a handler may wait for that.
    async fn let_leave(&mut self) -> Result {
        if self.workers.iter().any(Option::is_some) {
            return Ok(());
        }
        for over in self.leaving.drain(..) {
            // dropped, not sent: there is nothing to tell
            if tokio::time::timeout(STUCK, over).await.is_err() {
                return Err("a worker that was dropped never comes to an end".into());
            }
        }
        Ok(())
    }

    async fn kill(&mut self, group: usize) -> Result {
        if self.kills == KILLS {
            return Ok(());
        }
        let Some(mut worker) = self.workers[group].take() else { return Ok(()) };
        self.kills += 1;
        end_sessions(&mut self.world.control, "application_name", &worker.application).await?;
        match worker.go_on(None, STUCK).await {
            Stopped::No => Err("a worker without connections never comes to an end".into()),
            Stopped::InHandler | Stopped::Ended(_) => Ok(()),
        }
    }

    async fn split(&mut self, group: usize, range: u8) -> Result {
        const SPLIT: &str = "WITH whole AS (
                SELECT * FROM eventwright.positions WHERE group_name = $1 AND bucket_hi > bucket_lo
                 ORDER BY bucket_lo OFFSET $2 LIMIT 1 FOR UPDATE SKIP LOCKED
            ), lower AS (
                UPDATE eventwright.positions p SET bucket_hi = (whole.bucket_lo + whole.bucket_hi) / 2
                  FROM whole WHERE p.group_name = whole.group_name AND p.bucket_lo = whole.bucket_lo
            )
            INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done, current, after_seq)
            SELECT group_name, (bucket_lo + bucket_hi) / 2 + 1, bucket_hi, done, current, after_seq FROM whole";
        self.change_ranges(SPLIT, group, range).await
    }

    async fn merge(&mut self, group: usize, range: u8) -> Result {
        const MERGE: &str = "WITH pair AS (
                SELECT l.group_name, l.bucket_lo, u.bucket_lo AS upper_lo, u.bucket_hi
                  FROM eventwright.positions l
                  JOIN eventwright.positions u ON u.group_name = l.group_name AND u.bucket_lo = l.bucket_hi + 1
                 WHERE l.group_name = $1 AND l.done = u.done AND l.current IS NULL AND u.current IS NULL
                 ORDER BY l.bucket_lo OFFSET $2 LIMIT 1 FOR UPDATE SKIP LOCKED
            ), gone AS (
                DELETE FROM eventwright.positions p USING pair
                 WHERE p.group_name = pair.group_name AND p.bucket_lo = pair.upper_lo
            )
            UPDATE eventwright.positions p SET bucket_hi = pair.bucket_hi
              FROM pair WHERE p.group_name = pair.group_name AND p.bucket_lo = pair.bucket_lo";
        self.change_ranges(MERGE, group, range).await
    }

    async fn change_ranges(&mut self, statement: &'static str, group: usize, range: u8) -> Result {
        sqlx::query(statement).bind(GROUPS[group]).bind(i64::from(range)).execute(&mut self.world.control).await?;
        Ok(())
    }

    async fn redrive(&mut self, group: usize) -> Result {
        let dead = self.dead(group).await?;
        let numbers: Vec<Number> = dead.iter().map(|(number, _)| *number).collect();
        self.script.mend(GROUPS[group], numbers.iter().copied());
        let redriven = DeadLetters::new(self.world.operators.clone()).redrive_all(GROUPS[group]).await?;
        if redriven != dead.len() {
            return Err(format!("{redriven} dead letters redriven of {}", dead.len()).into());
        }
        self.model.groups[group].mended.extend(numbers);
        Ok(())
    }

    async fn discard(&mut self, group: usize) -> Result {
        let Some((number, event_id)) = self.dead(group).await?.into_iter().next() else { return Ok(()) };
        if !DeadLetters::new(self.world.operators.clone()).discard(GROUPS[group], event_id).await? {
            return Err(format!("dead letter {} can't be discarded", number.0).into());
        }
        self.model.groups[group].discarded.insert(number);
        Ok(())
    }

    /// The group's dead letters.
    async fn dead(&mut self, group: usize) -> Result<Vec<(Number, EventId)>> {
        let letters = DeadLetters::new(self.world.operators.clone()).list(Some(GROUPS[group]), 1000).await?;
        let number = |payload: &str| payload.rsplit(':').next()?.strip_suffix('}')?.parse().ok();
        let letters = letters.into_iter().map(|letter| {
            let number = number(&letter.payload).ok_or_else(|| format!("no number in {}", letter.payload))?;
            Ok((Number(number), letter.envelope.event_id))
        });
        letters.collect()
    }

    /// Lets all come to their ends, and then has all dead letters tried again.
    async fn finish(mut self) -> Result {
        self.opened().await?;
        for session in 0..SESSIONS {
            let settled = self.session(session).commit().await?;
            self.commit(settled);
        }
        while !self.prepared.is_empty() {
            self.settle(0, true).await?;
        }
        for group in 0..GROUPS.len() {
            self.resume(group, None).await?;
        }
        self.let_leave().await?;
        self.drain().await?;
        // a dead letter may have been before another of its subject
        while self.redrive_all().await? > 0 {}
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM eventwright.held").fetch_one(&mut self.world.control).await?;
        if left > 0 { Err(format!("{left} events are held back for ever").into()) } else { Ok(()) }
    }

    /// Has all dead letters tried again, and returns how many there were.
    async fn redrive_all(&mut self) -> Result<usize> {
        let mut count = 0;
        for group in 0..GROUPS.len() {
            let dead = self.dead(group).await?.len();
            if dead > 0 {
                self.redrive(group).await?;
                self.run(group, 100, None).await?;
            }
            count += dead;
        }
        Ok(count)
    }

    /// Has all groups handle all that there is: also what the last one's handlers published.
    async fn drain(&mut self) -> Result {
        for group in 0..GROUPS.len() {
            self.run(group, 100, None).await?;
        }
        for group in 0..GROUPS.len() - 1 {
            if self.check(group).await.is_err() {
                self.run(group, 100, None).await?;
            }
        }
        Ok(())
    }

    async fn effects(&mut self) -> Result<Effects> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT grp, about, n FROM effects ORDER BY k").fetch_all(&mut self.world.control).await?;
        let mut effects = Effects::new();
        for (group, about, n) in rows {
            effects.entry((group, about)).or_default().push(n);
        }
        Ok(effects)
    }

    /// Holds what a group has handled, and what it holds back, against the model.
    async fn check(&mut self, group: usize) -> Result {
        let effects = self.effects().await?;
        let expected = self.model.expected(group, &effects);
        let name = GROUPS[group];
        let handled: std::collections::BTreeMap<String, Vec<i64>> = effects
            .into_iter()
            .filter(|((of, _), _)| of == name)
            .map(|((_, about), numbers)| (about, numbers))
            .collect();
        let abouts: BTreeSet<&String> = handled.keys().chain(expected.handled.keys()).collect();
        for about in abouts {
            let none = Vec::new();
            let (was, should) = (handled.get(about).unwrap_or(&none), expected.handled.get(about).unwrap_or(&none));
            if was != should {
                return Err(format!("group {name} handled of {about} {was:?}, and should have {should:?}").into());
            }
        }
        let held: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT subject, (payload ->> 'n')::bigint, reason FROM eventwright.held WHERE group_name = $1",
        )
        .bind(name)
        .fetch_all(&mut self.world.control)
        .await?;
        let held = Held::from_iter(held);
        if held != expected.held {
            return Err(format!("group {name} holds {held:?}, and should {:?}", expected.held).into());
        }
        Ok(())
    }
}
