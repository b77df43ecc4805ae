//! Where an event is: in the log, and in each group.

mod standing;

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use time::OffsetDateTime;

pub use self::standing::{GroupStanding, Standing};
use crate::payload::EventId;
use crate::subscribe::Route;
use crate::{Error, Schema};

const FIND: &str = include_str!("../../sql/find_event.sql");
const STANDINGS: &str = include_str!("../../sql/standings.sql");
const HELD: &str = include_str!("../../sql/held_event.sql");
/// The end is later by twice the margin of seq_at, which is what lies before, not what lies after.
const AROUND: &str = "SELECT eventwright.seq_at($1 - make_interval(secs => $2)) AS after,
        eventwright.seq_at($1 + make_interval(secs => $2) + interval '2 minutes') AS until";
const SCHEDULED: &str =
    "SELECT event_type, schema_version, subject, due_at FROM eventwright.scheduled WHERE event_id = $1";
/// Others' transactions are shown to who has the role pg_read_all_stats; of the rest one sees one's own role's.
const WRITERS: &str = "SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()";
const READERS: &str =
    "SELECT r.home, r.group_name, r.detached_at, pg_visible_in_snapshot($1::text::xid8, w.snapshot) AS passed
   FROM eventwright.readers r
   JOIN eventwright.windows w ON w.id = r.completed
  WHERE r.home IS DISTINCT FROM $2
  ORDER BY r.home, r.group_name";
const IDENTITY: &str = "SELECT system, database FROM eventwright.identity()";

/// How far from the time in its id an event is looked for, before the whole log is searched: ids are made by publishers' clocks, and
/// published at the end of what may be a long transaction.
const NEAR: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(3600)];

/// Where an event is: the answer of [`whereabouts`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Whereabouts {
    /// The event.
    pub event_id: EventId,
    /// What the log knows of it.
    pub published: Publication,
    /// How each group stands to it, by name. Of an event that is not in the log: the groups that hold it back.
    pub groups: Vec<GroupStanding>,
}

/// What the log knows of an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Publication {
    /// It is in the log.
    InLog {
        /// Its number there.
        seq: i64,
        /// Its type.
        event_type: String,
        /// The version of its payload.
        schema_version: u16,
        /// What it is about.
        subject: String,
        /// When it was published, by the database's clock.
        at: OffsetDateTime,
    },
    /// It will be published later.
    Scheduled {
        /// Its type.
        event_type: String,
        /// The version of its payload.
        schema_version: u16,
        /// What it is about.
        subject: String,
        /// When.
        due_at: OffsetDateTime,
    },
    /// It is not in the log: it was never published, or its transaction was rolled back or is still open, or the log has forgotten it.
    NotInLog {
        /// How many transactions of others are open that have written something: it may be in one of them.
        open_transactions: u32,
    },
}

/// Where an event is: whether it was published, and what each group has done with it.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool, event_id: eventwright::EventId) -> Result<(), eventwright::Error> {
/// let whereabouts = eventwright::whereabouts(&pool, event_id).await?;
/// for group in &whereabouts.groups {
///     println!("{}: {}", group.group, group.standing);
/// }
/// # Ok(()) }
/// ```
///
/// # Cost
/// Event ids have no index in the log. An event is looked for around the time in its id, which reads what was published within
/// a minute, then within an hour; and then in the whole log, which takes as long as reading it does. That comes to pass for events
/// that were scheduled, or published with an id made long before, or not at all.
///
/// # Errors
/// Where the database refuses.
pub async fn whereabouts(pool: &PgPool, event_id: EventId) -> Result<Whereabouts, Error> {
    EventLookup::new(pool.clone()).find(event_id).await
}

/// Where events are, in a log in another schema, or for groups in another database: otherwise [`whereabouts`] is enough.
///
/// ```no_run
/// # async fn example(log: sqlx::PgPool, home: sqlx::PgPool, id: eventwright::EventId) -> Result<(), eventwright::Error> {
/// let found = eventwright::EventLookup::new(log).groups_in(home).find(id).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct EventLookup {
    log: PgPool,
    home: Option<PgPool>,
    schema: Schema,
    route: Route,
}

/// An event's row in the log, as far as it is needed to tell who has passed it.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) seq: i64,
    xid: String,
    bucket: i16,
    event_type: String,
    published: Publication,
    in_a_window: bool,
}

impl EventLookup {
    /// In this database's log, for its groups and those that have told it how far they are.
    #[must_use]
    pub fn new(log: PgPool) -> Self {
        Self { log, home: None, schema: Schema::default(), route: Route::Direct }
    }

    /// For the groups in this other database that read the log.
    #[must_use]
    pub fn groups_in(self, home: PgPool) -> Self {
        Self { home: Some(home), ..self }
    }

    /// In another schema, of both databases.
    #[must_use]
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// For a subscriber behind a pooler, which asks by [`locate`](Self::locate) alone.
    pub(crate) fn by(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// Where this event is. See [`whereabouts`] for what it costs.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn find(&self, event_id: EventId) -> Result<Whereabouts, Error> {
        if let Some(located) = self.locate(event_id).await? {
            let groups = self.standings(event_id, &located).await?;
            return Ok(Whereabouts { event_id, published: located.published, groups });
        }
        let held = sqlx::query(self.schema.sql(HELD)).bind(event_id.as_uuid()).fetch_all(self.home()).await?;
        let groups = held.iter().map(|row| GroupStanding::from_row(row, true)).collect::<Result<_, _>>()?;
        let published = match self.scheduled(event_id).await? {
            Some(scheduled) => scheduled,
            None => {
                let open: i64 = sqlx::query_scalar(WRITERS).fetch_one(&self.log).await?;
                Publication::NotInLog { open_transactions: open.try_into().unwrap_or(u32::MAX) }
            }
        };
        Ok(Whereabouts { event_id, published, groups })
    }

    fn home(&self) -> &PgPool {
        self.home.as_ref().unwrap_or(&self.log)
    }

    /// The event's row, looked for near its time first.
    pub(crate) async fn locate(&self, event_id: EventId) -> Result<Option<Located>, Error> {
        for distance in NEAR {
            let around = self.route.query(&self.schema, AROUND).bind(time_of(event_id)).bind(distance.as_secs_f64());
            let around = self.route.ask_one(&self.log, around).await?;
            let (after, until) = (around.try_get("after")?, around.try_get("until")?);
            if let Some(located) = self.locate_between(event_id, after, until).await? {
                return Ok(Some(located));
            }
        }
        self.locate_between(event_id, 0, i64::MAX).await
    }

    async fn locate_between(&self, event_id: EventId, after: i64, until: i64) -> Result<Option<Located>, Error> {
        let find = self.route.query(&self.schema, FIND).bind(event_id.as_uuid()).bind(after).bind(until);
        let row = self.route.ask(&self.log, find).await?;
        Ok(row.as_ref().map(Located::from_row).transpose()?)
    }

    async fn standings(&self, event_id: EventId, located: &Located) -> Result<Vec<GroupStanding>, Error> {
        // groups of the log's own database say nothing of whose log they read
        let log: Option<(i64, String)> = match &self.home {
            Some(_) => Some(sqlx::query_as(self.schema.sql(IDENTITY)).fetch_one(&self.log).await?),
            None => None,
        };
        let (system, database) = log.unzip();
        let rows = sqlx::query(self.schema.sql(STANDINGS))
            .bind(event_id.as_uuid())
            .bind(located.seq)
            .bind(&located.xid)
            .bind(located.bucket)
            .bind(&located.event_type)
            .bind(system)
            .bind(database)
            .fetch_all(self.home())
            .await?;
        let here = rows.iter().map(|row| GroupStanding::from_row(row, located.in_a_window));
        let mut groups = here.collect::<Result<Vec<_>, _>>()?;
        groups.extend(self.readers(located).await?);
        Ok(groups)
    }

    /// The groups of other databases, but for the one that was asked itself.
    async fn readers(&self, located: &Located) -> Result<Vec<GroupStanding>, Error> {
        let asked: Option<(i64, String)> = match &self.home {
            Some(home) => Some(sqlx::query_as(self.schema.sql(IDENTITY)).fetch_one(home).await?),
            None => None,
        };
        let asked = asked.map(|(system, database)| format!("{system}/{database}"));
        let rows = sqlx::query(self.schema.sql(READERS)).bind(&located.xid).bind(asked).fetch_all(&self.log).await?;
        let standing = |row: &PgRow| -> Result<GroupStanding, sqlx::Error> {
            Ok(GroupStanding {
                group: row.try_get("group_name")?,
                paused_at: None,
                detached_at: row.try_get("detached_at")?,
                standing: Standing::Elsewhere { home: row.try_get("home")?, passed: row.try_get("passed")? },
            })
        };
        Ok(rows.iter().map(standing).collect::<Result<_, _>>()?)
    }

    async fn scheduled(&self, event_id: EventId) -> Result<Option<Publication>, Error> {
        let row = sqlx::query(self.schema.sql(SCHEDULED)).bind(event_id.as_uuid()).fetch_optional(&self.log).await?;
        let scheduled = |row: PgRow| -> Result<Publication, sqlx::Error> {
            Ok(Publication::Scheduled {
                event_type: row.try_get("event_type")?,
                schema_version: version(&row)?,
                subject: row.try_get("subject")?,
                due_at: row.try_get("due_at")?,
            })
        };
        Ok(row.map(scheduled).transpose()?)
    }
}

impl Located {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let (seq, event_type): (i64, String) = (row.try_get("seq")?, row.try_get("event_type")?);
        Ok(Self {
            seq,
            xid: row.try_get("xid")?,
            bucket: row.try_get("bucket")?,
            published: Publication::InLog {
                seq,
                event_type: event_type.clone(),
                schema_version: version(row)?,
                subject: row.try_get("subject")?,
                at: row.try_get("published_at")?,
            },
            event_type,
            in_a_window: row.try_get("in_a_window")?,
        })
    }
}

impl Whereabouts {
    /// How a group stands to the event; `None`: there is no such group here, or it has nothing to do with the event.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&GroupStanding> {
        self.groups.iter().find(|group| group.group == name)
    }
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InLog { seq, event_type, schema_version, subject, at } => {
                write!(f, "{event_type} v{schema_version} of {subject}, published at {at}, number {seq} of the log")
            }
            Self::Scheduled { event_type, schema_version, subject, due_at } => {
                write!(f, "{event_type} v{schema_version} of {subject}, to be published at {due_at}")
            }
            Self::NotInLog { open_transactions } => write!(
                f,
                "not in the log: never published, rolled back, or forgotten; or in one of {open_transactions} transactions that \
                 are still open"
            ),
        }
    }
}

fn version(row: &PgRow) -> Result<u16, sqlx::Error> {
    let number: i32 = row.try_get("schema_version")?;
    number.try_into().map_err(|_| sqlx::Error::Decode(format!("{number} is no schema version").into()))
}

/// When the id was made: the first 48 bits of a UUID version 7 are milliseconds since 1970 (RFC 9562, section 5.7).
fn time_of(event_id: EventId) -> OffsetDateTime {
    let millis = (event_id.as_uuid().as_u128() >> 80) as i64;
    // 48 bits reach to the year 10889, and `time` without its large dates to 9999
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
