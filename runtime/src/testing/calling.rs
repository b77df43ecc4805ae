//! Calling a handler by itself.

use std::sync::atomic::AtomicBool;

use sqlx::{Connection, PgConnection};

use super::Error;
use super::events::{last_seq, published_after};
use crate::subscribe::HandlerFn;
use crate::{Context, Domain, Event, Failure, Handled, Json, Publisher};

/// What a handler did: the answer of [`call`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Called {
    /// What it returned.
    pub handled: Handled,
    /// What it published, with the payloads as JSON; nothing where it failed. [`published`](super::published) has them in their types.
    pub published: Vec<Event<Json>>,
}

/// Calls a handler with an event, in the transaction that is open on `db`, as a subscriber does: where the handler fails, what it
/// wrote is undone. The transaction stays open, to look at what the handler wrote.
///
/// ```no_run
/// # use eventwright::{CarriesSubject, Context, Domain, Event, Handled, testing};
/// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
/// # async fn count_lead<E: Send>(_: Event<E>, _: &mut Context<'_, Growth>) -> Handled { Ok(()) }
/// # async fn example<LeadCreated: CarriesSubject>(pool: sqlx::PgPool, lead_created: LeadCreated)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = pool.begin().await?;
/// let called = testing::call(&mut tx, count_lead::<LeadCreated>, testing::event(lead_created), &()).await?;
/// assert!(called.handled.is_ok());
/// let leads: i64 = sqlx::query_scalar("SELECT count(*) FROM funnel").fetch_one(&mut *tx).await?;
/// assert_eq!(leads, 1);
/// # Ok(()) }
/// ```
///
/// An effect handler takes an event and the state, and is called as it is: `greet(testing::event(lead_created), &mail).await`.
///
/// # Errors
/// Where the database refuses what stands around the handler. What goes wrong in the handler is in [`Called::handled`].
///
/// # Panics
/// Where the handler does.
///
/// # Cancellation
/// Dropping the future leaves a savepoint in the transaction: roll it back.
pub async fn call<E, D, S, F>(db: &mut PgConnection, handler: F, event: Event<E>, state: &S) -> Result<Called, Error>
where
    D: Domain,
    F: for<'a> HandlerFn<'a, E, D, S>,
{
    let around = |reason| Error::sql("calling a handler in a savepoint", reason);
    let before = last_seq(db).await.map_err(around)?;
    let mut savepoint = db.begin().await.map_err(around)?;
    let (cause, publisher) = (event.envelope.clone(), Publisher::<D>::new());
    let has_tx = AtomicBool::new(false);
    let mut cx = Context::new(&mut savepoint, &has_tx, state, &cause, &publisher);
    if let Err(failure) = handler(event, &mut cx).await {
        savepoint.rollback().await.map_err(around)?;
        return Ok(Called { handled: Err(failure), published: Vec::new() });
    }
    if is_aborted(&mut savepoint).await.map_err(around)? {
        savepoint.rollback().await.map_err(around)?;
        let failure = Failure::retry("the handler returned Ok after a statement in its transaction had failed");
        return Ok(Called { handled: Err(failure), published: Vec::new() });
    }
    let published = published_after(&mut savepoint, before).await?;
    savepoint.commit().await.map_err(around)?;
    Ok(Called { handled: Ok(()), published })
}

/// Whether a statement failed before, of which the handler said nothing.
async fn is_aborted(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match sqlx::query("SELECT 1").execute(db).await {
        Ok(_) => Ok(false),
        // Postgres appendix A: in_failed_sql_transaction
        Err(error) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some("25P02") => Ok(true),
        Err(error) => Err(error),
    }
}
