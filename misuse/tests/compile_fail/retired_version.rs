use eventwright::{Error, NeedsSubject, Publisher};
use sguild_events::{FormSubmissionId, Growth, IntakeCapturedV1};
use sqlx::PgConnection;

async fn publish(db: &mut PgConnection, captured: IntakeCapturedV1) -> Result<(), Error> {
    Publisher::<Growth>::new().publish(db, captured.about(FormSubmissionId::new())).await?;
    Ok(())
}

fn main() {}
