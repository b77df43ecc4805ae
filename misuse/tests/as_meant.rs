//! Everything that the cases of `compile_fail` do wrong, done right: so none of them fails for another reason.

#![allow(deprecated, reason = "an older version is still promised")]

use eventwright::{
    Batch, Context, Error, Event, Handled, Int, NeedsDowncast, NeedsSubject, OffsetDateTime, Publisher, Subscriber,
};
use sguild_events::{
    CreditReleased, Delivery, FormSubmissionId, Growth, GrowthEvent, IntakeCaptured, IntakeCapturedV1,
    IntakeCapturedV2, LeadCreated, LeadId, LeadReached, Sales,
};
use sqlx::{PgConnection, PgPool};

async fn publish(db: &mut PgConnection, created: LeadCreated, captured: IntakeCaptured) -> Result<(), Error> {
    Publisher::<Sales>::new().publish(db, created).await?;
    Publisher::<Growth>::new().publish(db, captured.about(FormSubmissionId::new())).await?;
    Ok(())
}

async fn publish_in_two_versions(db: &mut PgConnection, released: CreditReleased) -> Result<(), Error> {
    let released = released.with_downcast(|new| {
        sguild_events::CreditReleasedV1::builder()
            .reservation_id(new.reservation_id)
            .credits(Int::from_static(1))
            .release_reason(sguild_events::credit_released_v1::ReleaseReason::Cancelled)
            .released_at(new.released_at)
            .build()
    });
    Publisher::<Delivery>::new().publish(db, released).await?;
    Ok(())
}

async fn publish_many(pool: PgPool, created: LeadCreated, reached: LeadReached) -> Result<(), Error> {
    let mut batch = Batch::<Sales>::new();
    batch.add(created.clone()).add(reached);
    Publisher::new().publish_batch(&mut pool.acquire().await?, batch).await?;
    Publisher::<Sales>::new().publish_all(&mut pool.acquire().await?, [created]).await?;
    Ok(())
}

async fn count(_: Event<LeadCreated>, _: &mut Context<'_, Growth>) -> Handled {
    Ok(())
}

async fn watch(event: Event<GrowthEvent>, _: &()) -> Handled {
    is_about_money(event.payload);
    Ok(())
}

fn read_as_newer(subscriber: Subscriber<Sales>, upcast: fn(IntakeCapturedV1) -> IntakeCapturedV2) -> Subscriber<Sales> {
    subscriber.upcast(upcast)
}

fn subscribers(pool: PgPool) -> [Subscriber<Growth>; 2] {
    [Subscriber::new("growth-funnel", pool.clone()).on(count), Subscriber::new("growth-watch", pool).effect(watch)]
}

fn is_about_money(event: GrowthEvent) -> bool {
    match event {
        GrowthEvent::CreditFundedV1(_) | GrowthEvent::CreditPurchasedV1(_) => true,
        GrowthEvent::PaymentReceivedV1(_) | GrowthEvent::PaymentFailedV1(_) => true,
        GrowthEvent::RefundInitiatedV1(_) | GrowthEvent::RefundCompletedV1(_) => true,
        GrowthEvent::LeadCreatedV1(_) | GrowthEvent::LeadReachedV1(_) | GrowthEvent::LeadStageChangedV1(_) => false,
        GrowthEvent::LeadCallbackScheduledV1(_) | GrowthEvent::LeadAttemptExhaustedV1(_) => false,
        GrowthEvent::PersonUpdatedV1(_) => false,
    }
}

#[test]
fn it_compiles_as_meant() {
    let _ = (read_as_newer, publish, publish_in_two_versions, publish_many, subscribers);
    let lead = LeadId::new();
    let reached = LeadReached::builder()
        .lead_id(lead)
        .attempt_number(Int::from_static(1))
        .reached_at(OffsetDateTime::now_utc())
        .build();
    assert_eq!(reached.lead_id, lead);
}
