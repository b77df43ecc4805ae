//! A fresh database for one test.

use std::{
    str::FromStr,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::{Error, Server, Settings};

/// Enough for a test's publishers and subscribers; many tests share the server's connections.
const CONNECTIONS: u32 = 10;

const WAITS_AT_MOST: Duration = Duration::from_secs(2);

/// An empty database of one's own, dropped when this value is dropped, also by a panic.
///
/// It is on the server that `DATABASE_URL` names (its user needs the right `CREATEDB`), or else on one throw-away
/// [`Server`] that all tests of the process share, which gives durability up for speed.
///
/// ```no_run
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// let database = eventwright::testing::Database::create().await?;
/// sqlx::query("create table leads (id uuid primary key)").execute(database.pool()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the database is dropped when this is dropped"]
pub struct Database {
    name: String,
    server: PgConnectOptions,
    pool: PgPool,
    url: String,
}

impl Database {
    /// Creates a database with a name that no other has. The first one of a process may have to start a server, which
    /// takes one to two seconds.
    ///
    /// Dropping the future after the database was created, and before it is returned, leaves the database on the server.
    ///
    /// # Errors
    /// There is no server (see [`Settings::start`]), it refuses the connection, or its user may not create databases.
    pub async fn create() -> Result<Self, Error> {
        let server_url = server_url().await?;
        let name = format!("eventwright_test_{}", Uuid::now_v7().simple());
        let url = with_database(&server_url, &name);
        let server = options(&server_url)?;
        let own = options(&url)?;
        // template0 has no sessions that would be in the way, and nothing that somebody has left in template1
        let create = format!("create database {name} template template0");
        execute(&server, create)
            .await
            .map_err(|reason| Error::Sql { doing: format!("creating a database on {}", place(&server)), reason })?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(own);
        Ok(Self { name, server, pool, url })
    }

    /// As [`create`](Self::create), with eventwright's tables in it.
    ///
    /// ```no_run
    /// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
    /// let database = eventwright::testing::Database::migrated().await?;
    /// let mut tx = database.pool().begin().await?;
    /// assert!(eventwright::testing::all_published(&mut tx).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`create`](Self::create), and where the tables can't be made.
    pub async fn migrated() -> Result<Self, Error> {
        let database = Self::create().await?;
        let migrated = crate::migrate(database.pool()).await;
        migrated.map_err(|source| Error::Migrate { source: Box::new(source) })?;
        Ok(database)
    }

    /// Connections to the database, at most 10 at a time. Each is made when it is first needed.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Where to connect, for another pool or process.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    /// Ends all sessions of the database and removes it. A failure is told on standard error.
    ///
    /// Blocks until that is done, for at most two seconds: Postgres waits with the removal for connections that just
    /// authenticate, which may be tasks of the runtime that is blocked here. The server then ends what it was told to do when
    /// they go on or are closed, also if this process has ended by then.
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        let (server, name) = (self.server.clone(), self.name.clone());
        let (tell, told) = mpsc::channel();
        // the test's own runtime can't be waited for from within, and may be gone
        thread::spawn(move || {
            if let Err(error) = execute_and_wait(&server, statement) {
                eprintln!("eventwright: the database {name} is left on {}: {error}", place(&server));
            }
            tell.send(())
        });
        // it has told of a failure itself
        let _ = told.recv_timeout(WAITS_AT_MOST);
    }
}

fn execute_and_wait(server: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?;
    runtime.block_on(execute(server, statement))
}

/// The same server and user. Not by way of the driver: it would add parameters that no other driver knows.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, address) = address.split_once("://").unwrap_or(("postgres", address));
    let authority = address.split('/').next().unwrap_or_default();
    let parameters = parameters.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("dbname="));
    let parameters = parameters.collect::<Vec<_>>().join("&");
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{authority}/{name}{separator}{parameters}")
}

fn options(url: &str) -> Result<PgConnectOptions, Error> {
    PgConnectOptions::from_str(url).map_err(|error| Error::DatabaseUrl { reason: error.to_string() })
}

async fn execute(server: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

fn place(server: &PgConnectOptions) -> String {
    match server.get_socket() {
        Some(directory) => directory.display().to_string(),
        None => format!("{}:{}", server.get_host(), server.get_port()),
    }
}

/// The URL of the server that this process's tests share. Starting one blocks, so it happens on a thread of its own.
async fn server_url() -> Result<String, Error> {
    let (tell, told) = tokio::sync::oneshot::channel();
    thread::spawn(move || tell.send(shared_server()));
    match told.await {
        Ok(url) => url,
        Err(_) => Err(Error::Start { what: "the thread that starts Postgres panicked".into(), directory: ".".into() }),
    }
}

/// Never dropped: the server's guard notices when the process ends.
fn shared_server() -> Result<String, Error> {
    static SHARED: Mutex<Option<Server>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.is_none() {
        *shared = Some(Settings::new().durable(false).start()?);
    }
    Ok(shared.as_ref().map(|server| server.url().to_owned()).unwrap_or_default())
}
