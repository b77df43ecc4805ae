//! Versions of one event type between two domains, by the generated bindings.

#![allow(deprecated, reason = "an older version is still promised, and stored")]

use eventwright::testing::Database;
use eventwright::{Context, Event, Handled, Int, List, NeedsDowncast, OffsetDateTime, Publisher, Subscriber};
use sguild_events::{
    CreditAccountId, CreditReleasedV1, CreditReleasedV2, Delivery, ReservationId, Sales, credit_released_v1,
    credit_released_v2,
};
use sqlx::PgPool;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

async fn migrated() -> Result<Database> {
    let database = Database::create().await?;
    eventwright::migrate(database.pool()).await?;
    sqlx::query("CREATE TABLE heard (k bigserial, reservation text, credits bigint, version int)")
        .execute(database.pool())
        .await?;
    Ok(database)
}

fn released(reservation: ReservationId, credits: i64) -> Result<CreditReleasedV2> {
    let allocation = credit_released_v2::Allocation::builder()
        .credit_account_id(CreditAccountId::new())
        .credits(Int::new(credits)?)
        .build();
    Ok(CreditReleasedV2::builder()
        .reservation_id(reservation)
        .allocations(List::new(vec![allocation])?)
        .remaining_credits(Int::from_static(0))
        .release_reason(credit_released_v2::ReleaseReason::CancelledByCustomer)
        .released_by(None)
        .released_at(OffsetDateTime::now_utc())
        .build())
}

fn in_version_1(new: &CreditReleasedV2) -> CreditReleasedV1 {
    let credits: i64 = new.allocations.iter().map(|allocation| allocation.credits.get()).sum();
    CreditReleasedV1::builder()
        .reservation_id(new.reservation_id)
        .credits(Int::new(credits).unwrap_or(Int::from_static(1000)))
        .release_reason(credit_released_v1::ReleaseReason::Cancelled)
        .released_at(new.released_at)
        .build()
}

async fn hear(cx: &mut Context<'_, Sales>, reservation: ReservationId, credits: i64, version: u16) -> Handled {
    sqlx::query("INSERT INTO heard (reservation, credits, version) VALUES ($1, $2, $3)")
        .bind(reservation)
        .bind(credits)
        .bind(i32::from(version))
        .execute(cx.tx())
        .await?;
    Ok(())
}

async fn hear_v1(event: Event<CreditReleasedV1>, cx: &mut Context<'_, Sales>) -> Handled {
    let version = event.envelope.schema_version;
    hear(cx, event.payload.reservation_id, event.payload.credits.get(), version).await
}

async fn hear_v2(event: Event<CreditReleasedV2>, cx: &mut Context<'_, Sales>) -> Handled {
    let credits = event.payload.allocations.iter().map(|allocation| allocation.credits.get()).sum();
    hear(cx, event.payload.reservation_id, credits, event.envelope.schema_version).await
}

async fn heard(pool: &PgPool) -> Result<Vec<(ReservationId, i64, i32)>> {
    Ok(sqlx::query_as("DELETE FROM heard RETURNING reservation, credits, version").fetch_all(pool).await?)
}

#[tokio::test]
async fn subscribers_of_the_older_version_get_what_was_published_besides() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let reservation = ReservationId::new();
    let event = released(reservation, 30)?.with_downcast(in_version_1);
    Publisher::<Delivery>::new().publish(&mut *pool.acquire().await?, event).await?;
    Subscriber::<Sales>::new("sales-of-old", pool.clone()).on(hear_v1).drain().await?;
    assert_eq!(heard(pool).await?, [(reservation, 30, 2)]);
    Subscriber::<Sales>::new("sales-of-now", pool.clone()).on(hear_v2).drain().await?;
    assert_eq!(heard(pool).await?, [(reservation, 30, 2)]);
    Ok(())
}

#[tokio::test]
async fn subscribers_of_the_newer_version_read_the_older_one_as_that() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let delivery = Publisher::<Delivery>::new();
    let (old, new) = (ReservationId::new(), ReservationId::new());
    let mut db = pool.acquire().await?;
    delivery.publish(&mut *db, in_version_1(&released(old, 7)?)).await?;
    delivery.publish(&mut *db, released(new, 8)?.with_downcast(in_version_1)).await?;
    let in_version_2 = |old: CreditReleasedV1| match released(old.reservation_id, old.credits.get()) {
        Ok(new) => new,
        Err(error) => panic!("{error}"),
    };
    let subscriber = Subscriber::<Sales>::new("sales", pool.clone()).ranges(1);
    subscriber.upcast(in_version_2).on(hear_v2).drain().await?;
    assert_eq!(heard(pool).await?, [(old, 7, 1), (new, 8, 2)]);
    Ok(())
}
