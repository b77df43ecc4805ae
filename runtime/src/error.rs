use crate::payload::EncodeError;

/// What can go wrong in publishing, subscribing and migrating; one variant for each thing that one can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("the database refused")]
    Database(#[source] sqlx::Error),
    /// The tables are missing.
    #[error("eventwright's tables are not in this database: run `eventwright migrate`, or call `eventwright::migrate`")]
    NotMigrated(#[source] sqlx::Error),
    /// The log's last partition is full.
    #[error(
        "the log has no partition for the next event: a running subscriber makes them, and so does `eventwright migrate`"
    )]
    NoPartition(#[source] sqlx::Error),
    /// The payload may be read, but not published.
    #[error("{event_type} v{version} can't be published")]
    Encode {
        /// The event type's name.
        event_type: &'static str,
        /// The payload's schema version.
        version: u16,
        /// What is wrong with the payload.
        #[source]
        source: EncodeError,
    },
    /// Not the name of a Postgres schema that needs no quotes.
    #[error("`{name}` is no schema name: use lower-case letters, digits and `_`, a letter first, at most 63 of them")]
    SchemaName {
        /// The name as given.
        name: String,
    },
    /// Two handlers of a subscriber take the same payload.
    #[error(
        "group `{group}` has two handlers for {event_type} v{version}: a group handles an event once, so join them or use two groups"
    )]
    TwoHandlers {
        /// The subscriber group.
        group: String,
        /// The event type's name.
        event_type: &'static str,
        /// The payload's schema version.
        version: u16,
    },
    /// A subscriber without handlers.
    #[error("group `{group}` has no handler: add one with `on` or `effect`")]
    NoHandlers {
        /// The subscriber group.
        group: String,
    },
    /// Handlers were added before the state that they are called with.
    #[error("group `{group}`: call `state` before `on` and `effect`")]
    StateAfterHandlers {
        /// The subscriber group.
        group: String,
    },
    /// The group's name belongs to another domain.
    #[error(
        "group `{group}` belongs to domain `{owner}`, and this subscriber is `{domain}`'s: choose another group name"
    )]
    GroupOfAnotherDomain {
        /// The subscriber group.
        group: String,
        /// The domain that made the group.
        owner: String,
        /// The domain of this subscriber.
        domain: &'static str,
    },
    /// A group that reads another log than this subscriber was given.
    #[error(
        "group `{group}` reads the log of {known}, and this subscriber was given that of {given}: use the same one, or another group name"
    )]
    GroupOfAnotherLog {
        /// The subscriber group.
        group: String,
        /// The log that the group reads.
        known: String,
        /// The log that was given.
        given: String,
    },
    /// The log is another one than it was: restored from a backup, or taken over by a standby.
    #[error("the log is not the one that was read so far")]
    AnotherLog(#[source] sqlx::Error),
    /// A position refers to a window that is no more.
    #[error(
        "group `{group}` stands at window {window}, which the log no longer has: see `eventwright rebase --help` for how it can go on"
    )]
    WindowGone {
        /// The subscriber group.
        group: String,
        /// The window's id.
        window: i64,
    },
    /// The group was deleted while its subscriber ran.
    #[error("group `{group}` is no more: start the subscriber again to make it anew")]
    NoGroup {
        /// The subscriber group.
        group: String,
    },
    /// The group was detached from the log.
    #[error(
        "group `{group}` was detached from the log, which may have dropped what it has not read: see `eventwright groups --help`"
    )]
    Detached {
        /// The subscriber group.
        group: String,
    },
    /// A database that a newer eventwright has migrated further than this one knows.
    #[error("the database is at migration {found}, this version of eventwright knows {known}: update eventwright")]
    NewerSchema {
        /// The last migration in the database.
        found: i32,
        /// The last migration of this version.
        known: i32,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // Postgres appendix A: undefined_table, invalid_schema_name, undefined_function; check_violation
        match error.as_database_error().and_then(|e| e.code()).as_deref() {
            Some("42P01" | "3F000" | "42883") => Self::NotMigrated(error),
            Some("EW002") => Self::AnotherLog(error),
            Some("23514") if error.to_string().contains("no partition of relation") => Self::NoPartition(error),
            _ => Self::Database(error),
        }
    }
}

impl Error {
    /// Whether waiting does not help: a subscriber ends with such an error, and goes on after any other.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Database(_) | Self::NoPartition(_))
    }
}

/// An error with all that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
