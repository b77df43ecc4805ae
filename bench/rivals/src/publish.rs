//! A transaction with a row of business and an event for one group; nobody reads.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use sguild_events::{OrderId, PersonId};
use sqlx::{Connection, PgConnection, PgPool};

use crate::Result;
use crate::postgres::{Server, pool};
use crate::rival::{Ready, Rival};
use crate::turns::{Contender, Table, in_turns};

const ORDERS: &str = "CREATE TABLE orders (id text PRIMARY KEY, person_id text NOT NULL, amount_cents bigint NOT NULL)";
const ORDER: &str = "INSERT INTO orders (id, person_id, amount_cents) VALUES ($1, $2, $3)";

pub(crate) async fn run(server: &Server, rivals: &[Box<dyn Rival>], rounds: usize, quick: bool) -> Result {
    let time = Duration::from_millis(if quick { 150 } else { 2000 });
    let mut pools = Vec::new();
    for rival in rivals {
        let pool = pool(&server.database().await?);
        rival.install(&pool, 1).await?;
        sqlx::query(ORDERS).execute(&pool).await?;
        pools.push(pool);
    }
    let table = Table::new(
        "Transactions with a row and an event, a second (targets at 32: the fastest; twice who notifies for each job)",
        ["connections", "", "tx/s", "eventwright to it"],
    );
    for connections in [1, 8, 32] {
        let mut contenders: Vec<Contender<'_>> = rivals
            .iter()
            .zip(&pools)
            .map(|(rival, pool)| Contender::new(rival.name(), move |_| turn(&**rival, pool, connections, time)))
            .collect();
        let measured = in_turns(rounds, &mut contenders).await?;
        for side in &measured {
            let ratio = format!("{:.2}", measured[0].ratio(side));
            table.row(&[connections.to_string(), side.name.clone(), format!("{:.0}", side.median()), ratio]);
        }
    }
    for pool in &pools {
        server.drop(&pool.connect_options()).await?;
    }
    Ok(())
}

async fn turn(rival: &dyn Rival, pool: &PgPool, connections: usize, time: Duration) -> Result<f64> {
    let options = pool.connect_options();
    let connections = try_join_all((0..connections).map(|_| PgConnection::connect_with(&options))).await?;
    let start = Instant::now();
    let publishers = connections.into_iter().map(|db| publish(rival, db, start + time));
    let count: u32 = try_join_all(publishers).await?.into_iter().sum();
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

async fn publish(rival: &dyn Rival, mut db: PgConnection, until: Instant) -> Result<u32> {
    let mut count = 0;
    while Instant::now() < until {
        let (order_id, person_id, number) = (OrderId::new(), PersonId::new(), i64::from(count) + 1);
        let mut tx = db.begin().await?;
        sqlx::query(ORDER).bind(order_id).bind(person_id).bind(number).execute(&mut *tx).await?;
        rival.publish(&mut tx, Ready { order_id, person_id, number }).await?;
        tx.commit().await?;
        count += 1;
    }
    Ok(count)
}
