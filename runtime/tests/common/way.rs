//! By which way the subscribers of tests reach their databases: straight, or, where `EVENTWRIGHT_TESTS_THROUGH` is `pgbouncer`, through
//! a PgBouncer in transaction mode. All else that a test does goes straight, also what its handlers ask by pools in their state.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use eventwright::{Domain, Subscriber};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use super::pgbouncer::PgBouncer;

const VARIABLE: &str = "EVENTWRIGHT_TESTS_THROUGH";
/// To each database. More than a test's subscribers use at a time: some tests have handlers that wait for each other.
const CONNECTIONS: u16 = 30;

pub fn is_through_pgbouncer() -> bool {
    static THROUGH: LazyLock<bool> = LazyLock::new(|| match std::env::var(VARIABLE).as_deref() {
        Ok("pgbouncer") if PgBouncer::is_installed() => true,
        Ok("pgbouncer") => panic!("{VARIABLE} is `pgbouncer`, which is not installed (apt-get install pgbouncer)"),
        Ok("") | Err(_) => false,
        Ok(other) => panic!("{VARIABLE} is `{other}`, and may be `pgbouncer` only"),
    });
    *THROUGH
}

/// A subscriber of this group, as all tests make them that have no reason to go straight.
pub fn subscriber<D: Domain>(group: impl Into<String>, pool: &PgPool) -> Subscriber<D> {
    on_the_way(Subscriber::<D>::new(group, by_the_way(pool)))
}

/// A subscriber whose connections go by the way.
pub fn on_the_way<D: Domain>(subscriber: Subscriber<D>) -> Subscriber<D> {
    // nobody is called behind a pooler
    if is_through_pgbouncer() { subscriber.behind_pooler().poll_every(Duration::from_millis(10)) } else { subscriber }
}

/// The same database and settings, by the way that subscribers go.
pub fn by_the_way(pool: &PgPool) -> PgPool {
    if !is_through_pgbouncer() {
        return pool.clone();
    }
    pool.options().clone().connect_lazy_with(options_by_the_way(&pool.connect_options()))
}

/// As [`by_the_way`].
pub fn options_by_the_way(straight: &PgConnectOptions) -> PgConnectOptions {
    type Started = (String, PgBouncer);
    /// One before each server. They end with this process.
    static POOLERS: Mutex<Vec<Started>> = Mutex::new(Vec::new());
    if !is_through_pgbouncer() {
        return straight.clone();
    }
    let host = straight.get_socket().map_or(straight.get_host().to_owned(), |socket| socket.display().to_string());
    let server = format!("{host}:{}", straight.get_port());
    let mut poolers = POOLERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, pooler)) = poolers.iter().find(|(of, _)| *of == server) {
        return pooler.by_transaction(straight);
    }
    match PgBouncer::before(straight, CONNECTIONS) {
        Ok(pooler) => {
            let options = pooler.by_transaction(straight);
            poolers.push((server, pooler));
            options
        }
        Err(error) => panic!("{VARIABLE}: {error}"),
    }
}
