//! What goes wrong.

use std::time::Duration;

use fastrand::Rng;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::sleep;

use crate::Result;
use crate::cluster::Cluster;
use crate::contract::now;
use crate::disasters::Gone;
use crate::process::{Process, Role};
use crate::proxy::Network;
use crate::world::World;

/// How long a worker is silent: longer than it may take until others take its work over.
const SILENT: Duration = Duration::from_secs(35);
pub(crate) const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    WorkerKilled,
    PublisherKilled,
    /// Postgres with the log and the first group's tables.
    LogCrashed,
    /// Postgres with the second group's tables.
    HomeCrashed,
    BackendsTerminated,
    NetworkCut,
    /// Nothing comes through, and nobody is told.
    NetworkSilent,
    /// A process that the system does not let run for a while.
    WorkerFrozen,
    ConnectionsExhausted,
    ClockJumped,
    /// A standby takes over that lagged behind.
    LogFailedOver,
    /// The log is restored from a dump, in another cluster.
    LogRestored,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::WorkerKilled,
        Self::PublisherKilled,
        Self::LogCrashed,
        Self::HomeCrashed,
        Self::BackendsTerminated,
        Self::NetworkCut,
        Self::NetworkSilent,
        Self::WorkerFrozen,
        Self::ConnectionsExhausted,
        Self::ClockJumped,
        Self::LogFailedOver,
        Self::LogRestored,
    ];

    /// Why it can't be done to this cluster, if it can't.
    pub(crate) fn is_left_out(self, cluster: &Cluster) -> Option<String> {
        let programs: &[&str] = match self {
            Self::ClockJumped if !cluster.has_a_clock_that_jumps() => {
                return Some("there is no libfaketime (apt-get install faketime)".into());
            }
            Self::LogFailedOver => &["pg_basebackup"],
            Self::LogRestored => &["pg_dump", "pg_restore"],
            _ => &[],
        };
        cluster.lacks(programs).map(|program| format!("there is no {program} beside this Postgres"))
    }

    /// Whether it is the one from which others have to take over.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::NetworkSilent | Self::WorkerFrozen)
    }
}

/// A fault that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) fault: Fault,
    pub(crate) at: i64,
    /// When the database was there again that it took away.
    pub(crate) back_at: Option<i64>,
    /// The group whose worker it was; none: it was everybody's.
    pub(crate) group: Option<usize>,
}

impl World {
    /// Does it, and undoes what is to be undone, but the recovery.
    pub(crate) async fn suffer(&mut self, fault: Fault, rng: &mut Rng) -> Result<Happened> {
        let mut at = now();
        let mut back_at = None;
        let mut group = None;
        match fault {
            Fault::WorkerKilled => group = self.kill(rng, |role| role != Role::Publisher).await?,
            Fault::PublisherKilled => group = self.kill(rng, |role| role == Role::Publisher).await?,
            Fault::LogCrashed => back_at = Some(crash(&mut self.log, rng).await?),
            Fault::HomeCrashed => {
                group = Some(1);
                back_at = Some(crash(&mut self.home, rng).await?);
            }
            Fault::BackendsTerminated => {
                for cluster in [&self.log, &self.home] {
                    terminate(&mut cluster.connect().await?, rng).await?;
                }
            }
            Fault::NetworkCut => {
                let at = self.any(rng, |_| true);
                self.processes[at].network(Network::Cuts);
                self.tended(Duration::from_millis(rng.u64(0..1500))).await?;
                self.processes[at].network(Network::Passes);
            }
            Fault::NetworkSilent => {
                let at = self.any(rng, |role| role != Role::Publisher);
                group = self.processes[at].group();
                self.processes[at].network(Network::Swallows);
                self.tended(SILENT).await?;
                // what it said in between arrives now, from one who was taken for dead
                self.processes[at].network(Network::Passes);
            }
            Fault::WorkerFrozen => {
                let at = self.any(rng, |role| role != Role::Publisher);
                group = self.processes[at].group();
                self.processes[at].signal("STOP")?;
                self.tended(SILENT).await?;
                self.processes[at].signal("CONT")?;
            }
            Fault::ConnectionsExhausted => {
                let hoarded = self.hoard().await;
                self.tended(Duration::from_secs(4)).await?;
                drop(hoarded);
            }
            Fault::ClockJumped => {
                let seconds = if rng.bool() { 20 } else { -20 };
                self.log.set_clock(seconds)?;
                self.tended(Duration::from_secs(5)).await?;
                self.log.set_clock(0)?;
            }
            Fault::LogFailedOver => Gone { at, back_at } = self.fail_over(rng).await?,
            Fault::LogRestored => Gone { at, back_at } = self.restore_dump(rng).await?,
        }
        Ok(Happened { fault, at, back_at, group })
    }

    /// The number of one of the processes of a role.
    fn any(&self, rng: &mut Rng, wanted: impl Fn(Role) -> bool) -> usize {
        let of: Vec<usize> = (0..self.processes.len()).filter(|at| wanted(self.processes[*at].role)).collect();
        of[rng.usize(..of.len())]
    }

    async fn kill(&mut self, rng: &mut Rng, wanted: impl Fn(Role) -> bool) -> Result<Option<usize>> {
        let wait = Duration::from_millis(rng.u64(0..1000));
        let at = self.any(rng, wanted);
        self.processes[at].kill()?;
        self.tended(wait).await?;
        self.processes[at].restart()?;
        Ok(self.processes[at].group())
    }

    /// Takes all connections that the log's server gives to anybody.
    async fn hoard(&self) -> Vec<PgConnection> {
        let options = sqlx::postgres::PgConnectOptions::new().host("127.0.0.1").port(self.log.port());
        let options = options.username("app").database("chaos");
        let mut hoarded = Vec::new();
        while let Ok(connection) = options.connect().await {
            hoarded.push(connection);
        }
        // those who hold one lose it, and have to wait for another
        if let Ok(mut db) = self.log.connect().await {
            let others =
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND pid <> ALL ($1)";
            let mut own: Vec<i32> = Vec::new();
            for connection in &mut hoarded {
                own.extend(sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()").fetch_one(connection).await);
            }
            let _ = sqlx::query(others).bind(own).execute(&mut db).await;
            while let Ok(connection) = options.connect().await {
                hoarded.push(connection);
            }
            let _ = db.close().await;
        }
        hoarded
    }
}

impl Process {
    fn group(&self) -> Option<usize> {
        match self.role {
            Role::Worker(group) => Some(group),
            Role::Publisher => None,
        }
    }
}

/// Returns when it was there again.
async fn crash(cluster: &mut Cluster, rng: &mut Rng) -> Result<i64> {
    cluster.crash()?;
    sleep(Duration::from_millis(rng.u64(0..2000))).await;
    cluster.start().await?;
    Ok(now())
}

/// Each third session or so.
async fn terminate(db: &mut PgConnection, rng: &mut Rng) -> Result {
    let pids: Vec<i32> =
        sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE usename = 'app'").fetch_all(&mut *db).await?;
    let doomed: Vec<i32> = pids.into_iter().filter(|_| rng.u8(..3) == 0).collect();
    sqlx::query("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid").bind(doomed).execute(db).await?;
    Ok(())
}
