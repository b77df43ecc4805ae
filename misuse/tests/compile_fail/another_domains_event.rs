use eventwright::{Error, Publisher};
use sguild_events::{Growth, LeadCreated};
use sqlx::PgConnection;

async fn publish(db: &mut PgConnection, created: LeadCreated) -> Result<(), Error> {
    Publisher::<Growth>::new().publish(db, created).await?;
    Ok(())
}

fn main() {}
