use crate::payload::EncodeError;

/// Whatever a driver says is wrong.
type DriverError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong in publishing, subscribing and migrating; one variant for each thing that one can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("the database refused")]
    Database(#[source] sqlx::Error),
    /// As [`Database`](Self::Database), where another driver than sqlx asked it: the source is that driver's error.
    #[error("the database refused")]
    Driver(#[source] DriverError),
    /// Another transaction got in the way, and this one is aborted: run it again, from its beginning. It may be a serialization failure
    /// (at repeatable read and serializable) or a deadlock.
    #[error("another transaction got in the way: roll this one back and run it again")]
    Conflict(#[source] DriverError),
    /// The tables are missing.
    #[error("eventwright's tables are not in this database: run `eventwright migrate`, or call `eventwright::migrate`")]
    NotMigrated(#[source] DriverError),
    /// The log's last partition is full.
    #[error(
        "the log has no partition for the next event: a running subscriber makes them, and so does `eventwright migrate`"
    )]
    NoPartition(#[source] DriverError),
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
    /// The payload is larger than the publisher lets through.
    #[error(
        "{event_type} v{version} has a payload of {bytes} bytes, and the limit is {limit}: store what is large elsewhere and publish \
         where it is, or raise `Publisher::max_payload`"
    )]
    PayloadTooLarge {
        /// The event type's name.
        event_type: &'static str,
        /// The payload's schema version; the older version's, where that is what is too large.
        version: u16,
        /// The payload's size as JSON.
        bytes: usize,
        /// The publisher's limit.
        limit: usize,
    },
    /// A batch is larger than what Postgres takes in one statement.
    #[error(
        "the batch has {bytes} bytes of payloads, and the limit is {limit}: publish it in several, in one transaction if need be"
    )]
    BatchTooLarge {
        /// The size of all payloads as JSON.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// What was said beside a payload can't be stored, or is not what it is meant to be.
    #[error("{event_type} can't be published: its {field} {problem}")]
    Refused {
        /// The event type's name.
        event_type: &'static str,
        /// What was said: `subject`, `traceparent` and so on.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        problem: &'static str,
    },
    /// Not the name of a Postgres schema that needs no quotes.
    #[error("`{name}` is no schema name: use lower-case letters, digits and `_`, a letter first, at most 63 of them")]
    SchemaName {
        /// The name as given.
        name: String,
    },
    /// Two handlers of a subscriber take the same payload, or a handler and an upcast do.
    #[error(
        "group `{group}` has two handlers for {event_type} v{version}, or a handler and an upcast: a group handles an event once, so join them or use two groups"
    )]
    TwoHandlers {
        /// The subscriber group.
        group: String,
        /// The event type's name.
        event_type: &'static str,
        /// The payload's schema version.
        version: u16,
    },
    /// An upcast that leads to a payload which no handler takes.
    #[error(
        "group `{group}` has an upcast to {event_type} v{version}, and no handler for that: add one, or leave the upcast out"
    )]
    UpcastWithoutHandler {
        /// The subscriber group.
        group: String,
        /// The event type's name.
        event_type: &'static str,
        /// The payload's schema version that the upcast makes.
        version: u16,
    },
    /// A subscriber without handlers.
    #[error("group `{group}` has no handler: add one with `on` or `effect`")]
    NoHandlers {
        /// The subscriber group.
        group: String,
    },
    /// Handlers or middleware were added before the state that they are called with.
    #[error("group `{group}`: call `state` before `on`, `effect` and `around`")]
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
    /// As [`GroupOfAnotherDomain`](Self::GroupOfAnotherDomain), where the subscriber's database role may not see whose it is.
    #[error(
        "group `{group}` is there and is not `{domain}`'s, so this subscriber's database role may not see it: choose another group name"
    )]
    GroupNameTaken {
        /// The subscriber group.
        group: String,
        /// The domain of this subscriber.
        domain: &'static str,
    },
    /// There is no group of this name.
    #[error("there is no group `{group}`: `eventwright groups` lists them")]
    NoSuchGroup {
        /// The name as given; of a group of another database, with that before it.
        group: String,
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
    /// The log is in another database, and has gone back in time below what the group has read: it was restored from a backup, or a
    /// standby took over that lagged behind.
    #[error(
        "the log is not the one that the group has read so far: run `eventwright rebase --group`, or call `Rebase::group`"
    )]
    AnotherLog(#[source] DriverError),
    /// The tables were restored from a dump.
    #[error("the database was restored from a dump: run `eventwright rebase`, or call `Rebase::database`")]
    Restored(#[source] DriverError),
    /// A group that reads the log of its own database, which is rebased with it.
    #[error("group `{group}` reads the log of its own database: rebase the database, without a group")]
    ReadsOwnLog {
        /// The subscriber group.
        group: String,
    },
    /// A log that has gone back further than the group remembers what it handled.
    #[error(
        "the log has gone back further than group `{group}` remembers what it handled (`eventwright retention --remember`), so it would handle events \
         again: if its handlers know events again by `event_id`, rebase it with `--accept-repeats` (`Rebase::accept_repeats`)"
    )]
    NotRemembered {
        /// The subscriber group.
        group: String,
    },
    /// The log is in another database, and no longer waits for the group that reads it.
    #[error(
        "the log has detached the group, and may have dropped what it has not read: see `eventwright groups --help`"
    )]
    DetachedByLog(#[source] DriverError),
    /// A group is to be attached again, and the log has dropped what it was to handle next; the source says which numbers.
    #[error(
        "the log has dropped events that the group was to handle next: attach it and accept that (`eventwright groups attach --accept-gap`), or make a new group"
    )]
    Gap(#[source] DriverError),
    /// Not a number of ranges.
    #[error("a group has 1 to 1024 ranges, not {ranges}")]
    Ranges {
        /// The number as given.
        ranges: u16,
    },
    /// A position refers to a window that is no more.
    #[error(
        "group `{group}` stands at window {window}, which the log no longer has: go on with a new group that starts at a time before (`Start::At`), if its handlers know events again by `event_id`"
    )]
    WindowGone {
        /// The subscriber group.
        group: String,
        /// The window's id.
        window: i64,
    },
    /// Publishing by way of a pooler that keeps no prepared statements, and not inside of a transaction.
    #[error("behind a pooler, publish inside of a transaction that sqlx has begun: `pool.begin()`, not a raw BEGIN")]
    OutsideOfTransaction,
    /// A group that was made for a replay.
    #[error("group `{group}` was made for a replay, and ends with it: call `replay`, or use another group name")]
    IsReplay {
        /// The subscriber group.
        group: String,
    },
    /// A group that was there before the replay.
    #[error("group `{group}` is there already, and not for a replay: give the replay a group name of its own")]
    IsNoReplay {
        /// The subscriber group.
        group: String,
    },
    /// An event that is to be begun or ended with.
    #[error("event {event_id} is not in the log: its transaction may still be open, or it may have been removed")]
    NoSuchEvent {
        /// The event's id.
        event_id: crate::payload::EventId,
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
        let database = error.as_database_error();
        let about = database.map(|e| (e.code().unwrap_or_default().into_owned(), e.message().to_owned()));
        let (code, message) = about.unwrap_or_default();
        Self::of_postgres(&code, &message, error, Self::Database)
    }
}

impl Error {
    /// What a driver's error means, by the code (Postgres appendix A) and the message of the server, if it was the server's.
    pub(crate) fn of_postgres<E>(code: &str, message: &str, error: E, otherwise: fn(E) -> Self) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        match code {
            // undefined_table, invalid_schema_name, undefined_function
            "42P01" | "3F000" | "42883" => Self::NotMigrated(error.into()),
            // check_violation
            "23514" if message.contains("no partition of relation") => Self::NoPartition(error.into()),
            // ours, raised by assert_identity, open_window and attach_group
            "EW002" => Self::AnotherLog(error.into()),
            "EW003" => Self::Gap(error.into()),
            "EW005" => Self::Restored(error.into()),
            "EW004" => Self::DetachedByLog(error.into()),
            // serialization_failure, deadlock_detected
            "40001" | "40P01" => Self::Conflict(error.into()),
            _ => otherwise(error),
        }
    }
}

impl Error {
    /// Whether waiting does not help: a subscriber ends with such an error, and goes on after any other.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Database(_) | Self::NoPartition(_) | Self::Conflict(_))
    }
}

/// An error with all that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // some say their cause themselves, sqlx among them
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
