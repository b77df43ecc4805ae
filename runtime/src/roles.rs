//! Database roles with the least privileges.

use std::fmt::Display;

use sqlx::PgPool;

use crate::migrate::give_way;
use crate::release::BEGIN;
use crate::to_the_end::to_the_end;
use crate::{Error, Schema};

const GRANT_PRODUCER: &str = "SELECT eventwright.grant_producer($1::text::name, $2, $3)";
const GRANT_CONSUMER: &str = "SELECT eventwright.grant_consumer($1::text::name, $2, $3)";

/// Roles that may only publish what their domain owns, and only read what it subscribes to.
///
/// Run it as the owner of the tables, at every change of the registry; `eventwright roles` does it from the registry's file.
///
/// ```no_run
/// # use eventwright::{Domain, Incoming, Kind, Roles};
/// # struct Sales; impl Domain for Sales { const NAME: &'static str = "sales"; }
/// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
/// # async fn example<GrowthEvent: Incoming>(pool: sqlx::PgPool) -> Result<(), eventwright::Error> {
/// Roles::new(pool)
///     .producer("app_sales", Sales::NAME, ["lead.created", "lead.reached"])
///     .consumer("app_growth", Growth::NAME, GrowthEvent::KINDS.iter().map(|kind| kind.event_type))
///     .create()
///     .await
/// # }
/// ```
///
/// # What is promised
/// - A producer inserts events of these types with its domain as their source. It can't read, change or delete any, nor choose a
///   sequence number or a transaction id.
/// - A consumer reads events of these types, and moves its domain's groups alone.
/// - Row-level security on the tables binds all but their owner from the first role on. Before it, nothing changes; with it, users
///   that were granted rights by hand lose them, so give them a role, too.
/// - Roles that are missing are made without a login: `GRANT app_sales TO …`, or `ALTER ROLE app_sales LOGIN`.
///
/// Dead letters, and removing old events, are the owner's.
#[derive(Debug, Clone)]
#[must_use = "no role is made before `create`"]
pub struct Roles {
    pool: PgPool,
    schema: Schema,
    grants: Vec<Grant>,
}

#[derive(Debug, Clone)]
struct Grant {
    statement: &'static str,
    role: String,
    domain: String,
    event_types: Vec<String>,
}

impl Roles {
    /// For the log in the schema `eventwright`.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default(), grants: Vec::new() }
    }

    /// For the log in another schema.
    pub fn schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// Adds the right to publish the event types that a domain owns.
    pub fn producer(
        self,
        role: impl Into<String>,
        domain: impl Into<String>,
        event_types: impl IntoIterator<Item = impl Display>,
    ) -> Self {
        self.grant(GRANT_PRODUCER, role.into(), domain.into(), event_types)
    }

    /// Adds the right to run a domain's groups, and to read the event types that it subscribes to. One that publishes in its handlers
    /// is a [`producer`](Self::producer), too.
    pub fn consumer(
        self,
        role: impl Into<String>,
        domain: impl Into<String>,
        event_types: impl IntoIterator<Item = impl Display>,
    ) -> Self {
        self.grant(GRANT_CONSUMER, role.into(), domain.into(), event_types)
    }

    /// The statements that [`create`](Self::create) runs, each a transaction of its own, to be run with psql.
    #[must_use]
    pub fn sql(&self) -> String {
        self.grants.iter().map(|grant| grant.sql(&self.schema)).collect()
    }

    /// Makes the roles and sets their rights, those that a role had before included.
    ///
    /// A moment's lock on each table is needed. Where a transaction is in the way it gives way and tries again, for a minute or
    /// two, so that nobody waits long behind it.
    ///
    /// # Errors
    /// Where the database refuses: the user does not own the tables or may not create roles, or the role is another domain's. The roles
    /// before the one that was refused have their rights.
    ///
    /// # Cancellation
    /// Dropping the future lets it come to its end in the background.
    pub async fn create(self) -> Result<(), Error> {
        to_the_end(async move {
            for grant in &self.grants {
                give_way(|| grant.clone().run(self.pool.clone(), self.schema.clone())).await?;
            }
            Ok(())
        })
        .await
    }

    fn grant(
        mut self,
        statement: &'static str,
        role: String,
        domain: String,
        event_types: impl IntoIterator<Item = impl Display>,
    ) -> Self {
        let mut event_types: Vec<String> = event_types.into_iter().map(|event_type| event_type.to_string()).collect();
        // a type of several versions is one
        event_types.sort();
        event_types.dedup();
        self.grants.push(Grant { statement, role, domain, event_types });
        self
    }
}

impl Grant {
    async fn run(self, pool: PgPool, schema: Schema) -> Result<(), Error> {
        let mut tx = pool.begin_with(BEGIN).await?;
        sqlx::query(schema.sql(self.statement))
            .bind(&self.role)
            .bind(&self.domain)
            .bind(&self.event_types)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    fn sql(&self, schema: &Schema) -> String {
        let types: Vec<String> = self.event_types.iter().map(|event_type| literal(event_type)).collect();
        let function = if self.statement == GRANT_PRODUCER { "grant_producer" } else { "grant_consumer" };
        let (role, domain) = (literal(&self.role), literal(&self.domain));
        format!("SELECT {}.{function}({role}, {domain}, ARRAY[{}]::text[]);\n", schema.name(), types.join(", "))
    }
}

/// A string constant, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}
