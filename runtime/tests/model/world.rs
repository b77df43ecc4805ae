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
use crate::program::{Calls, Fate, GROUPS, Op, Program, SESSIONS};
use crate::sessions::{Session, Settled, end_sessions};
use crate::workers::{Script, Stopped, Worker};

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(20);
/// How long another worker tries beside one that stands in a handler.
const CONTEND: Duration = Duration::from_millis(20);
/// As often as workers are killed in one program: an event whose worker is killed too often is given up, which is not our subject.
pub(crate) const KILLS: u8 = 2;

/// The log's database, and the one in which the groups are and their handlers write: mostly the same.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    pub(crate) log: PgConnectOptions,
    pub(crate) home: PgConnectOptions,
}

impl Databases {
    pub(crate) fn are_two(&self) -> bool {
        self.log.get_database() != self.home.get_database()
    }
}

/// How a world differs from the plain one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setting {
    /// The opening of windows halts between its statements.
    pub(crate) halts: bool,
    /// A window is opened also in a transaction that has an xid, which is a defect.
    pub(crate) opens_among_others: bool,
}

/// What a program is run in: the databases, with what it takes in connections.
pub(crate) struct World {
    databases: Databases,
    setting: Setting,
    control: PgConnection,
    /// As `control`, where the groups are.
    home: PgConnection,
    opener: Option<PgConnection>,
    changer: Option<PgConnection>,
    sessions: Vec<Session>,
    operators: PgPool,
}

/// As it was migrated. Not TRUNCATE, which makes new files.
const RESET_LOG: &str =
    "DELETE FROM eventwright.outbox; DELETE FROM eventwright.windows WHERE id > 0; DELETE FROM eventwright.readers;
    DELETE FROM noise; SELECT setval('eventwright.outbox_seq', 1, false)";
const RESET_HOME: &str = "DELETE FROM eventwright.groups; DELETE FROM effects";

impl World {
    pub(crate) async fn new(databases: Databases, setting: Setting) -> Result<Self> {
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(Session::connect(&databases.log).await?);
        }
        Ok(Self {
            control: databases.log.connect().await?,
            home: databases.home.connect().await?,
            opener: Some(databases.log.connect().await?),
            changer: Some(databases.home.connect().await?),
            sessions,
            operators: PgPoolOptions::new().max_connections(1).connect_lazy_with(databases.home.clone()),
            databases,
            setting,
        })
    }

    /// Ends everybody who is connected, and begins anew: for after a program that went wrong.
    pub(crate) async fn anew(self) -> Result<Self> {
        let Self { databases, mut control, setting, .. } = self;
        sqlx::raw_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
              WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        .execute(&mut control)
        .await?;
        let prepared: Vec<String> =
            sqlx::query_scalar("SELECT gid FROM pg_prepared_xacts").fetch_all(&mut control).await?;
        for gid in prepared {
            sqlx::raw_sql(AssertSqlSafe(format!("ROLLBACK PREPARED '{gid}'"))).execute(&mut control).await?;
        }
        control.close().await?;
        Self::new(databases, setting).await
    }

    /// Runs a program. What it returns is what went wrong, if anything did.
    pub(crate) async fn run(&mut self, program: &Program) -> Result<()> {
        sqlx::raw_sql(RESET_LOG).execute(&mut self.control).await?;
        sqlx::raw_sql(RESET_HOME).execute(&mut self.home).await?;
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
            changing: None,
            prepared: Vec::new(),
            kills: 0,
        };
        for (at, op) in program.ops.iter().enumerate() {
            run.step_and_settle(at, *op).await.map_err(|error| format!("{error}\n  at operation {}, {op}", at + 1))?;
        }
        run.finish().await.map_err(|error| format!("{error}\n  when all had been let go on").into())
    }
}

/// A statement that may wait for what others do next.
type Doing = JoinHandle<(PgConnection, Result<(), sqlx::Error>)>;

/// A window that is being opened.
struct Opening {
    task: Doing,
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
    /// A change of a group's ranges, which waits for its worker.
    changing: Option<(usize, Doing)>,
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
                let World { control, sessions, databases, .. } = &mut *self.world;
                sessions[usize::from(session)].vanish(control, &databases.log).await
            }
            Op::Lock(session, subject) if self.is_free(subject) => self.session(session).lock(subject).await,
            Op::Publish(session, subject, fate) => {
                // what a handler publishes is in its own database's log
                let fate = if self.world.databases.are_two() && fate == Fate::Answered { Fate::Handled } else { fate };
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
                let refused = !self.world.setting.opens_among_others;
                self.session(session).open_window(refused).await
            }
            Op::Open(halt) if !self.is_opening() => self.open(halt).await,
            Op::Opened => self.opened().await,
            Op::Run { group, chunk, calls } if !self.is_opening() => self.run(usize::from(group), chunk, calls).await,
            Op::Contend { group, chunk } if !self.is_opening() => self.contend(usize::from(group), chunk).await,
            Op::Resume { group, calls } if !self.is_opening() => self.resume(usize::from(group), calls).await,
            Op::Drop(group) => self.drop_worker(usize::from(group)).await,
            Op::Kill(group) => self.kill(usize::from(group)).await,
            Op::SetRanges(group, ranges) => self.set_ranges(usize::from(group), ranges).await,
            Op::Redrive(group) => self.redrive(usize::from(group)).await,
            Op::Discard(group) => self.discard(usize::from(group)).await,
            _ => Ok(()),
        }
    }

    async fn step_and_settle(&mut self, at: usize, op: Op) -> Result {
        self.step(at, op).await?;
        self.ranges_set().await
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
        if self.world.setting.halts {
            let lock = format!("SELECT pg_advisory_lock({HALT}, {halt})");
            sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut self.world.control).await?;
        }
        let durable = self.world.databases.are_two();
        let task = tokio::spawn(async move {
            let opened = sqlx::query("SELECT eventwright.open_window($1)").bind(durable).execute(&mut opener).await;
            (opener, opened.map(|_| ()))
        });
        self.until_it_waits(&task).await?;
        self.opening = Some(Opening { task, halt });
        if !self.world.setting.halts {
            self.opened().await?;
        }
        Ok(())
    }

    /// Returns once a statement is through, or waits for a lock that only the program's next operations let go.
    async fn until_it_waits(&mut self, task: &Doing) -> Result {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";
        while !task.is_finished() && !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut self.world.control).await? {}
        Ok(())
    }

    async fn opened(&mut self) -> Result {
        let Some(Opening { task, halt }) = self.opening.take() else { return Ok(()) };
        if self.world.setting.halts {
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
        Worker::start(&self.world.databases, group, self.program.groups[group], &self.script, chunk, calls)
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

    async fn set_ranges(&mut self, group: usize, ranges: u8) -> Result {
        if !self.model.groups[group].made {
            return Ok(());
        }
        let Some(mut changer) = self.world.changer.take() else { return Ok(()) };
        let task = tokio::spawn(async move {
            let change =
                sqlx::query("SELECT eventwright.set_ranges($1, $2)").bind(GROUPS[group]).bind(i32::from(ranges));
            let changed = change.execute(&mut changer).await;
            (changer, changed.map(|_| ()))
        });
        self.until_it_waits(&task).await?;
        self.changing = Some((group, task));
        self.model.groups[group].ranges = Some(i64::from(ranges));
        self.ranges_set().await
    }

    /// Waits for a change of ranges, unless that one waits for a worker.
    async fn ranges_set(&mut self) -> Result {
        let Some((_, task)) = self.changing.take_if(|(group, _)| self.workers[*group].is_none()) else { return Ok(()) };
        let Ok(done) = tokio::time::timeout(STUCK, task).await else { return Err("ranges are never changed".into()) };
        let (changer, changed) = done?;
        self.world.changer = Some(changer);
        Ok(changed?)
    }

    async fn redrive(&mut self, group: usize) -> Result {
        let dead = self.dead(group).await?;
        let numbers: Vec<Number> = dead.iter().map(|(number, _)| *number).collect();
        self.script.mend(GROUPS[group], numbers.iter().copied());
        let redriven = DeadLetters::new(self.world.operators.clone()).redrive_all(GROUPS[group]).await?;
        if redriven != dead.len() as u64 {
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
        self.ranges_set().await?;
        self.drain().await?;
        // a dead letter may have been before another of its subject
        while self.redrive_all().await? > 0 {}
        self.check_ranges().await
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

    /// Holds the groups' ranges against what was asked for: each bucket is in one of them.
    async fn check_ranges(&mut self) -> Result {
        for (name, group) in GROUPS.into_iter().zip(&self.model.groups) {
            let ranges: Vec<(i16, i16)> = sqlx::query_as(
                "SELECT bucket_lo, bucket_hi FROM eventwright.positions WHERE group_name = $1 ORDER BY bucket_lo",
            )
            .bind(name)
            .fetch_all(&mut self.world.home)
            .await?;
            let meet = ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0);
            let whole =
                ranges.first().is_some_and(|(lo, _)| *lo == 0) && ranges.last().is_some_and(|(_, hi)| *hi == 1023);
            if !meet || !whole || group.ranges.is_some_and(|wanted| wanted != ranges.len() as i64) {
                return Err(
                    format!("group {name} has the ranges {ranges:?}, and should have {:?}", group.ranges).into()
                );
            }
        }
        Ok(())
    }

    async fn effects(&mut self) -> Result<Effects> {
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT grp, about, n FROM effects ORDER BY k").fetch_all(&mut self.world.home).await?;
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
        .fetch_all(&mut self.world.home)
        .await?;
        let held = Held::from_iter(held);
        if held != expected.held {
            return Err(format!("group {name} holds {held:?}, and should {:?}", expected.held).into());
        }
        Ok(())
    }
}
