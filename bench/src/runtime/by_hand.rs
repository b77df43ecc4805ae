//! What one would write without eventwright, with the same driver: an outbox, and loops that read it.

use std::time::Duration;

use eventwright::{OffsetDateTime, Uuid};
use futures_util::future::try_join_all;
use sguild_events::{OrderId, PersonId};
use sqlx::postgres::{PgListener, PgRow};
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::Result;
use crate::events::Payment;

/// The envelope's columns, one number, one index.
pub(crate) const OUTBOX: &str = "
    CREATE TABLE by_hand (
        seq bigserial PRIMARY KEY, event_id uuid NOT NULL, event_type text NOT NULL, schema_version integer NOT NULL,
        source text NOT NULL, tenant_id text, subject text NOT NULL, occurred_at timestamptz NOT NULL,
        published_at timestamptz NOT NULL DEFAULT clock_timestamp(), correlation_id text NOT NULL, causation_id uuid,
        traceparent text, payload json NOT NULL, downcast_version integer, downcast_payload json)";

macro_rules! publish_into {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, correlation_id, causation_id, traceparent, payload)
             VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, clock_timestamp()), $8, $9, $10, $11::text::json)"
        )
    };
}

/// Where it is published to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// One made by hand.
    Own,
    /// Eventwright's log, which nobody is told of.
    Log,
}

/// Inserts an event as [`eventwright::Publisher::publish`] does: the id and the payload's text are made here.
pub(crate) async fn publish(
    db: &mut PgConnection,
    table: Table,
    order_id: OrderId,
    person_id: PersonId,
    number: i64,
) -> Result<Uuid> {
    let event_id = Uuid::now_v7();
    let payload = serde_json::to_string(&Payment::new(order_id, person_id, number))?;
    let statement = match table {
        Table::Own => publish_into!("by_hand"),
        Table::Log => publish_into!("eventwright.outbox"),
    };
    sqlx::query(statement)
        .bind(event_id)
        .bind("payment.received")
        .bind(1)
        .bind("revenue")
        .bind(None::<String>)
        .bind(order_id.to_string())
        .bind(None::<OffsetDateTime>)
        .bind(event_id.to_string())
        .bind(None::<Uuid>)
        .bind(None::<String>)
        .bind(payload)
        .execute(db)
        .await?;
    Ok(event_id)
}

/// A row as owned values.
#[expect(dead_code, reason = "what counts is that they were made")]
pub(crate) struct Stored {
    seq: i64,
    event_id: Uuid,
    event_type: String,
    schema_version: i32,
    source: String,
    tenant_id: Option<String>,
    subject: String,
    occurred_at: OffsetDateTime,
    published_at: OffsetDateTime,
    correlation_id: String,
    causation_id: Option<Uuid>,
    traceparent: Option<String>,
    payload: String,
}

const COLUMNS: &str =
    "seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
    correlation_id, causation_id, traceparent, payload::text AS payload";

fn stored(row: &PgRow) -> Result<Stored, sqlx::Error> {
    Ok(Stored {
        seq: row.try_get(0)?,
        event_id: row.try_get(1)?,
        event_type: row.try_get(2)?,
        schema_version: row.try_get(3)?,
        source: row.try_get(4)?,
        tenant_id: row.try_get(5)?,
        subject: row.try_get(6)?,
        occurred_at: row.try_get(7)?,
        published_at: row.try_get(8)?,
        correlation_id: row.try_get(9)?,
        causation_id: row.try_get(10)?,
        traceparent: row.try_get(11)?,
        payload: row.try_get(12)?,
    })
}

/// Reads eventwright's log to its end through a cursor, 1,000 rows at a time, and returns how many there were.
pub(crate) async fn read_by_cursor(pool: &PgPool, decode: bool) -> Result<usize> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let mut tx = connection.begin().await?;
    let declare = format!("DECLARE log CURSOR FOR SELECT {COLUMNS} FROM eventwright.outbox ORDER BY seq");
    sqlx::query(sqlx::AssertSqlSafe(declare)).execute(&mut *tx).await?;
    let mut count = 0;
    loop {
        let rows = sqlx::query("FETCH 1000 FROM log").fetch_all(&mut *tx).await?;
        if rows.is_empty() {
            return Ok(count);
        }
        for row in &rows {
            let stored = std::hint::black_box(stored(row)?);
            if decode {
                std::hint::black_box(serde_json::from_str::<Payment>(&stored.payload)?);
            }
        }
        count += rows.len();
    }
}

/// Where the loops below keep what they have done.
pub(crate) const POSITIONS: &str = "CREATE TABLE by_hand_positions (lo smallint PRIMARY KEY, seq bigint NOT NULL)";

/// Reads eventwright's log to its end in so many loops side by side, and writes a row for each event: each chunk in a
/// transaction, with the position.
pub(crate) async fn handle_by_loops(pool: &PgPool, loops: i16, chunk: i64) -> Result<usize> {
    sqlx::query("TRUNCATE by_hand_positions").execute(pool).await?;
    let width = 1024 / loops;
    let counts = (0..loops).map(|n| {
        let pool = pool.clone();
        async move { tokio::spawn(handle_by_loop(pool, (n * width, (n + 1) * width - 1), chunk)).await? }
    });
    Ok(try_join_all(counts).await?.into_iter().sum())
}

async fn handle_by_loop(pool: PgPool, (lo, hi): (i16, i16), chunk: i64) -> Result<usize> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    sqlx::query("INSERT INTO by_hand_positions VALUES ($1, 0)").bind(lo).execute(&mut connection).await?;
    let select = format!(
        "SELECT {COLUMNS} FROM eventwright.outbox WHERE seq > $1 AND bucket BETWEEN $2 AND $3 ORDER BY seq LIMIT $4"
    );
    let mut count = 0;
    loop {
        let mut tx = connection.begin().await?;
        let position: i64 = sqlx::query_scalar("SELECT seq FROM by_hand_positions WHERE lo = $1 FOR UPDATE")
            .bind(lo)
            .fetch_one(&mut *tx)
            .await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(select.as_str()))
            .bind(position)
            .bind(lo)
            .bind(hi)
            .bind(chunk)
            .fetch_all(&mut *tx)
            .await?;
        let Some(last) = rows.last() else { return Ok(count) };
        for row in &rows {
            let stored = stored(row)?;
            let payment: Payment = serde_json::from_str(&stored.payload)?;
            sqlx::query(HANDLE).bind(payment.order_id).bind(payment.amount_cents).execute(&mut *tx).await?;
        }
        sqlx::query("UPDATE by_hand_positions SET seq = $2 WHERE lo = $1")
            .bind(lo)
            .bind(last.try_get::<i64, _>(0)?)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        count += rows.len();
    }
}

/// What handlers write, ours and those by hand.
pub(crate) const HANDLED: &str = "CREATE TABLE handled (order_id text NOT NULL, amount_cents bigint NOT NULL)";
pub(crate) const HANDLE: &str = "INSERT INTO handled (order_id, amount_cents) VALUES ($1, $2)";

/// Reads the outbox by hand for ever, asking again every ten milliseconds where there is nothing; keeps no gap in mind, and so
/// would lose events.
pub(crate) async fn follow(pool: PgPool) -> Result {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let mut position: i64 =
        sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM by_hand").fetch_one(&mut connection).await?;
    let select = format!("SELECT {COLUMNS} FROM by_hand WHERE seq > $1 ORDER BY seq LIMIT 256");
    loop {
        let mut tx = connection.begin().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(select.as_str())).bind(position).fetch_all(&mut *tx).await?;
        let Some(last) = rows.last() else {
            tx.rollback().await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        for row in &rows {
            std::hint::black_box(serde_json::from_str::<Payment>(&stored(row)?.payload)?);
        }
        position = last.try_get(0)?;
        sqlx::query("UPDATE by_hand_positions SET seq = $1").bind(position).execute(&mut *tx).await?;
        tx.commit().await?;
    }
}

/// Reads what is new whenever a notification comes, and hands over each event's number.
pub(crate) async fn on_notify(mut listener: PgListener, pool: PgPool, handle: impl Fn(i64) -> Result + Send) -> Result {
    let select = format!("SELECT {COLUMNS} FROM by_hand WHERE seq > $1 ORDER BY seq LIMIT 256");
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let mut position = 0;
    loop {
        listener.recv().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(select.as_str())).bind(position).fetch_all(&mut connection).await?;
        for row in &rows {
            let stored = stored(row)?;
            position = stored.seq;
            handle(serde_json::from_str::<Payment>(&stored.payload)?.amount_cents)?;
        }
    }
}
