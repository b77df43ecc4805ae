//! The sales side: leads are stored and reported in one transaction.

use eventwright::{EventId, Int, OffsetDateTime, Publisher};
use sqlx::PgPool;

use events::{LeadCreated, LeadId, LeadReached, Sales};

#[allow(missing_docs, reason = "generated from contracts that describe themselves")]
mod events {
    eventwright::include_events!();
}

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS leads (id text PRIMARY KEY, source text NOT NULL)").execute(&pool).await?;
    let sales = Publisher::<Sales>::new();

    let first = create_lead(&pool, &sales, "referral").await?;
    create_lead(&pool, &sales, "web_form").await?;
    create_lead(&pool, &sales, "bought_list").await?;
    change_of_mind(&pool, &sales).await?;
    reach_lead(&pool, &sales, first).await
}

async fn create_lead(pool: &PgPool, sales: &Publisher<Sales>, source: &str) -> Result<LeadId> {
    let lead = LeadId::new();
    let mut tx = pool.begin().await?;
    insert_lead(&mut tx, lead, source).await?;
    sales.publish(&mut tx, lead_created(lead, source)).await?;
    tx.commit().await?;
    println!("published    lead.created  {lead} from {source}");
    Ok(lead)
}

/// The event goes the way of the row: nobody hears of this lead.
async fn change_of_mind(pool: &PgPool, sales: &Publisher<Sales>) -> Result<()> {
    let lead = LeadId::new();
    let mut tx = pool.begin().await?;
    insert_lead(&mut tx, lead, "walk_in").await?;
    sales.publish(&mut tx, lead_created(lead, "walk_in")).await?;
    tx.rollback().await?;
    println!("rolled back  lead.created  {lead} from walk_in");
    Ok(())
}

async fn reach_lead(pool: &PgPool, sales: &Publisher<Sales>, lead: LeadId) -> Result<()> {
    let reached = LeadReached::builder()
        .lead_id(lead)
        .attempt_number(Int::from_static(2))
        .reached_at(OffsetDateTime::now_utc())
        .build();
    let mut tx = pool.begin().await?;
    sales.publish(&mut tx, reached).await?;
    tx.commit().await?;
    println!("published    lead.reached  {lead} at the second attempt");
    Ok(())
}

async fn insert_lead(tx: &mut sqlx::PgConnection, lead: LeadId, source: &str) -> Result<()> {
    sqlx::query("INSERT INTO leads (id, source) VALUES ($1, $2)").bind(lead).bind(source).execute(tx).await?;
    Ok(())
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
