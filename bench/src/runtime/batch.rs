//! Many events in one transaction: `publish_all` against a bare INSERT of UNNEST and a bare COPY.

use std::fmt::Write;
use std::time::{Duration, Instant};

use eventwright::{OffsetDateTime, Publisher, Uuid};
use sguild_events::{OrderId, PersonId, Revenue};
use sqlx::{Connection, PgConnection, PgPool};

use crate::events::{Payment, payment, subjects};
use crate::postgres::{Server, pool};
use crate::turns::{Contender, Table, in_turns};
use crate::{Effort, Result, by_hand};

#[derive(Clone, Copy)]
enum How {
    Unnest,
    Copy,
    Ours,
}

pub(crate) async fn run(server: &Server, effort: Effort) -> Result {
    let time = effort.pick(Duration::from_secs(1), Duration::from_millis(50));
    let ours = server.migrated().await?;
    let bare = pool(&server.database().await?);
    sqlx::query(by_hand::OUTBOX).execute(&bare).await?;
    let orders = subjects(10_000);
    println!("\n## Publishing many events in a transaction");
    let table = Table::new(
        "Events a second (target: 0.8 of each)",
        ["events", "UNNEST", "COPY", "`publish_all`", "to UNNEST", "to COPY"],
    );
    for events in [1, 10, 100, 1000, 10_000] {
        let side = |name, how, pool| {
            let orders = &orders;
            Contender::new(name, move |_| turn(pool, how, orders, events, time))
        };
        let mut contenders =
            [side("UNNEST", How::Unnest, &bare), side("COPY", How::Copy, &bare), side("ours", How::Ours, &ours)];
        let measured = in_turns(effort.rounds(7), &mut contenders).await?;
        let [unnest, copy, all] = measured.as_slice() else { unreachable!("three contenders") };
        table.row(&[
            events.to_string(),
            format!("{:.0}", unnest.median()),
            format!("{:.0}", copy.median()),
            format!("{:.0}", all.median()),
            format!("{:.2}", all.ratio(unnest)),
            format!("{:.2}", all.ratio(copy)),
        ]);
    }
    server.drop(&bare.connect_options()).await?;
    server.drop(&ours.connect_options()).await
}

/// Publishes batches of so many events for some time, on one connection.
async fn turn(pool: &PgPool, how: How, orders: &[OrderId], events: usize, time: Duration) -> Result<f64> {
    let mut db = PgConnection::connect_with(&pool.connect_options()).await?;
    let publisher = Publisher::<Revenue>::new();
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        let mut tx = db.begin().await?;
        let batch = (0..events).map(|n| (orders[n % orders.len()], PersonId::new(), n as i64 + 1));
        match how {
            How::Ours => {
                let payments = batch.map(|(order, person, n)| payment(order, person, n)).collect::<Result<Vec<_>>>()?;
                publisher.publish_all(&mut *tx, payments).await?;
            }
            How::Unnest => unnest(&mut tx, batch).await?,
            How::Copy => copy(&mut tx, batch).await?,
        }
        tx.commit().await?;
        count += events;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

const COLUMNS: &str = "event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload";

async fn unnest(db: &mut PgConnection, batch: impl Iterator<Item = (OrderId, PersonId, i64)>) -> Result {
    let (mut ids, mut subjects, mut correlations, mut payloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (order, person, number) in batch {
        let id = Uuid::now_v7();
        ids.push(id);
        subjects.push(order.to_string());
        correlations.push(id.to_string());
        payloads.push(serde_json::to_string(&Payment::new(order, person, number))?);
    }
    let insert = format!(
        "INSERT INTO by_hand ({COLUMNS})
         SELECT id, 'payment.received', 1, 'revenue', subject, clock_timestamp(), correlation, payload::json
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS e (id, subject, correlation, payload)"
    );
    sqlx::query(sqlx::AssertSqlSafe(insert))
        .bind(ids)
        .bind(subjects)
        .bind(correlations)
        .bind(payloads)
        .execute(db)
        .await?;
    Ok(())
}

async fn copy(db: &mut PgConnection, batch: impl Iterator<Item = (OrderId, PersonId, i64)>) -> Result {
    let now = OffsetDateTime::now_utc();
    let mut rows = String::new();
    for (order, person, number) in batch {
        let id = Uuid::now_v7();
        let payload = serde_json::to_string(&Payment::new(order, person, number))?.replace('\\', "\\\\");
        writeln!(rows, "{id}\tpayment.received\t1\trevenue\t{order}\t{now}\t{id}\t{payload}")?;
    }
    let mut copy = db.copy_in_raw(&format!("COPY by_hand ({COLUMNS}) FROM STDIN")).await?;
    copy.send(rows.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}
