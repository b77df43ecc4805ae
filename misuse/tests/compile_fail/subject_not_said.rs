use eventwright::{Error, Publisher};
use sguild_events::{Growth, IntakeCaptured};
use sqlx::PgConnection;

async fn publish(db: &mut PgConnection, captured: IntakeCaptured) -> Result<(), Error> {
    Publisher::<Growth>::new().publish(db, captured).await?;
    Ok(())
}

fn main() {}
