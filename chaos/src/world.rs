//! Clusters, and the processes that publish into them and handle what comes.

use std::collections::HashSet;
use std::time::Duration;

use fastrand::Rng;
use sqlx::PgConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::types::Uuid;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::Result;
use crate::cluster::{Binaries, Cluster};
use crate::process::{Process, Role};
use crate::proxy::Proxy;

/// The first has its tables beside the log, the second in another cluster.
pub(crate) const GROUPS: [&str; 2] = ["near", "far"];
const WORKERS_OF_EACH: usize = 2;
const PUBLISHERS: u32 = 3;
const ACCOUNTS: u32 = 40;

/// Few connections, so that all of them can be taken; everything that is committed is on disk.
pub(crate) const LOG_SETTINGS: &str = "max_connections = 70\nmax_prepared_transactions = 30";
const HOME_SETTINGS: &str = "max_connections = 70";

const TABLES: &str = "CREATE TABLE accounts (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
    CREATE TABLE bookings (event_id uuid PRIMARY KEY, account text NOT NULL, n bigint NOT NULL, booked_at bigint NOT NULL);
    CREATE TABLE effects (k bigserial PRIMARY KEY, grp text NOT NULL, event_id text NOT NULL, account text NOT NULL,
                          n bigint NOT NULL, handled_at bigint NOT NULL)";

pub(crate) struct World {
    pub(crate) log: Cluster,
    pub(crate) home: Cluster,
    pub(crate) processes: Vec<Process>,
    /// What was booked and is no more, since the log has gone back in time; some of it may be committed again, if it was prepared.
    pub(crate) lost: HashSet<Uuid>,
    /// What the processes say.
    _said: TempDir,
}

impl World {
    /// `rate`: transactions in a second, of all publishers together.
    pub(crate) async fn make(rate: u32, with_batches: bool, rng: &mut Rng) -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(Binaries::find).await??;
        let log = Cluster::make(&binaries, LOG_SETTINGS).await?;
        let home = Cluster::make(&binaries, HOME_SETTINGS).await?;
        for cluster in [&log, &home] {
            let app = cluster.as_superuser().username("app");
            let pool = PgPoolOptions::new().max_connections(2).connect_with(app).await?;
            eventwright::migrate(&pool).await?;
            sqlx::raw_sql(TABLES).execute(&pool).await?;
            sqlx::query("INSERT INTO accounts SELECT 'a' || g FROM generate_series(0, $1 - 1) g")
                .bind(i32::try_from(ACCOUNTS)?)
                .execute(&pool)
                .await?;
            pool.close().await;
        }
        let mut processes = Vec::new();
        let said = tempfile::Builder::new().prefix("chaos.said.").tempdir()?;
        for number in 0..PUBLISHERS {
            let network = Proxy::to(log.port()).await?;
            let arguments = words([
                ("--url", network.url()),
                ("--seed", rng.u64(..).to_string()),
                ("--accounts", ACCOUNTS.to_string()),
                ("--rate", (rate / PUBLISHERS).to_string()),
            ]);
            let mut arguments = [vec!["publisher".into()], arguments].concat();
            if with_batches {
                arguments.push("--batches".into());
            }
            let said = said.path().join(format!("publisher {number}"));
            processes.push(Process::start(Role::Publisher, arguments, vec![network], said)?);
        }
        for (number, group) in GROUPS.iter().enumerate() {
            for of_group in 0..WORKERS_OF_EACH {
                let to_log = Proxy::to(log.port()).await?;
                let mut arguments = vec!["worker".into()];
                arguments.extend(words([
                    ("--group", (*group).into()),
                    ("--fails", "500".into()),
                    ("--aborts", "4000".into()),
                ]));
                let networks = if number == 0 {
                    arguments.extend(words([("--url", to_log.url())]));
                    vec![to_log]
                } else {
                    let to_home = Proxy::to(home.port()).await?;
                    arguments.extend(words([("--url", to_home.url()), ("--log", to_log.url())]));
                    vec![to_home, to_log]
                };
                let said = said.path().join(format!("{group} {of_group}"));
                processes.push(Process::start(Role::Worker(number), arguments, networks, said)?);
            }
        }
        Ok(Self { log, home, processes, lost: HashSet::new(), _said: said })
    }

    /// Lets time pass, and starts processes again that ended by themselves.
    pub(crate) async fn tended(&mut self, time: Duration) -> Result {
        let begun = Instant::now();
        while begun.elapsed() < time {
            for process in &mut self.processes {
                process.tend()?;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

fn words<const N: usize>(pairs: [(&str, String); N]) -> Vec<String> {
    pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

pub(crate) async fn count(db: &mut PgConnection, query: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(query).fetch_one(db).await?)
}
