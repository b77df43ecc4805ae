//! A process that books to accounts, and publishes that it did.

use std::time::Duration;

use clap::Args;
use fastrand::Rng;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::contract::{Bank, Booked, now};
use crate::life::Life;

/// Longer than a transaction takes: the other side is gone.
const NO_ANSWER: Duration = Duration::from_secs(10);

const MOST_OF_A_BATCH: usize = 30;

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
    /// Several events in one of four transactions: then there are some four times as many
    #[arg(long)]
    batches: bool,
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
        timeout(NO_ANSWER, decide(&mut db, "2 seconds")).await??;
        let pause = Duration::from_secs(1) / self.rate.max(1);
        while !life.is_over() {
            let one = async {
                match rng.u8(..15) {
                    0 => self.prepared_transaction(&mut db, rng).await,
                    1..=4 if self.batches => self.batch(&mut db, rng).await,
                    _ => self.transaction(&mut db, rng).await,
                }
            };
            timeout(NO_ANSWER, one).await??;
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
            book(&mut tx, &format!("a{account}"), true).await?;
            if rng.u8(..10) == 0 {
                let mut undone = tx.begin().await?;
                book(&mut undone, &format!("a{account}"), true).await?;
                undone.rollback().await?;
            }
        }
        if rng.u8(..50) == 0 {
            sleep(Duration::from_millis(rng.u64(..300))).await;
        }
        Ok(end_somehow(tx, rng).await?)
    }

    /// The same of many accounts, each once.
    async fn batch(&self, db: &mut PgConnection, rng: &mut Rng) -> Result {
        let mut tx = db.begin().await?;
        let how_many = rng.usize(1..=MOST_OF_A_BATCH);
        let accounts = rng.choose_multiple(0..self.accounts, how_many);
        let accounts: Vec<String> = accounts.into_iter().map(|account| format!("a{account}")).collect();
        // in the order in which single ones are locked
        let lock = "SELECT FROM accounts WHERE id = ANY ($1) ORDER BY substr(id, 2)::int FOR UPDATE";
        sqlx::query(lock).bind(&accounts).execute(&mut *tx).await?;
        let book = "UPDATE accounts SET n = n + 1 WHERE id = ANY ($1) RETURNING id, n";
        let booked: Vec<(String, i64)> = sqlx::query_as(book).bind(&accounts).fetch_all(&mut *tx).await?;
        let (accounts, numbers): (Vec<String>, Vec<i64>) = booked.into_iter().unzip();
        let events =
            accounts.iter().zip(&numbers).map(|(account, n)| Booked::builder().account(account.as_str()).n(*n).build());
        let published = eventwright::Publisher::<Bank>::new().publish_all(&mut tx, events).await?;
        let ids: Vec<Uuid> = published.iter().map(|published| published.event_id.as_uuid()).collect();
        sqlx::query("INSERT INTO bookings (event_id, account, n, booked_at) SELECT *, $4 FROM unnest($1::uuid[], $2::text[], $3::bigint[])")
            .bind(ids)
            .bind(accounts)
            .bind(numbers)
            .bind(now())
            .execute(&mut *tx)
            .await?;
        Ok(end_somehow(tx, rng).await?)
    }

    /// The same in two phases, as who coordinates several databases does.
    async fn prepared_transaction(&self, db: &mut PgConnection, rng: &mut Rng) -> Result {
        let verdict = if rng.u8(..10) == 0 { "rollback" } else { "commit" };
        // of no seed: a process that was killed does the same again
        let name = format!("{verdict} {}", fastrand::u64(..));
        sqlx::raw_sql("BEGIN").execute(&mut *db).await?;
        book(db, &format!("a{}", rng.u32(..self.accounts)), false).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("PREPARE TRANSACTION '{name}'"))).execute(&mut *db).await?;
        if rng.u8(..10) == 0 {
            sleep(Duration::from_millis(rng.u64(..300))).await;
        }
        Ok(end(db, &name).await?)
    }
}

async fn end_somehow(tx: Transaction<'_, Postgres>, rng: &mut Rng) -> Result<(), sqlx::Error> {
    match rng.u8(..20) {
        0 => tx.rollback().await,
        _ => tx.commit().await,
    }
}

/// Ends transactions that were prepared so long ago and that nobody has ended since, as it was decided when they were prepared: their
/// names say how.
pub(crate) async fn decide(db: &mut PgConnection, ago: &str) -> Result {
    let prepared = "SELECT gid FROM pg_prepared_xacts WHERE database = 'chaos' AND prepared < now() - $1::interval";
    let names: Vec<String> = sqlx::query_scalar(prepared).bind(ago).fetch_all(&mut *db).await?;
    for name in names {
        match end(db, &name).await {
            // another one was quicker
            Err(error) if error.as_database_error().is_some() => {}
            ended => ended?,
        }
    }
    Ok(())
}

async fn end(db: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let verb = if name.starts_with("commit") { "COMMIT" } else { "ROLLBACK" };
    sqlx::raw_sql(AssertSqlSafe(format!("{verb} PREPARED '{name}'"))).execute(db).await?;
    Ok(())
}

async fn book(tx: &mut PgConnection, account: &str, notifies: bool) -> Result {
    let n: i64 = sqlx::query_scalar("UPDATE accounts SET n = n + 1 WHERE id = $1 RETURNING n")
        .bind(account)
        .fetch_one(&mut *tx)
        .await?;
    let event = Booked::builder().account(account).n(n).build();
    let publisher = eventwright::Publisher::<Bank>::new();
    let publisher = if notifies { publisher } else { publisher.without_notify() };
    let published = publisher.publish(&mut *tx, event).await?;
    sqlx::query("INSERT INTO bookings (event_id, account, n, booked_at) VALUES ($1, $2, $3, $4)")
        .bind(published.event_id.as_uuid())
        .bind(account)
        .bind(n)
        .bind(now())
        .execute(tx)
        .await?;
    Ok(())
}
