//! What runs around handlers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, insert_effect, migrated, publish};
use eventwright::testing::Database;
use eventwright::{
    Context, DeadLetters, Domain, Error, Event, Failure, Handled, Next, RetryPolicy, Subscriber, testing,
};
use sqlx::PgPool;

/// What was called, in order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn subscriber(pool: &PgPool, notes: &Notes) -> Subscriber<Home, Notes> {
    let retry = RetryPolicy::default().attempts(3).first(Duration::from_millis(5));
    common::subscriber::<Home>("a", pool).workers(1).ranges(1).retry(retry).state(notes.clone())
}

async fn with(events: &[(&str, i64)]) -> Result<Database> {
    let database = migrated().await?;
    Group::new("a", database.pool()).await?;
    for (about, n) in events {
        publish(&mut *database.pool().acquire().await?, about, *n).await?;
    }
    Ok(database)
}

async fn effects(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || n FROM effects ORDER BY k").fetch_all(pool).await?)
}

async fn handle(event: Event<Happened>, cx: &mut Context<'_, Home, Notes>) -> Handled {
    cx.state().note(format!("handle {}", event.payload.about));
    insert_effect(cx.tx(), "a", &event).await?;
    Ok(())
}

/// Fails the first time.
async fn handle_at_last(event: Event<Happened>, cx: &mut Context<'_, Home, Notes>) -> Handled {
    let first = !cx.state().all().contains(&"handle x".to_owned());
    handle(event, cx).await?;
    if first { Err(Failure::retry("not yet")) } else { Ok(()) }
}

async fn mail(event: Event<Happened>, notes: &Notes) -> Handled {
    notes.note(format!("mail {}", event.payload.about));
    Ok(())
}

async fn outer(next: Next<'_, Home, Notes>) -> Handled {
    let (state, envelope, attempt, group) = (next.state(), next.envelope(), next.attempt(), next.group());
    state.note(format!("outer {} {} {attempt} {group}", envelope.event_type, envelope.subject));
    let handled = next.run().await;
    state.note(format!("outer {}", if handled.is_ok() { "ok" } else { "failed" }));
    handled
}

/// For subscribers of any domain and state.
async fn transparent<D: Domain, S: Send + Sync>(next: Next<'_, D, S>) -> Handled {
    next.run().await
}

async fn inner(mut next: Next<'_, Home, Notes>) -> Handled {
    let state = next.state();
    state.note(if next.tx().is_some() { "inner in a transaction" } else { "inner in none" });
    let handled = next.run().await;
    state.note("inner done");
    handled
}

#[tokio::test]
async fn what_was_added_first_is_the_outermost() -> Result {
    let database = with(&[("x", 1)]).await?;
    let notes = Notes::default();
    // before and after the handler
    subscriber(database.pool(), &notes).around(outer).on(handle).around(transparent).around(inner).drain().await?;
    let expected =
        ["outer home.happened x 1 a", "inner in a transaction", "handle x", "inner done", "outer ok"].map(String::from);
    assert_eq!(notes.all(), expected);
    assert_eq!(effects(database.pool()).await?, ["x1"]);
    Ok(())
}

#[tokio::test]
async fn it_runs_around_effect_handlers_which_have_no_transaction() -> Result {
    let database = with(&[("x", 1)]).await?;
    let notes = Notes::default();
    subscriber(database.pool(), &notes).around(outer).around(inner).effect(mail).drain().await?;
    let expected = ["outer home.happened x 1 a", "inner in none", "mail x", "inner done", "outer ok"].map(String::from);
    assert_eq!(notes.all(), expected);
    Ok(())
}

#[tokio::test]
async fn it_is_told_which_attempt_it_is() -> Result {
    let database = with(&[("x", 1)]).await?;
    let notes = Notes::default();
    subscriber(database.pool(), &notes).around(outer).on(handle_at_last).drain().await?;
    let expected =
        ["outer home.happened x 1 a", "handle x", "outer failed", "outer home.happened x 2 a", "handle x", "outer ok"]
            .map(String::from);
    assert_eq!(notes.all(), expected);
    assert_eq!(effects(database.pool()).await?, ["x1"]);
    Ok(())
}

/// What middleware wrote goes the way of what the handler wrote.
#[tokio::test]
async fn it_writes_in_the_handlers_transaction() -> Result {
    async fn audited(mut next: Next<'_, Home, Notes>) -> Handled {
        let subject = next.envelope().subject.clone();
        let tx = next.tx().ok_or_else(|| Failure::reject("no transaction"))?;
        let audit = sqlx::query("INSERT INTO audit VALUES ($1)").bind(subject);
        audit.persistent(!common::is_through_pgbouncer()).execute(tx).await?;
        next.run().await
    }
    let database = with(&[("x", 1), ("y", 1)]).await?;
    let pool = database.pool();
    sqlx::query("CREATE TABLE audit (about text)").execute(pool).await?;
    let notes = Notes::default();
    subscriber(pool, &notes).around(audited).on(handle_at_last).drain().await?;
    let audit: Vec<String> = sqlx::query_scalar("SELECT about FROM audit ORDER BY about").fetch_all(pool).await?;
    assert_eq!(audit, ["x", "y"], "a row of the attempt that failed, or none");
    Ok(())
}

#[tokio::test]
async fn it_may_make_something_else_of_the_result() -> Result {
    /// Whoever sends nonsense is not tried again; and what is called `skip` is not handled at all.
    async fn gate(next: Next<'_, Home, Notes>) -> Handled {
        if next.envelope().subject == "skip" {
            return Ok(());
        }
        match next.run().await {
            Err(Failure::Retry(reason)) => Err(Failure::reject(format!("gate: {reason}"))),
            other => other,
        }
    }
    let database = with(&[("x", 1), ("skip", 1)]).await?;
    let pool = database.pool();
    let notes = Notes::default();
    subscriber(pool, &notes).around(gate).on(handle_at_last).drain().await?;
    assert_eq!(notes.all(), ["handle x"]);
    let letters = DeadLetters::new(pool.clone()).list(None, 10).await?;
    let letters: Vec<_> = letters.iter().map(|letter| (letter.attempts, letter.error.as_str())).collect();
    assert_eq!(letters, [(1, "gate: not yet")]);
    Ok(())
}

#[tokio::test]
async fn a_panic_in_it_is_a_failure_wherever_it_happens() -> Result {
    fn at_once<'a>(next: Next<'a, Home, Notes>) -> impl Future<Output = Handled> + Send + 'a {
        assert!(next.attempt() > 1, "at once");
        next.run()
    }
    async fn later(next: Next<'_, Home, Notes>) -> Handled {
        let attempt = next.attempt();
        next.run().await?;
        assert!(attempt > 2, "later");
        Ok(())
    }
    for effect in [false, true] {
        let database = with(&[("x", 1)]).await?;
        let notes = Notes::default();
        let subscriber = subscriber(database.pool(), &notes).around(at_once).around(later);
        let subscriber = if effect { subscriber.effect(mail) } else { subscriber.on(handle) };
        subscriber.drain().await?;
        let handled = if effect { "mail x" } else { "handle x" };
        assert_eq!(notes.all(), [handled, handled], "the second attempt and the third");
    }
    Ok(())
}

#[tokio::test]
async fn the_time_limit_is_for_it_and_the_handler_together() -> Result {
    async fn hang(next: Next<'_, Home, Notes>) -> Handled {
        next.run().await?;
        std::future::pending().await
    }
    let database = with(&[("x", 1)]).await?;
    let notes = Notes::default();
    let limit = Duration::from_millis(200);
    subscriber(database.pool(), &notes).time_limit(limit).around(hang).on(handle).drain().await?;
    let letters = DeadLetters::new(database.pool().clone()).list(None, 10).await?;
    let errors: Vec<_> = letters.iter().map(|letter| letter.error.as_str()).collect();
    assert_eq!(errors, ["the handler ran longer than 200ms"]);
    assert_eq!(effects(database.pool()).await?, [""; 0]);
    Ok(())
}

/// So that it can be reported like any other failure.
#[tokio::test]
async fn it_sees_what_can_not_be_decoded_as_rejected() -> Result {
    async fn report(next: Next<'_, Home, Notes>) -> Handled {
        let (state, handled) = (next.state(), next.run().await);
        if let Err(Failure::Reject(reason)) = &handled {
            state.note(format!("rejected: {reason}"));
        }
        handled
    }
    let database = with(&[("x", 1), ("y", 1)]).await?;
    let pool = database.pool();
    sqlx::query("UPDATE eventwright.outbox SET payload = '{}' WHERE subject = 'x'").execute(pool).await?;
    let notes = Notes::default();
    subscriber(pool, &notes).around(report).on(handle).drain().await?;
    assert!(notes.all()[0].starts_with("rejected: "), "{:?}", notes.all());
    assert_eq!(effects(pool).await?, ["y1"]);
    assert_eq!(DeadLetters::new(pool.clone()).list(None, 10).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_state_that_comes_after_it_is_an_error() -> Result {
    async fn bare(next: Next<'_, Home>) -> Handled {
        next.run().await
    }
    let database = with(&[]).await?;
    let subscriber = common::subscriber::<Home>("a", database.pool()).around(bare).state(Notes::default());
    let refused = subscriber.on(handle).drain().await;
    assert!(matches!(refused, Err(Error::StateAfterHandlers { .. })), "{refused:?}");
    Ok(())
}

/// A handler is tested by itself, whatever runs around it in a subscriber.
#[tokio::test]
async fn a_handler_is_called_without_it_in_tests() -> Result {
    let database = with(&[]).await?;
    let mut tx = database.pool().begin().await?;
    let notes = Notes::default();
    let called = testing::call(&mut tx, handle, testing::event(common::happened("x", 1)), &notes).await?;
    assert!(called.handled.is_ok());
    assert_eq!(notes.all(), ["handle x"]);
    Ok(())
}
