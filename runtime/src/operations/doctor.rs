//! What is wrong with a log and its groups, and what to do about it.

use std::time::Duration;

use sqlx::{PgPool, Row};
use time::OffsetDateTime;

use crate::migrate::{applied_version, known_version};
use crate::{Error, Groups, Schema};

const NUMBERING: &str = include_str!("../sql/doctor/numbering.sql");
const ISOLATION: &str = include_str!("../sql/doctor/isolation.sql");
const TRANSACTIONS: &str = include_str!("../sql/doctor/transactions.sql");

const OPEN_FOR: Duration = Duration::from_secs(15 * 60);
/// A group of another database tells the log at least every minute how far it is.
const SILENT_READER: &str = "1 hour";
/// Publishers stop where the last partition ends, so this many numbers before it.
const ROOM: i64 = 500_000;

/// Something about a log or its groups that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Whether it is to be mended, or only to be known.
    pub severity: Severity,
    /// Which check found it: a word that stays the same, for programs.
    pub check: &'static str,
    /// What there is.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody has wanted it so, or it will matter later.
    Note,
    /// Events are stuck or may be lost, or soon will be.
    Wrong,
}

/// Looks for what is wrong with the log and the groups of a database.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// for finding in eventwright::Doctor::new(pool).examine().await? {
///     println!("{}\n  {}", finding.what, finding.advice);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Doctor {
    pool: PgPool,
    schema: Schema,
    open_for: Duration,
}

impl Doctor {
    /// Looks at the schema `eventwright`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default(), open_for: OPEN_FOR }
    }

    /// Looks at another schema.
    #[must_use]
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// Names transactions that are open for longer than this. Default: 15 minutes.
    #[must_use]
    pub fn transactions_open_for(self, time: Duration) -> Self {
        Self { open_for: time, ..self }
    }

    /// What there is to know. Nothing found: nothing is wrong that can be seen in the database. Where the tables are not up to
    /// date, that alone is found.
    ///
    /// Changes nothing. Of other roles' sessions Postgres tells only those that are members of `pg_read_all_stats`.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn examine(&self) -> Result<Vec<Finding>, Error> {
        let migrations = self.migrations().await?;
        if !migrations.is_empty() {
            // the other checks ask tables that may not be there
            return Ok(migrations);
        }
        let mut findings = self.numbers().await?;
        findings.extend(self.cluster().await?);
        findings.extend(self.room().await?);
        findings.extend(self.isolation().await?);
        findings.extend(self.groups().await?);
        findings.extend(self.dead_letters().await?);
        findings.extend(self.unknown_versions().await?);
        findings.extend(self.suspects().await?);
        findings.extend(self.readers().await?);
        findings.extend(self.transactions().await?);
        Ok(findings)
    }
}

impl Finding {
    fn wrong(check: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, check, what: what.into(), advice: advice.into() }
    }

    fn note(check: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Note, check, what: what.into(), advice: advice.into() }
    }
}

impl Doctor {
    async fn migrations(&self) -> Result<Vec<Finding>, Error> {
        let (applied, known) = (applied_version(&self.pool, &self.schema).await?, known_version());
        let schema = self.schema.name();
        Ok(match applied {
            None => vec![Finding::wrong(
                "migrations",
                format!("there are no tables of eventwright in schema `{schema}`"),
                "run `eventwright migrate`",
            )],
            Some(applied) if applied < known => vec![Finding::wrong(
                "migrations",
                format!("the tables are at migration {applied}, and this version of eventwright needs {known}"),
                "run `eventwright migrate`: programs of the version before may go on running",
            )],
            Some(applied) if applied > known => vec![Finding::wrong(
                "migrations",
                format!("the tables are at migration {applied}, and this version of eventwright knows {known}"),
                "update this program",
            )],
            Some(_) => Vec::new(),
        })
    }

    /// Whether rows take their numbers as the order of the log needs it.
    async fn numbers(&self) -> Result<Vec<Finding>, Error> {
        let schema = self.schema.name();
        let (cache, increment, cycles): (i64, i64, bool) = sqlx::query_as(self.schema.sql(
            "SELECT seqcache, seqincrement, seqcycle FROM pg_sequence WHERE seqrelid = 'eventwright.outbox_seq'::regclass",
        ))
        .fetch_one(&self.pool)
        .await?;
        let mut findings = Vec::new();
        if (cache, increment, cycles) != (1, 1, false) {
            findings.push(Finding::wrong(
                "sequence",
                format!("the sequence {schema}.outbox_seq has CACHE {cache}, INCREMENT {increment}: groups pass over events that \
                         take lower numbers later, and lose them"),
                format!("ALTER SEQUENCE {schema}.outbox_seq CACHE 1 INCREMENT 1 NO CYCLE"),
            ));
        }
        // direct inserts into a partition use the partition's own default
        let changed: Vec<String> = sqlx::query_scalar(self.schema.sql(NUMBERING)).fetch_all(&self.pool).await?;
        if !changed.is_empty() {
            findings.push(Finding::wrong(
                "numbering",
                format!("the default of `seq` was changed in {}: rows may take their number before their transaction's id, and \
                         groups then lose them", changed.join(", ")),
                "give it the default that it has in the first migration, runtime/migrations/0001_log.sql",
            ));
        }
        Ok(findings)
    }

    async fn cluster(&self) -> Result<Vec<Finding>, Error> {
        let restored: bool =
            sqlx::query_scalar(self.schema.sql("SELECT eventwright.is_restored()")).fetch_one(&self.pool).await?;
        Ok(if restored {
            vec![Finding::wrong(
                "cluster",
                "the database was restored from a dump, and its groups refuse to run: the transaction ids in the log are those of \
                 where the dump was taken",
                "run `eventwright rebase`",
            )]
        } else {
            Vec::new()
        })
    }

    async fn room(&self) -> Result<Vec<Finding>, Error> {
        let room: Option<i64> = sqlx::query_scalar(
            self.schema
                .sql("SELECT max(p.upper) - max(s.last_value) FROM eventwright.partitions p, eventwright.outbox_seq s"),
        )
        .fetch_one(&self.pool)
        .await?;
        let room = room.unwrap_or(0).max(0);
        Ok(if room >= ROOM {
            Vec::new()
        } else {
            vec![Finding::wrong(
                "partitions",
                format!("the log has room for {room} more events; then publishing fails"),
                "run `eventwright migrate`, which makes partitions; running subscribers make them, too, so look why they did not",
            )]
        })
    }

    async fn isolation(&self) -> Result<Vec<Finding>, Error> {
        let set: Vec<(Option<String>, String)> = sqlx::query_as(ISOLATION).fetch_all(&self.pool).await?;
        let here: String =
            sqlx::query_scalar("SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_isolation'")
                .fetch_one(&self.pool)
                .await?;
        let advice = "set default_transaction_isolation to `read committed` for the roles of subscribers, or they refuse to read the \
                      log; publishers may have any";
        let mut findings: Vec<Finding> = set
            .into_iter()
            .map(|(role, setting)| {
                let role = role.map_or_else(|| "all roles".to_owned(), |role| format!("role {role}"));
                Finding::note("isolation", format!("{role}: {setting}"), advice)
            })
            .collect();
        if findings.is_empty() && here != "read committed" {
            findings.push(Finding::note("isolation", format!("default_transaction_isolation is {here}"), advice));
        }
        Ok(findings)
    }

    async fn groups(&self) -> Result<Vec<Finding>, Error> {
        let warn_after: Option<f64> = sqlx::query_scalar(
            self.schema.sql("SELECT extract(epoch FROM warn_after)::double precision FROM eventwright.settings"),
        )
        .fetch_one(&self.pool)
        .await?;
        let mut findings = Vec::new();
        for group in Groups::new(self.pool.clone()).schema(self.schema.clone()).list().await? {
            let name = group.home.as_ref().map_or_else(|| group.name.clone(), |home| format!("{home}/{}", group.name));
            if let Some(since) = group.detached_at {
                findings.push(Finding::note(
                    "detached",
                    format!("group `{name}` is detached since {since}: the log may forget what it has not handled"),
                    "attach it again, or let it go for good by deleting its row",
                ));
                continue;
            }
            if let Some(since) = group.paused_at {
                findings.push(Finding::note(
                    "paused",
                    format!("group `{name}` is paused since {since}, and the log keeps all that it has not handled"),
                    format!("`eventwright groups resume {name}`"),
                ));
            }
            let late = group.lag.zip(warn_after).filter(|(lag, warn_after)| lag.time.as_secs_f64() > *warn_after);
            if let Some((lag, _)) = late {
                findings.push(Finding::wrong(
                    "lag",
                    format!(
                        "group `{name}` is {} hours behind, {} numbers of the log",
                        lag.time.as_secs() / 3600,
                        lag.events
                    ),
                    "see that its subscribers run, and whether they log errors; more ranges and workers make it faster",
                ));
            }
        }
        Ok(findings)
    }

    async fn dead_letters(&self) -> Result<Vec<Finding>, Error> {
        let rows: Vec<(String, i64, i64, OffsetDateTime)> = sqlx::query_as(self.schema.sql(
            "SELECT group_name, count(*), count(DISTINCT subject), min(died_at)
               FROM eventwright.held WHERE reason = 'dead' GROUP BY group_name ORDER BY group_name",
        ))
        .fetch_all(&self.pool)
        .await?;
        let finding = |(group, letters, subjects, since): (String, i64, i64, OffsetDateTime)| {
            Finding::wrong(
                "dead-letters",
                format!(
                    "group `{group}` has {letters} dead letters, the first since {since}, which keep the later events of {subjects} \
                         subjects waiting"
                ),
                format!("`eventwright dead-letters list --group {group}`, then redrive or discard them"),
            )
        };
        Ok(rows.into_iter().map(finding).collect())
    }

    async fn unknown_versions(&self) -> Result<Vec<Finding>, Error> {
        let rows: Vec<(String, String, i32, i64, OffsetDateTime)> = sqlx::query_as(self.schema.sql(
            "SELECT group_name, event_type, schema_version, count(*), min(held_at)
               FROM eventwright.held WHERE reason = 'unknown' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        ))
        .fetch_all(&self.pool)
        .await?;
        let finding = |(group, event_type, version, count, since): (String, String, i32, i64, OffsetDateTime)| {
            Finding::wrong(
                "unknown-version",
                format!(
                    "group `{group}` holds {count} events {event_type} v{version} back since {since}: no worker knows them"
                ),
                format!("deploy a subscriber of `{group}` that handles {event_type} v{version}"),
            )
        };
        Ok(rows.into_iter().map(finding).collect())
    }

    /// Who takes processes down.
    async fn suspects(&self) -> Result<Vec<Finding>, Error> {
        let rows: Vec<(String, i64, i32)> = sqlx::query_as(
            self.schema.sql("SELECT group_name, first_seq, attempts FROM eventwright.begun WHERE suspect AND attempts > 0 ORDER BY 1, 2"),
        )
        .fetch_all(&self.pool)
        .await?;
        let finding = |(group, seq, attempts): (String, i64, i32)| {
            Finding::wrong(
                "suspect",
                format!("{attempts} processes of group `{group}` ended while they handled number {seq} of the log"),
                format!(
                    "look for the end of these processes in their logs (memory, abort, a kill), and at the event: \
                         SELECT event_id, event_type FROM {}.outbox WHERE seq = {seq}; after the last attempt it is a dead letter",
                    self.schema.name()
                ),
            )
        };
        Ok(rows.into_iter().map(finding).collect())
    }

    async fn readers(&self) -> Result<Vec<Finding>, Error> {
        let rows: Vec<(String, String, OffsetDateTime)> = sqlx::query_as(self.schema.sql(
            "SELECT home, group_name, seen_at FROM eventwright.readers
              WHERE detached_at IS NULL AND seen_at < clock_timestamp() - $1::text::interval ORDER BY 1, 2",
        ))
        .bind(SILENT_READER)
        .fetch_all(&self.pool)
        .await?;
        let finding = |(home, group, seen): (String, String, OffsetDateTime)| {
            Finding::wrong(
                "silent-reader",
                format!(
                    "nothing is heard of group `{group}` in database {home} since {seen}, and the log waits for it"
                ),
                format!("see that its subscribers run; or `eventwright groups detach {group} --home {home}`"),
            )
        };
        Ok(rows.into_iter().map(finding).collect())
    }

    async fn transactions(&self) -> Result<Vec<Finding>, Error> {
        let rows = sqlx::query(TRANSACTIONS).bind(self.open_for.as_secs_f64()).fetch_all(&self.pool).await?;
        let finding = |row: &sqlx::postgres::PgRow| -> Result<Finding, sqlx::Error> {
            let (name, since, mend): (String, OffsetDateTime, String) =
                (row.try_get("name")?, row.try_get("since")?, row.try_get("mend")?);
            Ok(Finding::wrong(
                "transaction",
                format!(
                    "{name} is open since {since}: it holds back what it has published, and what of the log could be removed"
                ),
                format!("find out whose it is and why it does not end; as a last resort {mend}"),
            ))
        };
        Ok(rows.iter().map(finding).collect::<Result<_, _>>()?)
    }
}
