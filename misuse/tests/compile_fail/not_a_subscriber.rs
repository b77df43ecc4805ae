use eventwright::{Context, Event, Handled, Subscriber};
use sguild_events::{Delivery, LeadCreated};
use sqlx::PgPool;

async fn plan(_: Event<LeadCreated>, _: &mut Context<'_, Delivery>) -> Handled {
    Ok(())
}

fn subscriber(pool: PgPool) -> Subscriber<Delivery> {
    Subscriber::<Delivery>::new("delivery-plans", pool).on(plan)
}

fn main() {}
