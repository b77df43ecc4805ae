//! What the handlers do: one by one, and in subscribers that run.

use eventwright::testing::{self, Database};
use eventwright::{EventId, Failure, Int, OffsetDateTime, RetryPolicy, Subscriber};

use super::events::{Growth, LeadCreated, LeadId, LeadReached};
use super::{Duration, FUNNEL, Mail, Result, count_lead, greet, mark_reached};

async fn database() -> Result<Database> {
    let database = Database::migrated().await?;
    sqlx::query(FUNNEL).execute(database.pool()).await?;
    Ok(database)
}

fn lead_created(lead: LeadId, source: &str) -> LeadCreated {
    LeadCreated::builder()
        .lead_id(lead)
        .source(source)
        .stage("new")
        .originating_intake_event_id(EventId::new())
        .created_at(OffsetDateTime::now_utc())
        .build()
}

/// One handler, called with one event in a transaction that is never committed.
#[tokio::test]
async fn a_lead_is_counted() -> Result<()> {
    let database = database().await?;
    let mut tx = database.pool().begin().await?;
    let event = testing::event(lead_created(LeadId::new(), "referral"));
    let called = testing::call(&mut tx, count_lead, event, &()).await?;
    assert!(called.handled.is_ok(), "{called:?}");
    assert!(called.published.is_empty(), "growth publishes nothing here");
    let sources: Vec<String> = sqlx::query_scalar("SELECT source FROM funnel").fetch_all(&mut *tx).await?;
    assert_eq!(sources, ["referral"]);
    Ok(())
}

#[tokio::test]
async fn a_bought_lead_is_rejected() -> Result<()> {
    let database = database().await?;
    let mut tx = database.pool().begin().await?;
    let event = testing::event(lead_created(LeadId::new(), "bought_list"));
    let called = testing::call(&mut tx, count_lead, event, &()).await?;
    assert!(matches!(called.handled, Err(Failure::Reject(_))), "{called:?}");
    Ok(())
}

/// An effect handler is a function of an event and the state.
#[tokio::test]
async fn a_busy_mail_service_is_tried_again() {
    let mail = Mail::default();
    let event = testing::event(lead_created(LeadId::new(), "referral"));
    assert!(matches!(greet(event.clone(), &mail).await, Err(Failure::Retry(_))));
    assert!(greet(event, &mail).await.is_ok());
}

/// The whole subscriber, until nothing is left to do.
#[tokio::test]
async fn a_reached_lead_is_counted_and_marked() -> Result<()> {
    let database = database().await?;
    let pool = database.pool();
    let lead = LeadId::new();
    let reached =
        LeadReached::builder().lead_id(lead).attempt_number(Int::from_static(2)).reached_at(OffsetDateTime::now_utc());
    let mut tx = pool.begin().await?;
    testing::publish(&mut tx, lead_created(lead, "referral")).await?;
    testing::publish(&mut tx, reached.build()).await?;
    tx.commit().await?;

    Subscriber::<Growth>::new("growth-funnel", pool.clone()).on(count_lead).on(mark_reached).drain().await?;
    let funnel: Vec<(String, bool)> = sqlx::query_as("SELECT lead, reached FROM funnel").fetch_all(pool).await?;
    assert_eq!(funnel, [(lead.to_string(), true)]);
    Ok(())
}

/// A subscriber that runs beside the test.
#[tokio::test]
async fn a_lead_is_greeted_in_the_end() -> Result<()> {
    let database = database().await?;
    let pool = database.pool();
    let greetings = Subscriber::<Growth>::new("growth-greetings", pool.clone())
        .state(Mail::default())
        .retry(RetryPolicy::default().first(Duration::from_millis(10)))
        .effect(greet);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(greetings.run_until(async { stopped.await.unwrap_or(()) }));
    let event_id = testing::publish(&mut *pool.acquire().await?, lead_created(LeadId::new(), "referral")).await?;
    testing::handled(pool, "growth-greetings", event_id).await?;
    drop(stop);
    Ok(running.await??)
}
