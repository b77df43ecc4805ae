use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};

use crate::Result;
use crate::events::Payment;
use crate::rival::{About, CHUNK, Ready, Rival, texts};

pub(crate) struct PgQue {
    installation: String,
}

impl PgQue {
    pub(crate) fn new(installation: String) -> Self {
        Self { installation }
    }
}

impl Rival for PgQue {
    fn name(&self) -> &'static str {
        "PgQue"
    }

    fn about(&self) -> About {
        About {
            configuration: "a reader a group, a tick each 1,000 events, `finish_batch` in the reader's transaction",
            order: "by number within a batch",
            effects: "exactly once, by that transaction",
            groups: "read one log",
            afterwards: "tables that are truncated in turns",
            wakes_by: "NOTIFY for each tick, which something has to make",
        }
    }

    fn install<'a>(&'a self, pool: &'a PgPool, groups: u16) -> BoxFuture<'a, Result> {
        async move {
            sqlx::raw_sql(AssertSqlSafe(self.installation.clone())).execute(pool).await?;
            sqlx::query("SELECT pgque.create_queue('queue')").execute(pool).await?;
            for group in 0..groups {
                let subscribe = "SELECT pgque.subscribe('queue', $1)";
                sqlx::query(subscribe).bind(format!("group_{group}")).execute(pool).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn publish<'a>(&'a self, db: &'a mut PgConnection, event: Ready) -> BoxFuture<'a, Result> {
        async move {
            let payload = serde_json::to_string(&Payment::new(event.order_id, event.person_id, event.number))?;
            sqlx::query("SELECT pgque.send('queue', $1::text)").bind(payload).execute(db).await?;
            Ok(())
        }
        .boxed()
    }

    fn fill<'a>(&'a self, pool: &'a PgPool, events: i64, _groups: u16) -> BoxFuture<'a, Result> {
        async move {
            for from in (1..=events).step_by(CHUNK as usize) {
                let send = "SELECT pgque.send_batch('queue', $1::text[])";
                sqlx::query(send).bind(texts(from, events)).execute(pool).await?;
                // asks for a tick whatever the thresholds say; the ticker makes it
                sqlx::query("SELECT pgque.force_next_tick('queue')").execute(pool).await?;
                sqlx::query("SELECT pgque.ticker('queue')").execute(pool).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn drain<'a>(&'a self, pool: &'a PgPool, _events: i64, groups: u16) -> BoxFuture<'a, Result<i64>> {
        async move {
            let readers = (0..groups).map(|group| {
                let pool = pool.clone();
                async move { tokio::spawn(drain(pool, format!("group_{group}"))).await? }
            });
            Ok(try_join_all(readers).await?.into_iter().sum())
        }
        .boxed()
    }
}

async fn drain(pool: PgPool, group: String) -> Result<i64> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let mut handled = 0;
    loop {
        let mut tx = connection.begin().await?;
        let batch: Option<i64> =
            sqlx::query_scalar("SELECT pgque.next_batch('queue', $1)").bind(&group).fetch_one(&mut *tx).await?;
        let Some(batch) = batch else { return Ok(handled) };
        let events =
            sqlx::query("SELECT ev_id, ev_data FROM pgque.get_batch_events($1)").bind(batch).fetch_all(&mut *tx).await?;
        for event in &events {
            std::hint::black_box(serde_json::from_str::<Payment>(event.try_get(1)?)?);
        }
        sqlx::query("SELECT pgque.finish_batch($1)").bind(batch).execute(&mut *tx).await?;
        tx.commit().await?;
        handled += events.len() as i64;
    }
}
