//! The order of a subject's events, where several of them fail in one page.

mod common;

use std::sync::Mutex;
use std::time::Duration;

use common::{Group, Happened, Home, Result, insert_effect, migrated, publish};
use eventwright::{Context, Event, Failure, Handled, Subscriber};

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
    let subscriber = Subscriber::<Home>::new("a", pool.clone()).ranges(1).state(Calls::default());
    subscriber.on(fail_in_turns).drain().await?;
    let order: Vec<i64> = sqlx::query_scalar("SELECT n FROM effects ORDER BY k").fetch_all(pool).await?;
    assert_eq!(order, [1, 2, 3]);
    Ok(())
}
