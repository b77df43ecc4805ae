use eventwright::{Error, Publisher};
use sguild_events::{CreditReleased, Delivery};
use sqlx::PgConnection;

async fn publish(db: &mut PgConnection, released: CreditReleased) -> Result<(), Error> {
    Publisher::<Delivery>::new().publish(db, released).await?;
    Ok(())
}

fn main() {}
