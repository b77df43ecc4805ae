//! One fact in two versions: the row carries both, and each group handles it once, in the newest version that it knows.

use crate::common::{Home, Result, Seen, migrated};
use eventwright::{
    Context, Error, Event, Handled, NeedsDowncast, NeedsSubject, NeedsSubjectAndDowncast, Object, OffsetDateTime,
    Payload, Publish, Publishable, PublishedBy, Publisher, SubscribedBy, Subscriber,
};
use sqlx::PgPool;

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct ReleasedV1 {
    account: String,
    credits: i64,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct ReleasedV2 {
    account: String,
    credits: i64,
    bonus: i64,
}

impl Payload for ReleasedV1 {
    const EVENT_TYPE: &'static str = "credit.released";
    const VERSION: u16 = 1;
}

impl Payload for ReleasedV2 {
    const EVENT_TYPE: &'static str = "credit.released";
    const VERSION: u16 = 2;
}

impl NeedsDowncast for ReleasedV2 {
    type Older = ReleasedV1;
    type Subject = String;

    fn subject(&self) -> String {
        self.account.clone()
    }
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct NotedV1 {
    text: String,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct NotedV2 {
    lines: Vec<String>,
}

impl Payload for NotedV1 {
    const EVENT_TYPE: &'static str = "home.noted";
    const VERSION: u16 = 1;
}

impl NeedsSubject for NotedV1 {
    type Subject = &'static str;
}

impl Payload for NotedV2 {
    const EVENT_TYPE: &'static str = "home.noted";
    const VERSION: u16 = 2;
}

impl NeedsSubjectAndDowncast for NotedV2 {
    type Older = NotedV1;
    type Subject = &'static str;
}

macro_rules! of_home {
    ($($payload:ty),*) => { $(
        impl PublishedBy<Home> for $payload {}
        impl Publishable for $payload {}
        impl SubscribedBy<Home> for $payload {}
    )* };
}

of_home!(ReleasedV1, ReleasedV2, NotedV1, NotedV2);

fn released(credits: i64, bonus: i64) -> ReleasedV2 {
    ReleasedV2::builder().account("a").credits(credits).bonus(bonus).build()
}

fn in_version_1(new: &ReleasedV2) -> ReleasedV1 {
    ReleasedV1::builder().account(new.account.clone()).credits(new.credits + new.bonus).build()
}

async fn hear_1(event: Event<ReleasedV1>, cx: &mut Context<'_, Home, Seen>) -> Handled {
    hear(cx, format!("v1 of {}: {}", event.envelope.schema_version, event.payload.credits))
}

async fn hear_2(event: Event<ReleasedV2>, cx: &mut Context<'_, Home, Seen>) -> Handled {
    hear(cx, format!("v2 of {}: {}+{}", event.envelope.schema_version, event.payload.credits, event.payload.bonus))
}

fn hear(cx: &Context<'_, Home, Seen>, text: String) -> Handled {
    cx.state().lock().map_err(|_| eventwright::Failure::retry("poisoned"))?.push(text);
    Ok(())
}

fn group(name: &str, pool: &PgPool) -> (Subscriber<Home, Seen>, Seen) {
    let seen = Seen::default();
    (crate::common::subscriber::<Home>(name, pool).ranges(1).state(Seen::clone(&seen)), seen)
}

fn heard(seen: &Seen) -> Vec<String> {
    seen.lock().map(|seen| seen.clone()).unwrap_or_default()
}

#[tokio::test]
async fn each_group_gets_the_newest_version_that_it_knows() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let home = Publisher::<Home>::new();
    home.publish(&mut db, released(1, 2).with_downcast(in_version_1)).await?;
    home.publish_all(&mut db, [released(3, 4).with_downcast(in_version_1)]).await?;
    let later = released(5, 6).with_downcast(in_version_1).publish_at(OffsetDateTime::UNIX_EPOCH);
    home.publish(&mut db, later.idempotency_key("k")).await?;
    sqlx::query("SELECT eventwright.publish_due(10)").execute(pool).await?;

    let (old, seen_by_old) = group("old", pool);
    old.on(hear_1).drain().await?;
    assert_eq!(heard(&seen_by_old), ["v1 of 2: 3", "v1 of 2: 7", "v1 of 2: 11"]);
    let (new, seen_by_new) = group("new", pool);
    new.on(hear_2).drain().await?;
    assert_eq!(heard(&seen_by_new), ["v2 of 2: 1+2", "v2 of 2: 3+4", "v2 of 2: 5+6"]);
    let (both, seen_by_both) = group("both", pool);
    both.on(hear_1).on(hear_2).drain().await?;
    assert_eq!(heard(&seen_by_both), heard(&seen_by_new), "once, and in the newest version");
    Ok(())
}

#[tokio::test]
async fn a_subject_apart_comes_first() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let note = NotedV2::builder().lines(["a".to_owned(), "b".to_owned()]).build();
    let event =
        note.about("x").with_downcast(|new| NotedV1::builder().text(new.lines.join("\n")).build()).tenant("acme");
    Publisher::<Home>::new().publish(&mut pool.acquire().await?, event).await?;
    let row: (String, i32, String, i32, String) = sqlx::query_as(
        "SELECT subject, schema_version, payload::text, downcast_version, downcast_payload::text FROM eventwright.outbox",
    )
    .fetch_one(pool)
    .await?;
    let expected = ("x".to_owned(), 2, r#"{"lines":["a","b"]}"#.to_owned(), 1, r#"{"text":"a\nb"}"#.to_owned());
    assert_eq!(row, expected);
    Ok(())
}

/// The older payload has the same limit, and is no secret that a log prints.
#[tokio::test]
async fn the_older_payload_is_checked_and_not_shown() -> Result {
    let database = migrated().await?;
    let mut db = database.pool().acquire().await?;
    let event = NotedV2::builder()
        .lines(Vec::new())
        .build()
        .about("x")
        .with_downcast(|_| NotedV1::builder().text("a secret".repeat(100)).build());
    assert!(!format!("{event:?}").contains("a secret"), "{event:?}");
    let refused = Publisher::<Home>::new().max_payload(500).publish(&mut db, event).await;
    assert!(matches!(refused, Err(Error::PayloadTooLarge { version: 1, bytes: 811, limit: 500, .. })), "{refused:?}");
    Ok(())
}

/// A deprecated version may still be published by itself, until it is retired.
#[tokio::test]
async fn an_older_version_goes_alone() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let note = NotedV1::builder().text("hello").build();
    Publisher::<Home>::new().publish(&mut pool.acquire().await?, note.about("x")).await?;
    let none: bool =
        sqlx::query_scalar("SELECT downcast_version IS NULL FROM eventwright.outbox").fetch_one(pool).await?;
    assert!(none);
    Ok(())
}
