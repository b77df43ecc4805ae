//! From one domain's transaction through Postgres into another's handlers, by the generated bindings.

use std::path::PathBuf;
use std::process::Command;

use eventwright::testing::Database;
use eventwright::{
    Context, Event, EventId, Handled, Incoming, Int, Kind, NeedsSubject, OffsetDateTime, Payload, Publish, Publisher,
    Reading, Subscriber,
};
use sguild_events::{
    AnyEvent, FormSubmissionId, Growth, GrowthEvent, IntakeAmended, LeadCreated, LeadId, LeadReached, PaymentReceived,
    Sales, SalesEvent,
};

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

async fn migrated() -> Result<Database> {
    let database = Database::create().await?;
    eventwright::migrate(database.pool()).await?;
    sqlx::raw_sql("CREATE TABLE funnel (lead text PRIMARY KEY, reached boolean NOT NULL DEFAULT false)")
        .execute(database.pool())
        .await?;
    Ok(database)
}

fn lead_created(lead: LeadId) -> LeadCreated {
    LeadCreated::builder()
        .lead_id(lead)
        .source("referral")
        .stage("new")
        .originating_intake_event_id(EventId::new())
        .created_at(OffsetDateTime::now_utc())
        .build()
}

async fn keep_funnel(event: Event<GrowthEvent>, cx: &mut Context<'_, Growth>) -> Handled {
    match event.payload {
        GrowthEvent::LeadCreatedV1(lead) => {
            sqlx::query("INSERT INTO funnel (lead) VALUES ($1)").bind(lead.lead_id).execute(cx.tx()).await?;
        }
        GrowthEvent::LeadReachedV1(lead) => {
            sqlx::query("UPDATE funnel SET reached = true WHERE lead = $1").bind(lead.lead_id).execute(cx.tx()).await?;
        }
        _ => {}
    }
    Ok(())
}

#[tokio::test]
async fn one_match_over_all_that_a_domain_receives() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let sales = Publisher::<Sales>::new();
    let (kept, undone) = (LeadId::new(), LeadId::new());

    let mut tx = pool.begin().await?;
    sales.publish(&mut tx, lead_created(kept)).await?;
    let reached = LeadReached::builder()
        .lead_id(kept)
        .attempt_number(Int::from_static(2))
        .reached_at(OffsetDateTime::now_utc())
        .outcome("call me later")
        .build();
    sales.publish(&mut tx, reached.tenant("sguild").correlation("import-17")).await?;
    tx.commit().await?;
    let mut tx = pool.begin().await?;
    sales.publish(&mut tx, lead_created(undone)).await?;
    tx.rollback().await?;

    Subscriber::<Growth>::new("growth-funnel", pool.clone()).on(keep_funnel).drain().await?;
    let funnel: Vec<(LeadId, bool)> = sqlx::query_as("SELECT lead, reached FROM funnel").fetch_all(pool).await?;
    assert_eq!(funnel, [(kept, true)]);
    Ok(())
}

/// The log holds what was published, and the envelope says who, what and about whom.
#[tokio::test]
async fn the_log_holds_what_was_published() -> Result {
    let database = migrated().await?;
    let mut tx = database.pool().begin().await?;
    let lead = LeadId::new();
    let created = lead_created(lead);
    let event_id = Publisher::<Sales>::new().publish(&mut tx, created.clone().tenant("sguild")).await?.event_id;
    tx.commit().await?;
    type Row = (sqlx::types::Uuid, String, i32, String, Option<String>, String, String, String);
    let (id, event_type, version, source, tenant, subject, correlation, payload): Row = sqlx::query_as(
        "SELECT event_id, event_type, schema_version, source, tenant_id, subject, correlation_id, payload::text
           FROM eventwright.outbox",
    )
    .fetch_one(database.pool())
    .await?;
    assert_eq!(id, event_id.as_uuid());
    assert_eq!((event_type.as_str(), version, source.as_str()), ("lead.created", 1, "sales"));
    assert_eq!((tenant.as_deref(), subject), (Some("sguild"), lead.to_string()));
    assert_eq!(correlation, event_id.to_string());
    assert_eq!(payload, created.encode()?);
    let read = AnyEvent::decode(&event_type, 1, payload.as_bytes(), Reading::Strict)?;
    assert_eq!(read, AnyEvent::LeadCreatedV1(created));
    Ok(())
}

/// A payload without its subject's id is told it, and one that names a tenant says so in the envelope.
#[tokio::test]
async fn a_subject_apart_and_a_tenant_within() -> Result {
    async fn hear(event: Event<SalesEvent>, cx: &mut Context<'_, Sales>) -> Handled {
        let subject = event.envelope.subject.clone();
        if let SalesEvent::IntakeAmendedV1(amended) = event.payload {
            assert_eq!(event.envelope.tenant_id.as_deref(), Some(amended.tenant_id.as_str()));
            sqlx::query("INSERT INTO funnel (lead) VALUES ($1)").bind(subject).execute(cx.tx()).await?;
        }
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    let form = FormSubmissionId::new();
    let example = example("intake.amended")?;
    let amended = IntakeAmended::decode(example.as_bytes(), Reading::Strict)?;
    Publisher::<Growth>::new().publish(&mut *pool.acquire().await?, amended.about(form)).await?;
    Subscriber::<Sales>::new("sales-intake", pool.clone()).on(hear).drain().await?;
    let heard: Vec<String> = sqlx::query_scalar("SELECT lead FROM funnel").fetch_all(pool).await?;
    assert_eq!(heard, [form.to_string()]);
    Ok(())
}

/// A value that a later revision of the contract adds is read, kept apart, and can't be published on.
#[tokio::test]
async fn an_unrecognized_value_is_read_and_not_published() -> Result {
    let json = example("payment.received")?.replace("\"card\"", "\"carrier_pigeon\"");
    assert!(PaymentReceived::decode(json.as_bytes(), Reading::Strict).is_err());
    let received = PaymentReceived::decode(json.as_bytes(), Reading::Tolerant)?;
    assert_eq!(received.payment_method.as_str(), "carrier_pigeon");
    let delivered = GrowthEvent::receive("payment.received", 1, json.as_bytes())?;
    assert_eq!(delivered, GrowthEvent::PaymentReceivedV1(received.clone()));
    assert_eq!(delivered.kind(), Kind::of::<PaymentReceived>());
    assert!(delivered.encode().is_err());
    let database = migrated().await?;
    let published = Publisher::<sguild_events::Revenue>::new()
        .publish(&mut *database.pool().acquire().await?, received)
        .await
        .expect_err("published an unrecognized value");
    assert!(matches!(published, eventwright::Error::Encode { event_type: "payment.received", .. }), "{published:?}");
    Ok(())
}

/// What contracts/event-envelope promises to those who read the log without these bindings.
#[tokio::test]
async fn the_log_has_what_the_envelope_schema_names() -> Result {
    let schema = std::fs::read_to_string("contracts/event-envelope/schema/event-envelope-v1.json")?;
    let schema: serde_json::Value = serde_json::from_str(&schema)?;
    let properties = schema["properties"].as_object().ok_or("no properties")?;
    let required = schema["required"].as_array().ok_or("nothing required")?;
    let database = migrated().await?;
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT column_name::text, is_nullable::text FROM information_schema.columns
          WHERE table_schema = 'eventwright' AND table_name = 'outbox'",
    )
    .fetch_all(database.pool())
    .await?;
    assert!(properties.len() > 8);
    for (name, property) in properties {
        let column = columns.iter().find(|(column, _)| column == name);
        let (_, nullable) = column.ok_or_else(|| format!("the log has no column {name}"))?;
        let never_null = required.contains(&name.as_str().into()) && property["type"].is_string();
        assert_eq!(nullable == "NO", never_null, "{name}");
    }
    Ok(())
}

/// The payload that a contract's schema gives as its example.
fn example(event_type: &str) -> Result<String> {
    let registry = std::fs::read_to_string("contracts/event-types-registry.json")?;
    let registry: serde_json::Value = serde_json::from_str(&registry)?;
    let entries = registry["event_types"].as_array().ok_or("no event types")?;
    let entry = entries.iter().find(|entry| entry["event_type"] == event_type).ok_or("no such event type")?;
    let path = entry["versions"][0]["payload"].as_str().ok_or("no payload")?;
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(format!("contracts/{path}"))?)?;
    Ok(schema["examples"][0].to_string())
}

/// Builds the examples' programs beside this test, and says in which directory they are. As parts of the whole workspace, and with
/// a test, they have what they depend on compiled with the features that this test has it with: once.
fn build_examples() -> Result<PathBuf> {
    // `target/debug/deps/end_to_end-…`
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).ok_or("no target directory")?;
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--all-features", "--test", "end_to_end"])
        .args(["--bin", "producer", "--bin", "consumer"])
        .arg("--target-dir")
        .arg(target)
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // whatever this test's own profile is
    Ok(target.join("debug"))
}

/// What `cargo xtask demo` shows.
#[tokio::test]
async fn the_examples_tell_their_story() -> Result {
    let database = Database::create().await?;
    eventwright::migrate(database.pool()).await?;
    let programs = build_examples()?;
    let run = |name: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(programs.join(name)).args(arguments).env("DATABASE_URL", database.url()).output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let produced = run("producer", &[])?;
    let consumed = run("consumer", &["--drain"])?;
    let count = |text: &str, what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!((count(&produced, "published"), count(&produced, "rolled back")), (4, 1), "{produced}");
    let told =
        ["funnel       counts", "funnel       rejects", "greetings    fails", "greetings    greets", "dead letter"];
    assert_eq!(told.map(|what| count(&consumed, what)), [2, 1, 3, 3, 1], "{consumed}");
    assert!(consumed.contains("2 leads, 1 of them reached"), "{consumed}");
    let undone =
        produced.lines().find(|line| line.starts_with("rolled back")).and_then(|line| line.split_whitespace().nth(3));
    assert!(!consumed.contains(undone.ok_or("nothing rolled back")?), "{consumed}");
    Ok(())
}
