//! A contract written by hand, and a group that records what it gets.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses a part")]

pub mod network;
pub mod pgbouncer;
mod way;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventwright::testing::Database;
use eventwright::{
    CarriesSubject, Context, Domain, Event, EventId, Handled, Object, Payload, Publishable, PublishedBy, Publisher,
    SubscribedBy, Subscriber,
};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::sync::Semaphore;

pub use way::{by_the_way, is_through_pgbouncer, on_the_way, options_by_the_way, subscriber};

pub type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

pub struct Home;

impl Domain for Home {
    const NAME: &'static str = "home";
}

/// Something happened to `about`, for the `n`th time.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
pub struct Happened {
    pub about: String,
    pub n: i64,
}

impl Payload for Happened {
    const EVENT_TYPE: &'static str = "home.happened";
    const VERSION: u16 = 1;
}

impl CarriesSubject for Happened {
    type Subject = String;

    fn subject(&self) -> String {
        self.about.clone()
    }
}

impl PublishedBy<Home> for Happened {}
impl Publishable for Happened {}
impl SubscribedBy<Home> for Happened {}

pub fn happened(about: &str, n: i64) -> Happened {
    Happened::builder().about(about).n(n).build()
}

/// Ends the process where no test has begun for long: one waits for something that never comes.
fn watch() {
    static LAST_BEGUN: Mutex<Option<Instant>> = Mutex::new(None);
    let begun = Instant::now();
    let watched = LAST_BEGUN.lock().unwrap_or_else(PoisonError::into_inner).replace(begun).is_some();
    if watched {
        return;
    }
    let longer = std::env::var("EVENTWRIGHT_STRESS_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let patience = Duration::from_secs(180 + longer);
    std::thread::spawn(move || {
        let last_begun = || LAST_BEGUN.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(begun);
        // a watchdog has nothing else to wait for
        while let Some(left) = patience.checked_sub(last_begun().elapsed()) {
            std::thread::sleep(left);
        }
        // not by `eprintln!`, which the test takes with it to its end
        let _ = writeln!(std::io::stderr(), "a test of this process waits for something that never comes");
        std::process::exit(101);
    });
}

pub async fn migrated() -> Result<Database> {
    watch();
    let database = Database::create().await?;
    eventwright::migrate(database.pool()).await?;
    Ok(database)
}

pub async fn publish(db: &mut PgConnection, about: &str, n: i64) -> Result<EventId> {
    Ok(Publisher::<Home>::new().publish(db, happened(about, n)).await?.event_id)
}

/// A transaction that has published one event and is still open.
pub async fn open(pool: &PgPool, about: &str) -> Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    publish(&mut tx, about, 1).await?;
    Ok(tx)
}

/// Waits until a query says that something is so.
pub async fn until(pool: &PgPool, is_so: &str) -> Result {
    let waits = async {
        while !sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(is_so)).fetch_one(pool).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, sqlx::Error>(())
    };
    Ok(tokio::time::timeout(Duration::from_secs(60), waits).await.map_err(|_| format!("never: {is_so}"))??)
}

/// Runs a subscriber for as long as a scenario takes; how that came out.
pub async fn while_running<S: Send + Sync + 'static>(
    subscriber: Subscriber<Home, S>,
    scenario: impl Future<Output = Result> + Send,
) -> Result {
    let mut outcome = Ok(());
    subscriber.run_until(async { outcome = scenario.await }).await?;
    outcome
}

/// The ticket that a notification answers: `ticket bucket`, or the ticket alone.
pub fn ticket(call: &sqlx::postgres::PgNotification) -> Result<i64> {
    Ok(call.payload().split(' ').next().ok_or("no ticket")?.parse()?)
}

/// Waits until nobody else asks the database anything any more: who sleeps has looked around.
pub async fn rests(pool: &PgPool) -> Result {
    let mut watch = pool.acquire().await?;
    let last_asked = "SELECT max(query_start)::text FROM pg_stat_activity
                       WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let rests = async {
        loop {
            let before: Option<String> = sqlx::query_scalar(last_asked).fetch_one(&mut *watch).await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            if before == sqlx::query_scalar(last_asked).fetch_one(&mut *watch).await? {
                return Ok::<_, sqlx::Error>(());
            }
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(20), rests).await.map_err(|_| "it looks around for ever")??)
}

/// What a group was given, in order, as it stands in the database: a handler's effect.
pub struct Group {
    name: &'static str,
    pool: PgPool,
    log: Option<PgPool>,
    goes_straight: bool,
}

impl Group {
    pub async fn new(name: &'static str, pool: &PgPool) -> Result<Self> {
        sqlx::query("CREATE TABLE IF NOT EXISTS effects (k bigserial, grp text, about text, n bigint, event_id text)")
            .execute(pool)
            .await?;
        Ok(Self { name, pool: pool.clone(), log: None, goes_straight: false })
    }

    /// The same group, whose log is in another database.
    pub fn reading(self, log: &PgPool) -> Self {
        Self { log: Some(log.clone()), ..self }
    }

    /// The same group, whose subscribers do what can't be done behind a pooler.
    pub fn straight(self) -> Self {
        Self { goes_straight: true, ..self }
    }

    pub fn subscriber(&self) -> Subscriber<Home, &'static str> {
        let subscriber = match self.goes_straight {
            true => Subscriber::<Home>::new(self.name, self.pool.clone()),
            false => subscriber::<Home>(self.name, &self.pool),
        };
        let subscriber = subscriber.workers(2).state(self.name);
        match &self.log {
            Some(log) if self.goes_straight => subscriber.log(log.clone()),
            Some(log) => subscriber.log(by_the_way(log)),
            None => subscriber,
        }
    }

    /// Handles what is visible now, and returns what is new, as `about`.
    pub async fn next(&self) -> Result<Vec<String>> {
        let before = self.all().await?.len();
        self.subscriber().on(record).drain().await?;
        Ok(self.all().await?.split_off(before))
    }

    pub async fn all(&self) -> Result<Vec<String>> {
        let all = "SELECT about FROM effects WHERE grp = $1 ORDER BY k";
        Ok(sqlx::query_scalar(all).bind(self.name).fetch_all(&self.pool).await?)
    }
}

pub async fn record(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    let group = *cx.state();
    insert_effect(cx.tx(), group, &event).await?;
    Ok(())
}

/// Stands still in an event once it has had as many as the semaphore has permits, until that is closed.
pub async fn record_some(
    event: Event<Happened>,
    cx: &mut Context<'_, Home, (&'static str, Arc<Semaphore>)>,
) -> Handled {
    let (group, some) = (cx.state().0, Arc::clone(&cx.state().1));
    if let Ok(one) = some.acquire().await {
        one.forget();
    }
    insert_effect(cx.tx(), group, &event).await?;
    Ok(())
}

/// Also behind a pooler, where a statement that has a name would stay with a connection that the next transaction may not get.
pub async fn insert_effect(tx: &mut PgConnection, group: &str, event: &Event<Happened>) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO effects (grp, about, n, event_id) VALUES ($1, $2, $3, $4)")
        .bind(group)
        .bind(&event.payload.about)
        .bind(event.payload.n)
        .bind(event.envelope.event_id)
        .persistent(!is_through_pgbouncer())
        .execute(tx)
        .await?;
    Ok(())
}

pub type Seen = Arc<Mutex<Vec<String>>>;

/// Waits until somebody waits for a table of this database.
pub async fn somebody_waits_for_a_table(pool: &PgPool) -> Result {
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}
