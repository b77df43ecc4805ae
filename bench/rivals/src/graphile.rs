use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext, WorkerOptions,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};

use crate::Result;
use crate::events::Payment;
use crate::rival::{About, CHUNK, Ready, Rival, texts};

pub(crate) struct Graphile;

/// Handled jobs.
#[derive(Clone, Debug, Default)]
struct Handled(Arc<AtomicI64>);

impl TaskHandler for Payment {
    const IDENTIFIER: &'static str = "payment";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        if let Some(handled) = context.get_ext::<Handled>() {
            handled.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<(), String>(())
    }
}

impl Rival for Graphile {
    fn name(&self) -> &'static str {
        "graphile_worker 0.14"
    }

    fn about(&self) -> About {
        About {
            configuration: "as its own throughput benchmark: 500 at once, local queue of 5,000, completions batched for 5 ms",
            order: "none (named queues: one job at a time)",
            effects: "at least once",
            groups: "none: four copies of each job",
            afterwards: "deleted rows",
            wakes_by: "NOTIFY for each job",
        }
    }

    fn install<'a>(&'a self, pool: &'a PgPool, _groups: u16) -> BoxFuture<'a, Result> {
        async { Ok(options(pool).init().await?.create_utils().migrate().await?) }.boxed()
    }

    fn publish<'a>(&'a self, db: &'a mut PgConnection, event: Ready) -> BoxFuture<'a, Result> {
        // what its add_job sends
        const ADD: &str = "
            SELECT * FROM graphile_worker.add_job(
                identifier => $1::text, payload => $2::text::json, queue_name => $3::text, run_at => $4::timestamptz,
                max_attempts => $5::int, job_key => $6::text, priority => $7::int, flags => $8::text[], job_key_mode => $9::text)";
        async move {
            let payload = serde_json::to_string(&Payment::new(event.order_id, event.person_id, event.number))?;
            sqlx::query(ADD)
                .bind(Payment::IDENTIFIER)
                .bind(payload)
                .bind(None::<String>)
                .bind(None::<time::OffsetDateTime>)
                .bind(None::<i32>)
                .bind(None::<String>)
                .bind(None::<i32>)
                .bind(None::<Vec<String>>)
                .bind(None::<String>)
                .fetch_one(db)
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn fill<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result> {
        async move {
            let utils = options(pool).init().await?.create_utils();
            for from in (1..=events).step_by(CHUNK as usize) {
                let mut jobs = Vec::new();
                for text in texts(from, events) {
                    let payload: serde_json::Value = serde_json::from_str(&text)?;
                    let identifier = Payment::IDENTIFIER.to_owned();
                    jobs.push(RawJobSpec { identifier, payload, spec: JobSpec::default() });
                }
                for _ in 0..groups {
                    utils.add_raw_jobs(&jobs).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn drain<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result<i64>> {
        async move {
            let handled = Handled::default();
            let own = PgPoolOptions::new().max_connections(10).connect_lazy_with((*pool.connect_options()).clone());
            let worker = options(&own)
                .concurrency(500)
                .poll_interval(Duration::from_millis(5))
                .complete_job_batch_delay(Duration::from_millis(5))
                .local_queue(LocalQueueConfig::default().with_size(5000))
                .add_extension(handled.clone())
                .init()
                .await?;
            let worker = Arc::new(worker);
            let running = Arc::clone(&worker);
            let running = tokio::spawn(async move { running.run().await });
            while handled.0.load(Ordering::Relaxed) < events * i64::from(groups) && !running.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            worker.request_shutdown();
            running.await??;
            Ok(handled.0.load(Ordering::Relaxed))
        }
        .boxed()
    }
}

fn options(pool: &PgPool) -> WorkerOptions {
    WorkerOptions::default().schema("graphile_worker").pg_pool(pool.clone()).define_job::<Payment>()
}
