use eventwright::{Error, Publisher};
use sguild_events::{LeadCreated, Sales};
use sqlx::PgPool;

async fn publish(mut pool: PgPool, created: LeadCreated) -> Result<(), Error> {
    Publisher::<Sales>::new().publish(&mut pool, created).await?;
    Ok(())
}

fn main() {}
