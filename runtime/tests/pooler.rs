//! Behind a real PgBouncer: publishers that share a few connections by the transaction, and subscribers that keep theirs.

mod common;
#[path = "pooler/pgbouncer.rs"]
mod pgbouncer;

use common::{Group, Home, Result, record};
use eventwright::{Domain, EventId, PUBLISH_SQL};
use pgbouncer::PgBouncer;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::task::JoinSet;

const PUBLISHERS: i64 = 12;
const EACH: i64 = 25;
const SUBJECTS: i64 = 4;

/// In the caller's transaction, with statements that have no name. A named one stays with the connection to the server, which the next
/// transaction may not get, or shares with others who gave the same name. An unnamed one outside of a transaction is
/// worse: the pooler may change connections between parsing and running it, and then what runs is another client's.
async fn publish_unnamed(tx: &mut PgConnection, subject: &str, n: i64) -> Result {
    let event_id = EventId::new();
    sqlx::query(PUBLISH_SQL)
        .bind(event_id.as_uuid())
        .bind("home.happened")
        .bind(1)
        .bind(Home::NAME)
        .bind(None::<&str>)
        .bind(subject)
        .bind(None::<time::OffsetDateTime>)
        .bind(event_id.to_string())
        .bind(None::<sqlx::types::Uuid>)
        .bind(None::<&str>)
        .bind(format!(r#"{{"about":"{subject}","n":{n}}}"#))
        .persistent(false)
        .execute(tx)
        .await?;
    Ok(())
}

async fn publisher(options: PgConnectOptions, number: i64) -> Result {
    let mut db = options.connect().await?;
    for k in 0..EACH {
        let subject = format!("s{}", (number + k) % SUBJECTS);
        let mut tx = db.begin().await?;
        let n: i64 = sqlx::query_scalar("UPDATE subjects SET n = n + 1 WHERE id = $1 RETURNING n")
            .bind(&subject)
            .persistent(false)
            .fetch_one(&mut *tx)
            .await?;
        publish_unnamed(&mut tx, &subject, n).await?;
        if k % 5 == 4 { tx.rollback().await? } else { tx.commit().await? }
    }
    Ok(())
}

/// More publishers than connections, and a subscriber that is woken by way of the pooler, too.
#[tokio::test]
async fn what_is_published_by_way_of_a_pooler_is_handled_once_and_in_order() -> Result {
    let Some(pooler) = PgBouncer::start()? else { return Ok(()) };
    let pool = PgPoolOptions::new().max_connections(10).connect_with(pooler.by_session()?).await?;
    eventwright::migrate(&pool).await?;
    sqlx::raw_sql(
        "CREATE TABLE subjects (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
         INSERT INTO subjects SELECT 's' || g FROM generate_series(0, 3) g",
    )
    .execute(&pool)
    .await?;
    let group = Group::new("a", &pool).await?;

    let all = (PUBLISHERS * EACH * 4 / 5) as usize;
    let handled = async {
        while group.all().await.map_or(0, |handled| handled.len()) < all {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let publishing = async {
        let mut publishers: JoinSet<Result> = JoinSet::new();
        for number in 0..PUBLISHERS {
            publishers.spawn(publisher(pooler.by_transaction()?, number));
        }
        while let Some(published) = publishers.join_next().await {
            published??;
        }
        Result::<()>::Ok(())
    };
    let handling = async { Ok(group.subscriber().on(record).run_until(handled).await?) };
    let both = async { tokio::try_join!(publishing, handling) };
    tokio::time::timeout(std::time::Duration::from_secs(60), both).await.map_err(|_| "not all came")??;

    group.next().await?;
    let handled: Vec<(String, i64)> =
        sqlx::query_as("SELECT about, n FROM effects ORDER BY k").fetch_all(&pool).await?;
    assert_eq!(handled.len(), all);
    for subject in 0..SUBJECTS {
        let about = format!("s{subject}");
        let numbers: Vec<i64> = handled.iter().filter(|(of, _)| *of == about).map(|(_, n)| *n).collect();
        assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "{about}");
    }
    Ok(())
}
