//! Which dead letters are meant, and how to go on where a page of them ended.

use std::fmt;
use std::str::FromStr;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};
use time::OffsetDateTime;

use crate::payload::{EventId, Invalid};

/// Which dead letters are meant: those that meet all that was said, and all of them where nothing was said.
///
/// ```
/// use eventwright::DeadLetterFilter;
///
/// let refused = DeadLetterFilter::new().group("growth-greetings").event_type("lead.created").error("connection refused");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    pub(super) group: Option<String>,
    event_id: Option<EventId>,
    event_type: Option<String>,
    subject: Option<String>,
    tenant: Option<String>,
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    error: Option<String>,
}

impl DeadLetterFilter {
    /// All dead letters of all groups.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this group.
    #[must_use]
    pub fn group(self, name: impl Into<String>) -> Self {
        Self { group: Some(name.into()), ..self }
    }

    /// Of this event: one dead letter at most in each group.
    #[must_use]
    pub fn event(self, id: EventId) -> Self {
        Self { event_id: Some(id), ..self }
    }

    /// Of events of this type, in all versions.
    #[must_use]
    pub fn event_type(self, name: impl Into<String>) -> Self {
        Self { event_type: Some(name.into()), ..self }
    }

    /// Of events about this subject.
    #[must_use]
    pub fn subject(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// Of events of this tenant.
    #[must_use]
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// Given up at this time or later.
    #[must_use]
    pub fn since(self, time: OffsetDateTime) -> Self {
        Self { since: Some(time), ..self }
    }

    /// Given up before this time.
    #[must_use]
    pub fn until(self, time: OffsetDateTime) -> Self {
        Self { until: Some(time), ..self }
    }

    /// With this text in the error, whatever the case of its letters.
    #[must_use]
    pub fn error(self, text: impl Into<String>) -> Self {
        Self { error: Some(text.into()), ..self }
    }

    /// The same, and given up before this time, unless it says an earlier one.
    pub(super) fn at_the_latest(self, time: OffsetDateTime) -> Self {
        let until = self.until.map_or(time, |until| until.min(time));
        self.until(until)
    }

    /// The parameters of dead_letters.sql.
    pub(super) fn bind<'q>(
        &'q self,
        statement: AssertSqlSafe<std::borrow::Cow<'static, str>>,
        after: Option<&'q DeadLetterCursor>,
        limit: i64,
    ) -> Query<'q, Postgres, PgArguments> {
        // nothing was given up before 1970
        let beginning = (self.group.as_deref().unwrap_or_default(), OffsetDateTime::UNIX_EPOCH, 0);
        let (group, died_at, seq) = after.map_or(beginning, |at| (at.group.as_str(), at.died_at, at.seq));
        sqlx::query(statement)
            .bind(&self.group)
            .bind(self.event_id.map(|id| id.as_uuid()))
            .bind(&self.event_type)
            .bind(&self.subject)
            .bind(&self.tenant)
            .bind(self.since)
            .bind(self.until)
            .bind(&self.error)
            .bind(group)
            .bind(died_at)
            .bind(seq)
            .bind(limit)
    }
}

/// Where a page of dead letters ended. As text it can be kept, and parsed again.
///
/// ```
/// use eventwright::DeadLetterCursor;
///
/// let cursor: DeadLetterCursor = "1767225600000000.42.growth-funnel".parse()?;
/// assert_eq!(cursor.to_string(), "1767225600000000.42.growth-funnel");
/// assert!("yesterday".parse::<DeadLetterCursor>().is_err());
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterCursor {
    pub(super) group: String,
    pub(super) died_at: OffsetDateTime,
    pub(super) seq: i64,
}

impl fmt::Display for DeadLetterCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Postgres' times are whole microseconds
        let micros = self.died_at.unix_timestamp_nanos() / 1000;
        write!(f, "{micros}.{}.{}", self.seq, self.group)
    }
}

impl FromStr for DeadLetterCursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parse = || {
            let mut parts = text.splitn(3, '.');
            let micros: i64 = parts.next()?.parse().ok()?;
            let died_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()?;
            Some(Self { died_at, seq: parts.next()?.parse().ok()?, group: parts.next()?.to_owned() })
        };
        parse().ok_or_else(|| Invalid::new("is not where a page of dead letters ended"))
    }
}
