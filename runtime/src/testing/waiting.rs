//! Waiting for subscribers that run.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::Error;
use crate::payload::EventId;
use crate::{EventLookup, Standing};

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Waits until a group, whose subscriber runs elsewhere, has handled an event: for at most ten seconds.
///
/// ```no_run
/// # use eventwright::{EventId, testing};
/// # async fn example(pool: sqlx::PgPool, event_id: EventId) -> Result<(), testing::Error> {
/// testing::handled(&pool, "growth-funnel", event_id).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::NotHandled`], which says where the event is: where time is up, and at once where waiting is of no use, because the event
/// is dead, or the group does not subscribe to it, or is detached. Where the database refuses.
pub async fn handled(pool: &PgPool, group: &str, event_id: EventId) -> Result<(), Error> {
    handled_within(pool, group, event_id, PATIENCE).await
}

/// As [`handled`], for at most this time.
///
/// # Errors
/// As [`handled`].
pub async fn handled_within(pool: &PgPool, group: &str, event_id: EventId, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    let lookup = EventLookup::new(pool.clone());
    loop {
        let found = lookup.find(event_id).await.map_err(|source| Error::Lookup { source: Box::new(source) })?;
        let standing = found.group(group);
        let in_vain = standing.is_some_and(|group| {
            group.detached_at.is_some() || matches!(group.standing, Standing::Dead { .. } | Standing::NotSubscribed)
        });
        if standing.is_some_and(|group| group.standing.is_handled()) {
            return Ok(());
        }
        if in_vain || Instant::now() >= deadline {
            let state = match standing {
                Some(group) if group.detached_at.is_some() => {
                    format!("the group is detached; the event {}", group.standing)
                }
                Some(group) if group.paused_at.is_some() => {
                    format!("the group is paused; the event {}", group.standing)
                }
                Some(group) => group.standing.to_string(),
                None => format!("the group has nothing of it; {}", found.published),
            };
            return Err(Error::NotHandled { event_id, group: group.to_owned(), state });
        }
        tokio::time::sleep(POLL).await;
    }
}
