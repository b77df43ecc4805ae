use eventwright::{Batch, Error, Publisher};
use sguild_events::{Growth, LeadCreated};
use sqlx::PgConnection;

async fn publish(db: &mut PgConnection, created: LeadCreated) -> Result<(), Error> {
    let mut batch = Batch::<Growth>::new();
    batch.add(created);
    Publisher::new().publish_batch(db, batch).await?;
    Ok(())
}

fn main() {}
