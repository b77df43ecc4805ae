//! Workers that run until they are in a given call of their handler, and stand still there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventwright::{Context, Error, Event, Failure, Handled, RetryPolicy, Start};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::common::{Happened, Home, by_the_way, happened, insert_effect, subscriber};
use crate::expected::{Number, answer_about};
use crate::program::{Calls, Fate, GROUPS, Plan};
use crate::world::{Databases, KILLS};

/// One more than a program can make an event fail that is to be handled: by its handler twice, and by killing workers.
const ATTEMPTS: u32 = 3 + KILLS as u32;

/// What handlers know of the program: it is shared by all workers.
#[derive(Default)]
pub(crate) struct Script {
    state: Mutex<ScriptState>,
}

#[derive(Default)]
struct ScriptState {
    fates: HashMap<i64, Fate>,
    calls: HashMap<(&'static str, i64), u8>,
    mended: HashMap<&'static str, Vec<Number>>,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, ScriptState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn publish(&self, number: Number, fate: Fate) {
        self.lock().fates.insert(number.0, fate);
    }

    pub(crate) fn mend(&self, group: &'static str, numbers: impl IntoIterator<Item = Number>) {
        self.lock().mended.entry(group).or_default().extend(numbers);
    }

    /// The fate of an event in a group, and which call of its handler this is.
    fn call(&self, group: &'static str, payload: &Happened) -> (Fate, u8) {
        let mut state = self.lock();
        let is_answer = payload.about.contains('/');
        let fate =
            if is_answer { Fate::Handled } else { state.fates.get(&payload.n).copied().unwrap_or(Fate::Handled) };
        let mended = state.mended.get(group).is_some_and(|numbers| numbers.contains(&Number(payload.n)));
        let call = state.calls.entry((group, payload.n)).or_default();
        *call = call.saturating_add(1);
        (if mended { Fate::Handled } else { fate }, *call)
    }
}

/// Where a handler stands still.
struct Gate {
    left: Mutex<Calls>,
    go: Notify,
    halted: mpsc::UnboundedSender<()>,
}

impl Gate {
    fn set(&self, calls: Calls) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = calls;
    }

    async fn pass(&self) {
        {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(calls) = left.as_mut() else { return };
            *calls = calls.saturating_sub(1);
            if *calls > 0 {
                return;
            }
        }
        let go = self.go.notified();
        if self.halted.send(()).is_ok() {
            go.await;
        }
    }
}

/// A subscriber's state: dropped when its last task is over, which `_over` tells.
struct State {
    group: &'static str,
    script: Arc<Script>,
    gate: Arc<Gate>,
    _over: oneshot::Sender<()>,
}

/// A worker of a group, which runs or stands in a handler.
pub(crate) struct Worker {
    pub(crate) application: String,
    gate: Arc<Gate>,
    halted: mpsc::UnboundedReceiver<()>,
    over: oneshot::Receiver<()>,
    run: JoinHandle<Result<(), Error>>,
}

/// How a worker came to stand still.
#[derive(Debug)]
pub(crate) enum Stopped {
    InHandler,
    Ended(Result<(), Error>),
    /// Neither, for as long as was waited.
    No,
}

impl Worker {
    pub(crate) fn start(
        databases: &Databases,
        group: usize,
        plan: Plan,
        script: &Arc<Script>,
        chunk: u16,
        calls: Calls,
    ) -> Self {
        let (halt, halted) = mpsc::unbounded_channel();
        let (over, is_over) = oneshot::channel();
        let gate = Arc::new(Gate { left: Mutex::new(calls), go: Notify::new(), halted: halt });
        let application = format!("group {}, run {}", GROUPS[group], fastrand::u64(..));
        let pool = |database: &PgConnectOptions| {
            PgPoolOptions::new().connect_lazy_with(database.clone().application_name(&application))
        };
        let state = State { group: GROUPS[group], script: Arc::clone(script), gate: Arc::clone(&gate), _over: over };
        let retry = RetryPolicy::default().attempts(ATTEMPTS).first(Duration::ZERO);
        // one worker that waits for nothing but us: then the order of what it does is that of the program
        let subscriber = subscriber::<Home>(GROUPS[group], &pool(&databases.home))
            .workers(1)
            .ranges(plan.ranges)
            .start(if plan.from_now { Start::Now } else { Start::Beginning })
            .chunk(chunk)
            .retry(retry)
            .lease(Duration::from_millis(100))
            .rest_after_failures(0)
            .without_listen()
            .state(state)
            .on(handle);
        let subscriber =
            if databases.are_two() { subscriber.log(by_the_way(&pool(&databases.log))) } else { subscriber };
        let run = tokio::spawn(subscriber.drain());
        Self { application, gate, halted, over: is_over, run }
    }

    /// Runs until it is in the handler as was asked for, or to its end, for at most this time.
    pub(crate) async fn run(&mut self, at_most: Duration) -> Stopped {
        tokio::select! {
            Some(()) = self.halted.recv() => Stopped::InHandler,
            ended = &mut self.run => Stopped::Ended(ended.unwrap_or(Ok(()))),
            () = tokio::time::sleep(at_most) => Stopped::No,
        }
    }

    pub(crate) async fn go_on(&mut self, calls: Calls, at_most: Duration) -> Stopped {
        self.gate.set(calls);
        self.gate.go.notify_one();
        self.run(at_most).await
    }

    /// Drops the subscriber's future, and then lets its handlers go on. What it tells is when its tasks are over.
    pub(crate) async fn drop_it(self) -> oneshot::Receiver<()> {
        self.run.abort();
        // it was dropped by the time that this is answered
        let _ = self.run.await;
        self.gate.set(None);
        self.gate.go.notify_one();
        self.over
    }
}

async fn handle(event: Event<Happened>, cx: &mut Context<'_, Home, State>) -> Handled {
    let State { group, script, gate, .. } = cx.state();
    let (group, gate) = (*group, Arc::clone(gate));
    let (fate, call) = script.call(group, &event.payload);
    let failure = failure(fate, call);
    // half of those that fail have not even asked for the transaction
    if failure.is_some() && event.payload.n % 2 == 0 {
        gate.pass().await;
        return failure.map_or(Ok(()), Err);
    }
    insert_effect(cx.tx(), group, &event).await?;
    if fate == Fate::Answered {
        cx.publish(happened(&answer_about(group, &event.payload.about), event.payload.n)).await?;
    }
    gate.pass().await;
    if fate == Fate::Aborts && call == 1 {
        let _ = sqlx::raw_sql("SELECT 1 / 0").execute(cx.tx()).await;
    }
    failure.map_or(Ok(()), Err)
}

fn failure(fate: Fate, call: u8) -> Option<Failure> {
    match fate {
        Fate::Fails(times) if call <= times => Some(Failure::RetryIn(Duration::ZERO, "not yet".into())),
        Fate::FailsLater if call == 2 => Some(Failure::RetryIn(Duration::from_millis(5), "not any more".into())),
        Fate::Snoozes(times) if call <= times => Some(Failure::snooze(Duration::ZERO)),
        Fate::Rejected => Some(Failure::reject("never")),
        Fate::Hopeless => Some(Failure::retry("in vain")),
        _ => None,
    }
}
