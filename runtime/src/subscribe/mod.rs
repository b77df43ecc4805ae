//! Subscribing: a group of workers that reads the log and runs handlers.
//!
//! `group` joins the group, `driver` looks for work and hands it out, `worker` handles ranges of the log and says what is `begun`,
//! `chunk` runs events in a transaction, `hold` says how events are held back and `held` handles those, `together` many at a time,
//! `call` calls handlers with what is `around` them, and `breaker` rests where they fail again and again. `log` reads between windows,
//! `page` reads ahead and `scout` for all ranges at once, `follow` goes on with a log that has failed over, `wake` sleeps until a
//! publisher says that there is news.

mod around;
mod ask;
mod at_hand;
mod begun;
mod breaker;
mod call;
mod chunk;
mod context;
mod driver;
mod failure;
mod follow;
mod glance;
mod group;
mod handler;
mod hands;
mod health;
mod held;
mod hold;
mod log;
mod look;
mod maintain;
mod metrics;
mod page;
mod replay;
mod scout;
mod settings;
mod tasks;
mod together;
mod wake;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgPool};
use tracing::warn;

pub use around::{AroundFn, Next};
pub use context::Context;
pub use failure::{Failure, Handled, OrFailure, RetryPolicy};
pub use handler::{EffectFn, HandlerFn};
pub use health::{Health, Unhealthy};
pub use replay::{End, Replay, Start};

use crate::contract::{Domain, Payload, SubscribedBy, Supersedes};
use crate::publish::Publisher;
use crate::stored::Stored;
use crate::{Error, Schema};
pub(crate) use ask::Route;
use breaker::Breaker;
use handler::Handlers;
use hands::Resting;
use hold::Hold;
use log::Log;
use metrics::Metrics;

#[derive(Debug, Clone)]
struct Settings {
    start: Start,
    replay: Option<Replay>,
    retry: RetryPolicy,
    workers: u16,
    ranges: u16,
    chunk: usize,
    poll: Duration,
    lease: Duration,
    listen: bool,
    keeps_order: bool,
    time_limit: Duration,
    effect_time_limit: Duration,
    breaker: u32,
    route: Route,
}

/// Reads the log for a group, and runs its handlers. `D` is the domain that subscribes, `S` the state that handlers share.
///
/// Each group handles each event once, whatever the number of processes that run it. Groups know nothing of each other.
///
/// ```no_run
/// # use eventwright::{Context, Domain, Event, Handled, Payload, Publishable, SubscribedBy, Subscriber};
/// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
/// # struct App;
/// # async fn example<LeadCreated>(pool: sqlx::PgPool, app: App) -> Result<(), eventwright::Error>
/// # where LeadCreated: Payload + SubscribedBy<Growth> {
/// async fn count_lead<E: Send>(_event: Event<E>, cx: &mut Context<'_, Growth, App>) -> Handled {
///     sqlx::query("UPDATE funnel SET leads = leads + 1").execute(cx.tx()).await?;
///     Ok(())
/// }
///
/// Subscriber::<Growth>::new("growth-funnel", pool)
///     .state(app)
///     .on(count_lead::<LeadCreated>)
///     .run_until(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
///     .await
/// # }
/// ```
///
/// # What is promised
/// - An [`on`](Self::on) handler's writes through [`Context::tx`] happen exactly once for each event, also when processes are
///   killed; whatever else it does happens at least once.
/// - An [`effect`](Self::effect) handler runs at least once for each event; use `event_id` to recognise a repetition.
/// - Events of one subject come in the order of their publishing, one after the other, whatever fails in between.
/// - An event of a transaction that rolled back never comes. A transaction that stays open delays its own events alone.
#[must_use = "a subscriber does nothing until it runs"]
pub struct Subscriber<D, S = ()> {
    group: String,
    pool: PgPool,
    log: Option<PgPool>,
    schema: Schema,
    state: S,
    handlers: Handlers<D, S>,
    settings: Settings,
    health: Health,
    state_after_handlers: bool,
}

impl<D: Domain> Subscriber<D> {
    /// A subscriber of the named group. The group is made at its first run; its name is the domain's own to choose.
    ///
    /// It opens connections of its own, with the options and hooks of this pool: two and a half for each worker and four more, at most. To
    /// another database's log, one for each worker and four more.
    pub fn new(group: impl Into<String>, pool: PgPool) -> Self {
        let settings = Settings {
            start: Start::default(),
            replay: None,
            retry: RetryPolicy::default(),
            workers: 4,
            ranges: 4,
            chunk: 1024,
            poll: Duration::from_secs(2),
            lease: Duration::from_secs(60),
            listen: true,
            keeps_order: true,
            time_limit: Duration::from_secs(15),
            effect_time_limit: Duration::from_secs(120),
            breaker: 20,
            route: Route::Direct,
        };
        Self {
            group: group.into(),
            pool,
            log: None,
            schema: Schema::default(),
            state: (),
            handlers: Handlers::new(),
            settings,
            health: Health::new(),
            state_after_handlers: false,
        }
    }

    /// Gives the handlers a state to share: a struct of what they work with, such as a client or settings. They take it from
    /// [`Context::state`], effect handlers as their second argument, and middleware from [`Next::state`]. What changes belongs into a
    /// lock or an atomic within. Call it before adding handlers and middleware.
    ///
    /// It is in this process alone, and knows no rollback: what must not be lost or counted twice belongs into the database.
    pub fn state<S: Send + Sync + 'static>(self, state: S) -> Subscriber<D, S> {
        Subscriber {
            state_after_handlers: !self.handlers.need_no_state(),
            group: self.group,
            pool: self.pool,
            log: self.log,
            schema: self.schema,
            state,
            handlers: Handlers::new(),
            settings: self.settings,
            health: self.health,
        }
    }
}

impl<D: Domain, S: Send + Sync + 'static> Subscriber<D, S> {
    /// Adds a handler that runs in the subscriber's transaction. It takes a payload, or an enum of several.
    pub fn on<E, F>(mut self, handler: F) -> Self
    where
        E: SubscribedBy<D>,
        F: for<'a> HandlerFn<'a, E, D, S> + Send + Sync + 'static,
    {
        self.handlers.on::<E, F>(handler);
        self
    }

    /// Adds a handler that runs outside of any transaction, for mail, HTTP and the like.
    pub fn effect<E, F>(mut self, handler: F) -> Self
    where
        E: SubscribedBy<D>,
        F: for<'a> EffectFn<'a, E, S> + Send + Sync + 'static,
    {
        self.handlers.effect::<E, F>(handler);
        self
    }

    /// Has events of an older version of a payload read as a newer one, by a function that makes one of the other: so one handler takes
    /// both, also what was stored before the newer version was there. The older version is read tolerantly, as in a handler.
    ///
    /// An event of a version that has neither handler nor upcast waits for a deploy that knows it. An upcast that panics is
    /// a handler that has failed. Upcasts don't follow upon each other: each leads to a version that has a handler.
    ///
    /// ```no_run
    /// # use eventwright::*;
    /// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
    /// # #[derive(Clone, PartialEq, Object)] #[object(closed)] pub struct IntakeCapturedV1 { pub phone: String }
    /// # #[derive(Clone, PartialEq, Object)] #[object(closed)] pub struct IntakeCapturedV2 { pub phones: Vec<String> }
    /// # impl Payload for IntakeCapturedV1 { const EVENT_TYPE: &'static str = "intake.captured"; const VERSION: u16 = 1; }
    /// # impl Payload for IntakeCapturedV2 { const EVENT_TYPE: &'static str = "intake.captured"; const VERSION: u16 = 2; }
    /// # impl SubscribedBy<Growth> for IntakeCapturedV1 {} impl SubscribedBy<Growth> for IntakeCapturedV2 {}
    /// # impl Supersedes<IntakeCapturedV1> for IntakeCapturedV2 {}
    /// async fn keep(event: Event<IntakeCapturedV2>, cx: &mut Context<'_, Growth>) -> Handled {
    ///     sqlx::query("INSERT INTO intakes (phones) VALUES ($1)").bind(&event.payload.phones).execute(cx.tx()).await?;
    ///     Ok(())
    /// }
    ///
    /// # async fn example(pool: sqlx::PgPool) -> Result<(), Error> {
    /// Subscriber::<Growth>::new("growth-intakes", pool)
    ///     .on(keep)
    ///     .upcast(|old: IntakeCapturedV1| IntakeCapturedV2::builder().phones(vec![old.phone]).build())
    ///     .drain()
    ///     .await
    /// # }
    /// ```
    pub fn upcast<Old, New>(mut self, upcast: impl Fn(Old) -> New + Send + Sync + 'static) -> Self
    where
        Old: Payload + SubscribedBy<D>,
        New: Supersedes<Old> + SubscribedBy<D>,
    {
        self.handlers.upcast(upcast);
        self
    }

    /// Puts an async function around each call of a handler, for what all handlers need: logging, a tenant's setting, a limit on calls.
    /// It looks at the event before, at what came out after, and may make something else of that. What was added first is the
    /// outermost; it does not matter whether handlers were added before or after.
    ///
    /// It runs in the handler's span, and by the same rules: the time limit is for both together, a panic is a failure that is retried, and
    /// what runs in a transaction may run again when that is rolled back. It also runs around effect handlers, but not
    /// where an event is passed over.
    ///
    /// ```no_run
    /// # use eventwright::{Context, Domain, Event, Handled, Next, Payload, SubscribedBy, Subscriber};
    /// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
    /// # struct App;
    /// # async fn count_lead<E: Send>(_: Event<E>, _: &mut Context<'_, Growth, App>) -> Handled { Ok(()) }
    /// /// Has the policies of row-level security see the event's tenant.
    /// async fn as_tenant(mut next: Next<'_, Growth, App>) -> Handled {
    ///     let tenant = next.envelope().tenant_id.clone().unwrap_or_default();
    ///     if let Some(tx) = next.tx() {
    ///         sqlx::query("SELECT set_config('app.tenant', $1, true)").bind(tenant).execute(tx).await?;
    ///     }
    ///     next.run().await
    /// }
    ///
    /// async fn tell_failures(next: Next<'_, Growth, App>) -> Handled {
    ///     let (envelope, attempt) = (next.envelope(), next.attempt());
    ///     let handled = next.run().await;
    ///     if let Err(failure) = &handled {
    ///         eprintln!("{} failed at attempt {attempt}: {failure:?}", envelope.event_type);
    ///     }
    ///     handled
    /// }
    /// # async fn example<LeadCreated: Payload + SubscribedBy<Growth>>(pool: sqlx::PgPool, app: App)
    /// # -> Result<(), eventwright::Error> {
    /// Subscriber::<Growth>::new("growth-funnel", pool)
    ///     .state(app)
    ///     .around(tell_failures)
    ///     .around(as_tenant)
    ///     .on(count_lead::<LeadCreated>)
    ///     .drain()
    ///     .await
    /// # }
    /// ```
    pub fn around<F>(mut self, middleware: F) -> Self
    where
        F: for<'a> AroundFn<'a, D, S> + Send + Sync + 'static,
    {
        self.handlers.around(middleware);
        self
    }

    /// Passes over events of a payload, or an enum of several. What the group once handled and has no handler for any more is
    /// otherwise held until a newer deploy knows it.
    pub fn ignore<E: SubscribedBy<D>>(mut self) -> Self {
        self.handlers.ignore::<E>();
        self
    }

    /// Reads the log of another database, which may be in another cluster. Handlers go on to write to the pool given to
    /// [`new`](Self::new), and there the group has its position and what it holds back: so what they write still happens exactly
    /// once. Both databases need eventwright's tables, in the same schema.
    ///
    /// Where a standby takes the place of the log's server, the subscriber goes on with it if it has all that the group has read. If it
    /// lags behind, or the log was restored from a backup, the subscriber stops with [`Error::AnotherLog`]: then
    /// [`Rebase::group`](crate::Rebase::group) has the group go back, without handling anything twice.
    pub fn log(mut self, pool: PgPool) -> Self {
        self.log = Some(pool);
        self
    }

    /// Reads the log in another schema.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// What tells, while the subscriber runs, whether it works: for the probes of the program's own HTTP endpoint.
    ///
    /// ```no_run
    /// # use eventwright::{Domain, Subscriber};
    /// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
    /// # async fn serve(answer: impl Fn(&str) -> (u16, String)) {}
    /// # async fn example(subscriber: Subscriber<Growth>, shutdown: impl Future<Output = ()> + Send) -> Result<(), eventwright::Error> {
    /// let health = subscriber.health();
    /// let answer = move |path: &str| {
    ///     let asked = if path == "/health/live" { health.live() } else { health.ready() };
    ///     match asked {
    ///         Ok(()) => (200, "ok".to_owned()),
    ///         Err(unhealthy) => (503, unhealthy.to_string()),
    ///     }
    /// };
    /// let (ran, ()) = tokio::join!(subscriber.run_until(shutdown), serve(answer));
    /// ran
    /// # }
    /// ```
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until `shutdown` is ready, then finishes or rolls back what it is at, and returns. A [`replay`](Self::replay) also returns
    /// where it has come to its end.
    ///
    /// A database that goes away while it runs is waited for.
    ///
    /// # Errors
    /// Where the subscriber can't start: no handler, two for one payload, a group of another domain, no tables, no database, or none
    /// that answers within 15 seconds and a handler's time.
    ///
    /// # Cancellation
    /// Dropping the future lets each worker finish the event that it is at, in the background, and then stop; nothing is lost.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        driver::run(self.inner()?, shutdown, driver::Until::Shutdown).await
    }

    /// Runs until everything that was published is handled or dead, retries included. While others publish faster than it handles, it goes on.
    ///
    /// # Errors
    /// As [`run_until`](Self::run_until), and where the database refuses while it runs; call it again to go on.
    pub async fn drain(self) -> Result<(), Error> {
        driver::run(self.inner()?, std::future::pending(), driver::Until::Quiet).await
    }

    fn inner(self) -> Result<Inner<D, S>, Error> {
        let Self { group, pool, log, schema, state, mut handlers, settings, health, state_after_handlers } = self;
        if state_after_handlers {
            return Err(Error::StateAfterHandlers { group });
        }
        if let Err(kind) = handlers.resolve_upcasts() {
            let (event_type, version) = (kind.event_type, kind.version);
            return Err(Error::UpcastWithoutHandler { group, event_type, version });
        }
        if let Some(kind) = handlers.twice {
            return Err(Error::TwoHandlers { group, event_type: kind.event_type, version: kind.version });
        }
        if handlers.is_empty() {
            return Err(Error::NoHandlers { group });
        }
        let workers = u32::from(settings.workers);
        // two of each worker, also while it rests, and one of each that runs held events
        let home = own_pool(&pool, 2 * workers + workers.div_ceil(2) + BESIDE_WORKERS);
        let log = match log {
            Some(pool) => Log::elsewhere(own_pool(&pool, workers + BESIDE_WORKERS), schema.clone(), settings.route),
            None => Log::new(home.clone(), schema.clone(), settings.route),
        };
        let event_types = handlers.event_types();
        Ok(Inner {
            metrics: Metrics::new(&group, &event_types),
            event_types,
            kinds: handlers.kinds(),
            kinds_in_transaction: handlers.kinds_in_transaction(),
            publisher: match settings.route {
                Route::Direct => Publisher::to(schema.clone()),
                Route::Pooler => Publisher::to(schema.clone()).behind_pooler(),
            },
            stopping: AtomicBool::new(false),
            breaker: Breaker::new(settings.breaker),
            begin: begin(&settings),
            resting: Resting::default(),
            ranges_at_work: AtomicI32::new(0),
            asked: Mutex::default(),
            group,
            pool: home,
            log,
            effects: true,
            has_repeats: AtomicBool::new(false),
            schema,
            state,
            handlers,
            settings,
            health,
        })
    }
}

/// How long the server waits for a worker that should have said something by now, beyond a handler's time.
const SILENCE: Duration = Duration::from_secs(5);
/// How often a process asks others for ranges.
const ASKS: Duration = Duration::from_millis(250);

/// So many connections are at work beside the workers': one looks for work, one listens, and of what is asked now and then, some may be
/// asked at once, for the log's upkeep and by the driver. Who waited for a worker to give up its own would wait for ever.
const BESIDE_WORKERS: u32 = 4;

/// Connections of its own: a subscriber waits for nobody else's, and gets none back in a state that somebody else left it in.
fn own_pool(pool: &PgPool, connections: u32) -> PgPool {
    let options = pool.options().clone().min_connections(0).max_connections(connections);
    // each use says what is wrong as well as a question beforehand
    options.test_before_acquire(false).connect_lazy_with((*pool.connect_options()).clone())
}

/// Begins a transaction in which handlers run: each statement sees what others committed before it, whatever the database's default
/// is; none runs longer than a handler may; and a worker that has vanished loses its range.
fn begin(settings: &Settings) -> String {
    let limit = settings.time_limit;
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}",
        limit.as_millis(),
        (limit + SILENCE).as_millis()
    )
}

/// A subscriber that runs, shared by its tasks.
struct Inner<D, S> {
    group: String,
    /// The database that handlers write to, which has the group's position.
    pool: PgPool,
    log: Log,
    /// Whether effect handlers run.
    effects: bool,
    /// Whether events may come that the group was given already: its log has gone back in time.
    has_repeats: AtomicBool,
    schema: Schema,
    state: S,
    handlers: Handlers<D, S>,
    settings: Settings,
    health: Health,
    publisher: Publisher<D>,
    /// The event types that have a handler.
    event_types: Vec<String>,
    /// All payloads that have a handler, as `type/version`.
    kinds: Vec<String>,
    /// Those whose handler runs in a transaction.
    kinds_in_transaction: Vec<String>,
    stopping: AtomicBool,
    breaker: Breaker,
    metrics: Metrics,
    begin: String,
    resting: Resting,
    /// How many ranges this process has at the moment.
    ranges_at_work: AtomicI32,
    /// When it asked others for one.
    asked: Mutex<Option<Instant>>,
}

impl<D, S> Inner<D, S> {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Whether nothing more is to be begun: the subscriber stops, or rests.
    fn must_wait(&self) -> bool {
        self.is_stopping() || self.breaker.is_open()
    }

    /// Begins a transaction in which a handler runs.
    fn begin(&self) -> AssertSqlSafe<String> {
        // numbers are all that is put into it
        AssertSqlSafe(self.begin.clone())
    }

    /// Ends the connections that rest: where one has given no answer, the others may not, either, and each would be waited for in its turn.
    fn discard_resting(&self) {
        self.resting.discard();
        for pool in [&self.pool, &self.log.pool] {
            while let Some(mut resting) = pool.try_acquire() {
                resting.close_on_drop();
            }
        }
    }

    fn ranges_at_work(&self) -> i32 {
        self.ranges_at_work.load(Ordering::Relaxed)
    }

    /// Whether it would still have as many as one who asks with so many, if that one got a range of ours.
    fn has_more_ranges_than(&self, with: i32) -> bool {
        self.ranges_at_work() > with + 1
    }

    /// Whether it is time to ask others for a range.
    fn may_ask(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let may = asked.is_none_or(|last| last.elapsed() >= ASKS);
        if may {
            *asked = Some(Instant::now());
        }
        may
    }

    /// How an event is held back after its handler failed, counting this attempt.
    fn failed(&self, event: &Stored, failure: &Failure, attempts: u32) -> Hold {
        let hold = self.settings.retry.hold(failure, attempts);
        let envelope = &event.envelope;
        self.metrics.held(hold.reason);
        warn!(
            group = self.group,
            event_id = %envelope.event_id,
            event_type = envelope.event_type,
            attempts,
            held = hold.reason.as_str(),
            ?failure,
            "handler failed"
        );
        hold
    }
}
