//! A process that books to accounts, and publishes that it did.

use std::time::Duration;

use clap::Args;
use fastrand::Rng;
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::contract::{Bank, Booked, now};
use crate::life::Life;

/// Longer than a transaction takes: the other side is gone.
const NO_ANSWER: Duration = Duration::from_secs(10);

/// Book and publish until standard input ends
#[derive(Args)]
pub(crate) struct Publisher {
    #[arg(long)]
    url: String,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    accounts: u32,
    /// Transactions in a second, at most
    #[arg(long)]
    rate: u32,
}

impl Publisher {
    pub(crate) async fn run(self) -> Result {
        let life = Life::of_input();
        let mut rng = Rng::with_seed(self.seed);
        while !life.is_over() {
            if let Err(error) = self.session(&life, &mut rng).await {
                eprintln!("publisher {}: {error}", self.seed);
                sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    async fn session(&self, life: &Life, rng: &mut Rng) -> Result {
        let mut db = timeout(NO_ANSWER, PgConnection::connect(&self.url)).await??;
        let pause = Duration::from_secs(1) / self.rate.max(1);
        while !life.is_over() {
            timeout(NO_ANSWER, self.transaction(&mut db, rng)).await??;
            sleep(pause).await;
        }
        Ok(())
    }

    /// What is booked and what is published commit together. So an event is to be handled if and only if its booking is there.
    async fn transaction(&self, db: &mut PgConnection, rng: &mut Rng) -> Result {
        let mut tx = db.begin().await?;
        let how_many = if rng.u8(..5) == 0 { 2 } else { 1 };
        let mut accounts = rng.choose_multiple(0..self.accounts, how_many);
        accounts.sort_unstable(); // all lock in one order, or they would deadlock
        for account in accounts {
            book(&mut tx, &format!("a{account}")).await?;
            if rng.u8(..10) == 0 {
                let mut undone = tx.begin().await?;
                book(&mut undone, &format!("a{account}")).await?;
                undone.rollback().await?;
            }
        }
        if rng.u8(..50) == 0 {
            sleep(Duration::from_millis(rng.u64(..300))).await;
        }
        if rng.u8(..20) == 0 {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        Ok(())
    }
}

async fn book(tx: &mut PgConnection, account: &str) -> Result {
    let n: i64 = sqlx::query_scalar("UPDATE accounts SET n = n + 1 WHERE id = $1 RETURNING n")
        .bind(account)
        .fetch_one(&mut *tx)
        .await?;
    let event = Booked::builder().account(account).n(n).build();
    let published = eventwright::Publisher::<Bank>::new().publish(tx, event).await?;
    sqlx::query("INSERT INTO bookings (event_id, account, n, booked_at) VALUES ($1, $2, $3, $4)")
        .bind(published.event_id.as_uuid())
        .bind(account)
        .bind(n)
        .bind(now())
        .execute(tx)
        .await?;
    Ok(())
}
