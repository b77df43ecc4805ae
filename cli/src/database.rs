//! The option of the commands that work on a database.

use std::error::Error;

use clap::Args;
use eventwright::Schema;
use sqlx::{Connection, PgConnection, PgPool};

#[derive(Args)]
pub(crate) struct Database {
    /// postgres://user:password@host:port/database
    #[arg(long, env, hide_env_values = true)]
    database_url: String,

    /// The Postgres schema that holds the tables of the outbox
    #[arg(long, env = "EVENTWRIGHT_SCHEMA", default_value = "eventwright", value_parser = |name: &str| Schema::new(name))]
    pub(crate) schema: Schema,
}

impl Database {
    /// A pool, once it is sure that the database can be reached: by itself a pool tries for 30 seconds, and forgets why it
    /// failed.
    pub(crate) async fn connect(&self) -> Result<PgPool, Box<dyn Error>> {
        let connection = PgConnection::connect(&self.database_url).await;
        let connection =
            connection.map_err(|error| format!("no connection by --database-url (or DATABASE_URL): {error}"))?;
        connection.close().await?;
        Ok(PgPool::connect_lazy(&self.database_url)?)
    }
}
