use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::Result;
use crate::events::Payment;
use crate::rival::{About, Ready, Rival, fill_by};

const WORKERS: usize = 4;
const BATCH: i32 = 1000;

pub(crate) struct Pgmq;

impl Rival for Pgmq {
    fn name(&self) -> &'static str {
        "pgmq 1.x (crate 0.34)"
    }

    fn about(&self) -> About {
        About {
            configuration: "4 readers a queue, `read` 1,000 and `delete` in one transaction",
            order: "none among readers",
            effects: "exactly once, by that transaction",
            groups: "a queue each, filled four times",
            afterwards: "deleted rows",
            wakes_by: "polling (notifications off, as it comes)",
        }
    }

    fn install<'a>(&'a self, pool: &'a PgPool, groups: u16) -> BoxFuture<'a, Result> {
        async move {
            ::pgmq::install::install_sql_from_embedded(pool).await?;
            for queue in queues(groups) {
                sqlx::query("SELECT pgmq.create($1)").bind(queue).execute(pool).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn publish<'a>(&'a self, db: &'a mut PgConnection, event: Ready) -> BoxFuture<'a, Result> {
        async move {
            let payload = serde_json::to_string(&Payment::new(event.order_id, event.person_id, event.number))?;
            sqlx::query("SELECT pgmq.send('queue_0', $1::text::jsonb)").bind(payload).execute(db).await?;
            Ok(())
        }
        .boxed()
    }

    fn fill<'a>(&'a self, pool: &'a PgPool, events: i64, groups: u16) -> BoxFuture<'a, Result> {
        const QUEUES: [&str; 4] = [
            "SELECT pgmq.send_batch('queue_0', $1::jsonb[])",
            "SELECT pgmq.send_batch('queue_1', $1::jsonb[])",
            "SELECT pgmq.send_batch('queue_2', $1::jsonb[])",
            "SELECT pgmq.send_batch('queue_3', $1::jsonb[])",
        ];
        async move {
            for statement in &QUEUES[..usize::from(groups)] {
                fill_by(pool, statement, events).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn drain<'a>(&'a self, pool: &'a PgPool, _events: i64, groups: u16) -> BoxFuture<'a, Result<i64>> {
        async move {
            let readers = queues(groups).flat_map(|queue| std::iter::repeat_n(queue, WORKERS)).map(|queue| {
                let pool = pool.clone();
                async move { tokio::spawn(drain(pool, queue)).await? }
            });
            Ok(try_join_all(readers).await?.into_iter().sum())
        }
        .boxed()
    }
}

fn queues(groups: u16) -> impl Iterator<Item = String> {
    (0..groups).map(|group| format!("queue_{group}"))
}

async fn drain(pool: PgPool, queue: String) -> Result<i64> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let mut handled = 0;
    loop {
        let mut tx = connection.begin().await?;
        let rows = sqlx::query("SELECT msg_id, message::text FROM pgmq.read($1, 30, $2)")
            .bind(&queue)
            .bind(BATCH)
            .fetch_all(&mut *tx)
            .await?;
        if rows.is_empty() {
            return Ok(handled);
        }
        let mut ids: Vec<i64> = Vec::with_capacity(rows.len());
        for row in &rows {
            std::hint::black_box(serde_json::from_str::<Payment>(row.try_get(1)?)?);
            ids.push(row.try_get(0)?);
        }
        sqlx::query("SELECT pgmq.delete($1, $2::bigint[])").bind(&queue).bind(&ids).execute(&mut *tx).await?;
        tx.commit().await?;
        handled += ids.len() as i64;
    }
}
