//! The log as a whole.

use sqlx::{PgPool, Row};
use time::OffsetDateTime;

use crate::{Error, Schema};

const STATUS: &str = include_str!("../sql/log_status.sql");

/// How the log of a database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStatus {
    /// The last number that was given out; of a transaction that is still open, perhaps, or that was rolled back.
    pub last_seq: i64,
    /// How many partitions there are.
    pub partitions: u32,
    /// For how many more events there is room. Subscribers make more of it in time.
    pub room: u64,
    /// How many windows are kept.
    pub windows: u64,
    /// When the window was opened at which the last of the attached groups stands; `None`: all stand at the newest.
    pub oldest_window_at: Option<OffsetDateTime>,
}

impl LogStatus {
    /// Asks the database.
    ///
    /// ```no_run
    /// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
    /// let status = eventwright::LogStatus::of(&pool, &eventwright::Schema::default()).await?;
    /// println!("{} events published, room for {}", status.last_seq, status.room);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn of(pool: &PgPool, schema: &Schema) -> Result<Self, Error> {
        let row = sqlx::query(schema.sql(STATUS)).fetch_one(pool).await?;
        let count = |column: &str| {
            Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.unwrap_or(0).max(0).unsigned_abs())
        };
        Ok(Self {
            last_seq: row.try_get("last_seq")?,
            partitions: count("partitions")?.try_into().unwrap_or(u32::MAX),
            room: count("room")?,
            windows: count("windows")?,
            oldest_window_at: row.try_get("oldest_window_at")?,
        })
    }
}
