use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::sqlxmq::{CurrentJob, JobRunnerOptions};
use eventwright::Uuid;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, PgPool};

use crate::Result;
use crate::events::Payment;
use crate::rival::{About, Ready, Rival, fill_by};

pub(crate) struct Sqlxmq;

impl Rival for Sqlxmq {
    fn name(&self) -> &'static str {
        "sqlxmq 0.6"
    }

    fn about(&self) -> About {
        About {
            configuration: "50 to 100 at once, keep-alive off",
            order: "none (opt-in: one at a time)",
            effects: "exactly once, by a transaction for each job",
            groups: "none: four copies of each job",
            afterwards: "deleted rows",
            wakes_by: "NOTIFY for each job",
        }
    }

    fn install<'a>(&'a self, pool: &'a PgPool, _groups: u16) -> BoxFuture<'a, Result> {
        async move { Ok(Migrator::new(Path::new(env!("SQLXMQ_MIGRATIONS"))).await?.run(pool).await?) }.boxed()
    }

    fn publish<'a>(&'a self, db: &'a mut PgConnection, event: Ready) -> BoxFuture<'a, Result> {
        // what its JobBuilder::spawn sends
        const INSERT: &str = "SELECT mq_insert(ARRAY[($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)::mq_new_t])";
        let seconds = |seconds: i64| PgInterval { months: 0, days: 0, microseconds: seconds * 1_000_000 };
        async move {
            let payload = serde_json::to_string(&Payment::new(event.order_id, event.person_id, event.number))?;
            sqlx::query(INSERT)
                .bind(Uuid::now_v7())
                .bind(seconds(0))
                .bind(4)
                .bind(seconds(1))
                .bind("")
                .bind("")
                .bind(None::<PgInterval>)
                .bind(false)
                .bind("payment")
                .bind(payload)
                .bind(None::<Vec<u8>>)
                .execute(db)
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn fill<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result> {
        const FILL: &str = "
            SELECT mq_insert(array_agg((uuid_generate_v4(), '0', 4, '10 min', '', '', NULL, false, 'payment', p, NULL)::mq_new_t))
              FROM unnest($1::text[]) p";
        async move {
            for _ in 0..groups {
                fill_by(pool, FILL, events).await?;
            }
            sqlx::query("ANALYZE mq_msgs, mq_payloads").execute(pool).await?;
            Ok(())
        }
        .boxed()
    }

    fn drain<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result<i64>> {
        async move {
            let options = pool.connect_options();
            let own = sqlx_of_sqlxmq::postgres::PgConnectOptions::new()
                .host(options.get_host())
                .port(options.get_port())
                .username(options.get_username())
                .database(options.get_database().unwrap_or_default());
            let own = match options.get_socket() {
                Some(directory) => own.socket(directory),
                None => own,
            };
            let own = sqlx_of_sqlxmq::postgres::PgPoolOptions::new().max_connections(10).connect_with(own).await?;
            let handled = Arc::new(AtomicI64::new(0));
            let counted = Arc::clone(&handled);
            let mut runner = JobRunnerOptions::new(&own, move |job| {
                tokio::spawn(handle(job, Arc::clone(&counted)));
            });
            let mut running = runner.set_concurrency(50, 100).set_keep_alive(false).run().await?;
            while handled.load(Ordering::Relaxed) < events * i64::from(groups) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            running.stop().await;
            own.close().await;
            Ok(handled.load(Ordering::Relaxed))
        }
        .boxed()
    }
}

async fn handle(mut job: CurrentJob, handled: Arc<AtomicI64>) {
    let decoded = job.json::<Payment>();
    match (decoded, job.complete().await) {
        (Ok(Some(_)), Ok(())) => {
            handled.fetch_add(1, Ordering::Relaxed);
        }
        (decoded, completed) => eprintln!("sqlxmq: {:?}, {completed:?}", decoded.map(|_| ())),
    }
}
