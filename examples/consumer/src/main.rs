//! The growth side: a funnel that counts each lead exactly once, and a greeting by mail.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use eventwright::{Context, Event, Failure, Handled, RetryPolicy, Subscriber};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use events::{Growth, LeadCreated, LeadReached};

#[cfg(test)]
mod tests;

#[allow(missing_docs, reason = "generated from contracts that describe themselves")]
mod events {
    eventwright::include_events!();
}

const FUNNEL: &str = "CREATE TABLE IF NOT EXISTS funnel (lead text PRIMARY KEY, source text NOT NULL, reached boolean NOT NULL DEFAULT false)";

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// A mail service that refuses everybody once, as they do.
#[derive(Default)]
struct Mail {
    refused: Mutex<HashSet<String>>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let pool = PgPoolOptions::new().max_connections(20).connect(&std::env::var("DATABASE_URL")?).await?;
    sqlx::query(FUNNEL).execute(&pool).await?;

    // one event a transaction: what runs again after a failure would print again, too
    let funnel = Subscriber::<Growth>::new("growth-funnel", pool.clone()).chunk(1).on(count_lead).on(mark_reached);
    let greetings = Subscriber::<Growth>::new("growth-greetings", pool.clone())
        .state(Mail::default())
        .retry(RetryPolicy::default().first(Duration::from_millis(200)))
        .effect(greet);
    if std::env::args().any(|arg| arg == "--drain") {
        funnel.drain().await?;
        greetings.drain().await?;
        return report(&pool).await;
    }
    tokio::try_join!(funnel.run_until(ctrl_c()), greetings.run_until(ctrl_c()))?;
    Ok(())
}

async fn count_lead(event: Event<LeadCreated>, cx: &mut Context<'_, Growth>) -> Handled {
    let lead = event.payload;
    if lead.source == "bought_list" {
        println!("funnel       rejects       {}: {} is no source of ours", lead.lead_id, lead.source);
        return Err(Failure::reject(format!("{} is no source of ours", lead.source)));
    }
    sqlx::query("INSERT INTO funnel (lead, source) VALUES ($1, $2)")
        .bind(lead.lead_id)
        .bind(&lead.source)
        .execute(cx.tx())
        .await?;
    println!("funnel       counts        {} from {}", lead.lead_id, lead.source);
    Ok(())
}

async fn mark_reached(event: Event<LeadReached>, cx: &mut Context<'_, Growth>) -> Handled {
    let lead = event.payload.lead_id;
    sqlx::query("UPDATE funnel SET reached = true WHERE lead = $1").bind(lead).execute(cx.tx()).await?;
    println!("funnel       marks reached {lead}, attempt {}", event.payload.attempt_number);
    Ok(())
}

async fn greet(event: Event<LeadCreated>, mail: &Mail) -> Handled {
    let lead = event.payload.lead_id.to_string();
    let first_try = mail.refused.lock().map_err(|_| Failure::retry("the mail service broke"))?.insert(lead.clone());
    if first_try {
        println!("greetings    fails         {lead}: the mail service is busy, it will be retried");
        return Err(Failure::retry("the mail service is busy"));
    }
    println!("greetings    greets        {lead}");
    Ok(())
}

async fn report(pool: &PgPool) -> Result<()> {
    let (counted, reached): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(*) FILTER (WHERE reached) FROM funnel").fetch_one(pool).await?;
    println!("funnel       has           {counted} leads, {reached} of them reached");
    for letter in eventwright::DeadLetters::new(pool.clone()).list(None, 10).await? {
        println!(
            "dead letter  of {}: {} of {}: {}",
            letter.group, letter.envelope.event_type, letter.envelope.subject, letter.error
        );
    }
    Ok(())
}

async fn ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("can't wait for Ctrl-C, so stopping now: {error}");
    }
}
