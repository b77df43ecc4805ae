//! Everything that the other cases do wrong, done right: so none of them fails for another reason.

use eventwright::{
    Context, Error, Event, Handled, Int, NeedsSubject, OffsetDateTime, Publisher, Subscriber,
};
use sguild_events::{
    FormSubmissionId, Growth, GrowthEvent, IntakeCaptured, LeadCreated, LeadId, LeadReached, Sales,
};
use sqlx::{PgConnection, PgPool};

async fn publish(db: &mut PgConnection, created: LeadCreated, captured: IntakeCaptured) -> Result<(), Error> {
    Publisher::<Sales>::new().publish(db, created).await?;
    Publisher::<Growth>::new().publish(db, captured.about(FormSubmissionId::new())).await?;
    Ok(())
}

async fn count(_: Event<LeadCreated>, _: &mut Context<'_, Growth>) -> Handled {
    Ok(())
}

async fn watch(event: Event<GrowthEvent>, _: &()) -> Handled {
    is_about_money(event.payload);
    Ok(())
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

fn main() {
    let _ = (publish, subscribers);
    let lead = LeadId::new();
    let reached =
        LeadReached::builder().lead_id(lead).attempt_number(Int::from_static(1)).reached_at(OffsetDateTime::now_utc()).build();
    assert_eq!(reached.lead_id, lead);
}
