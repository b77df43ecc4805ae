//! `eventwright roles`: a database role for a domain, from the registry.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use eventwright::Roles as Grants;
use eventwright_codegen::registry::Registry;
use sqlx::PgPool;

use crate::{Outcome, database::Database};

/// Let a database role publish and read what the registry says of a domain, and nothing else
///
/// Run it as the owner of the tables, and again when the registry changes. The role is made where it is missing, without a login.
#[derive(Args)]
pub(crate) struct Roles {
    #[command(flatten)]
    database: Database,

    /// The event-types registry
    #[arg(long, value_name = "FILE")]
    registry: PathBuf,

    /// The domain, as the registry names it
    #[arg(long)]
    domain: String,

    /// The database role
    #[arg(long)]
    role: String,

    /// Show the statements, and run nothing
    #[arg(long)]
    print: bool,
}

impl Roles {
    pub(crate) fn run(self) -> Outcome {
        let rights = self.rights()?;
        crate::block_on(async {
            if self.print {
                // never connects
                print!("{}", self.grants(PgPool::connect_lazy("postgres://localhost")?, &rights).sql());
                return Ok(ExitCode::SUCCESS);
            }
            let pool = self.database.connect().await?;
            self.grants(pool.clone(), &rights).create().await?;
            pool.close().await;
            println!("{} may publish {} and read {}", self.role, names(&rights.owns), names(&rights.reads));
            Ok(ExitCode::SUCCESS)
        })
    }

    fn grants(&self, pool: PgPool, rights: &Rights) -> Grants {
        let grants = Grants::new(pool).consumer(&self.role, &self.domain, &rights.reads);
        grants.producer(&self.role, &self.domain, &rights.owns)
    }

    fn rights(&self) -> Result<Rights, Box<dyn std::error::Error>> {
        let file = self.registry.display();
        let text = std::fs::read_to_string(&self.registry).map_err(|error| format!("{file}: {error}"))?;
        let registry: Registry = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
        if !registry.domains.contains_key(&self.domain) {
            let known: Vec<String> = registry.domains.into_keys().collect();
            return Err(format!("{file} has no domain `{}`: it has {}", self.domain, names(&known)).into());
        }
        let mut rights = Rights { owns: Vec::new(), reads: Vec::new() };
        for event_type in registry.event_types {
            if event_type.subscribers.contains(&self.domain) {
                rights.reads.push(event_type.event_type.clone());
            }
            if event_type.owner == self.domain {
                rights.owns.push(event_type.event_type);
            }
        }
        Ok(rights)
    }
}

struct Rights {
    owns: Vec<String>,
    reads: Vec<String>,
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
