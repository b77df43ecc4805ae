//! The option of the commands that work on a database.

use std::error::Error;

use clap::Args;
use eventwright::Schema;
use sqlx::{Connection, PgConnection, PgPool};

#[derive(Args)]
pub(crate) struct Database {
    /// postgres://user:password@host:port/database
    #[arg(long, env, hide_env_values = true, global = true)]
    database_url: Option<String>,

    /// The Postgres schema that holds the tables of the outbox
    #[arg(long, global = true, env = "EVENTWRIGHT_SCHEMA", default_value = "eventwright", value_parser = |name: &str| Schema::new(name))]
    pub(crate) schema: Schema,
}

impl Database {
    /// A pool of the database that was said.
    pub(crate) async fn connect(&self) -> Result<PgPool, Box<dyn Error>> {
        // no required argument: clap takes those only before a subcommand
        let url = self.database_url.as_deref().filter(|url| !url.is_empty());
        let url = url.ok_or("which database? Say --database-url, or set DATABASE_URL")?;
        connect(url, "--database-url (or DATABASE_URL)").await
    }
}

/// A pool, once it is sure that the database can be reached: by itself a pool tries for 30 seconds, and forgets why it failed. `by` is
/// what has said the URL.
pub(crate) async fn connect(url: &str, by: &str) -> Result<PgPool, Box<dyn Error>> {
    let connection = PgConnection::connect(url).await;
    let connection = connection.map_err(|error| format!("no connection by {by}: {error}"))?;
    connection.close().await?;
    Ok(PgPool::connect_lazy(url)?)
}
