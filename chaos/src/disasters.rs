//! The log goes back in time: a standby takes over that lagged behind, or a dump is restored. What was committed since is lost, and not
//! by us.

use std::collections::HashSet;
use std::time::Duration;

use eventwright::Rebase;
use fastrand::Rng;
use sqlx::postgres::PgPoolOptions;
use sqlx::types::Uuid;
use sqlx::{PgConnection, PgPool};

use crate::Result;
use crate::cluster::Cluster;
use crate::contract::now;
use crate::world::{GROUPS, LOG_SETTINGS, World};

/// From when to when there was no log.
pub(crate) struct Gone {
    pub(crate) at: i64,
    pub(crate) back_at: Option<i64>,
}

impl World {
    pub(crate) async fn fail_over(&mut self, rng: &mut Rng) -> Result<Gone> {
        let mut standby = self.log.make_standby().await?;
        self.tended(Duration::from_millis(rng.u64(500..2000))).await?;
        standby.cut_off().await?;
        self.tended(Duration::from_millis(rng.u64(0..1500))).await?;
        let at = now();
        self.log.crash()?;
        self.log.give_way_to(&mut standby).await?;
        standby.promote().await?;
        let before = std::mem::replace(&mut self.log, standby);
        self.rebase_far().await?;
        let back_at = Some(now());
        self.find_lost(before).await?;
        Ok(Gone { at, back_at })
    }

    pub(crate) async fn restore_dump(&mut self, rng: &mut Rng) -> Result<Gone> {
        let mut other = self.log.make_another(LOG_SETTINGS).await?;
        let dump = self.log.file("dump");
        self.log.dump(&dump).await?;
        self.tended(Duration::from_millis(rng.u64(0..1500))).await?;
        let at = now();
        self.log.crash()?;
        // where nobody publishes before all is there
        other.restore(&dump).await?;
        self.log.give_way_to(&mut other).await?;
        let before = std::mem::replace(&mut self.log, other);
        let log = as_app(&self.log).await?;
        let rebased = Rebase::new(log.clone()).database().await?;
        println!("{rebased:?}");
        log.close().await;
        self.rebase_far().await?;
        let back_at = Some(now());
        self.find_lost(before).await?;
        Ok(Gone { at, back_at })
    }

    /// The group whose tables are in another cluster goes back with its log.
    async fn rebase_far(&self) -> Result {
        let (home, log) = (as_app(&self.home).await?, as_app(&self.log).await?);
        let rebased = Rebase::new(home.clone()).group(GROUPS[1], &log).await?;
        println!("{rebased:?}");
        home.close().await;
        log.close().await;
        Ok(())
    }

    /// What had been committed to the log that is no more.
    async fn find_lost(&mut self, mut before: Cluster) -> Result {
        before.start().await?;
        let had = booked(&mut before.connect().await?).await?;
        let has = booked(&mut self.log.connect().await?).await?;
        let lost: Vec<Uuid> = had.difference(&has).copied().collect();
        println!("{} bookings were lost", lost.len());
        self.lost.extend(lost);
        Ok(())
    }
}

async fn as_app(cluster: &Cluster) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(2).connect_with(cluster.as_superuser().username("app")).await?)
}

async fn booked(db: &mut PgConnection) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM bookings").fetch_all(db).await?;
    Ok(ids.into_iter().collect())
}
