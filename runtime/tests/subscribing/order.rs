//! The order of a subject's events, where several of them fail in one page.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, insert_effect, migrated, publish};
use eventwright::{Context, Event, Failure, Handled};
use tokio::sync::Notify;
use tokio::time::timeout;

/// The second event fails when the page runs first, and so the page runs again; then the first event fails. Both are held back,
/// and the second, though it is due earlier, waits behind the first.
#[tokio::test]
async fn of_two_that_fail_in_turns_the_later_waits() -> Result {
    type Calls = Mutex<Vec<i64>>;
    async fn fail_in_turns(event: Event<Happened>, cx: &mut Context<'_, Home, Calls>) -> Handled {
        let n = event.payload.n;
        let times = {
            let mut calls = cx.state().lock().map_err(|_| Failure::retry("poisoned"))?;
            calls.push(n);
            calls.iter().filter(|call| **call == n).count()
        };
        insert_effect(cx.tx(), "a", &event).await?;
        match (n, times) {
            (1, 2) => Err(Failure::RetryIn(Duration::from_millis(300), "the second time".into())),
            (2, 1) => Err(Failure::RetryIn(Duration::ZERO, "the first time".into())),
            _ => Ok(()),
        }
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    for n in 1..=3 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    let subscriber = common::subscriber::<Home>("a", pool).ranges(1).state(Calls::default());
    subscriber.on(fail_in_turns).drain().await?;
    let order: Vec<i64> = sqlx::query_scalar("SELECT n FROM effects ORDER BY k").fetch_all(pool).await?;
    assert_eq!(order, [1, 2, 3]);
    Ok(())
}

/// The only worker is at a long backlog, which is not handled to its end before the event that has failed is.
#[tokio::test]
async fn an_event_that_failed_is_tried_again_while_a_backlog_is_read() -> Result {
    type Again = (AtomicBool, Notify);
    async fn wait_for_the_first(event: Event<Happened>, cx: &mut Context<'_, Home, Again>) -> Handled {
        insert_effect(cx.tx(), "a", &event).await?;
        let (failed, again) = cx.state();
        match event.payload.n {
            1 if !failed.swap(true, Ordering::Relaxed) => {
                return Err(Failure::RetryIn(Duration::ZERO, "at first".into()));
            }
            1 => again.notify_one(),
            2 => again.notified().await,
            _ => {}
        }
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    for n in 1..=3 {
        publish(&mut *pool.acquire().await?, &n.to_string(), n).await?;
    }
    let subscriber = common::subscriber::<Home>("a", pool).ranges(1).workers(1).chunk(1).state(Again::default());
    // not by failing itself, in the end
    let subscriber = subscriber.time_limit(Duration::from_secs(60));
    timeout(Duration::from_secs(20), subscriber.on(wait_for_the_first).drain()).await??;
    let order: Vec<i64> = sqlx::query_scalar("SELECT n FROM effects ORDER BY n").fetch_all(pool).await?;
    assert_eq!(order, [1, 2, 3]);
    Ok(())
}
