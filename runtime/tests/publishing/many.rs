//! Publishing many events at once, what is said beside them, and what is refused.

use crate::common::{Group, Happened, Home, Result, happened, migrated};
use eventwright::testing::{Database, Settings};
use eventwright::{
    Batch, Domain, Error, Event, NeedsSubject, Object, OffsetDateTime, Payload, Publish, Publishable, Published,
    PublishedBy, Publisher,
};
use sqlx::{PgPool, Row};

/// Another event type of the same domain, whose subject the publisher says.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Noted {
    text: String,
}

impl Payload for Noted {
    const EVENT_TYPE: &'static str = "home.noted";
    const VERSION: u16 = 3;
}

impl NeedsSubject for Noted {
    type Subject = &'static str;
}

impl PublishedBy<Home> for Noted {}
impl Publishable for Noted {}

fn noted(text: &str) -> Noted {
    Noted::builder().text(text).build()
}

fn home() -> Publisher<Home> {
    Publisher::new()
}

/// `subject`s of the log in the order of seq.
async fn log(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT subject FROM eventwright.outbox ORDER BY seq").fetch_all(pool).await?)
}

#[tokio::test]
async fn a_batch_keeps_its_order() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut tx = pool.begin().await?;
    home().publish(&mut tx, happened("before", 0)).await?;
    // no order that a sort or a hash table would make by itself
    let numbers: Vec<i64> = (0..5000).map(|n| (n * 7919) % 5003).collect();
    let published = home().publish_all(&mut tx, numbers.iter().map(|n| happened("many", *n))).await?;
    home().publish(&mut tx, happened("after", 0)).await?;
    tx.commit().await?;
    let rows: Vec<(uuid::Uuid, i64)> = sqlx::query_as(
        "SELECT event_id, (payload->>'n')::bigint FROM eventwright.outbox WHERE subject = 'many' ORDER BY seq",
    )
    .fetch_all(pool)
    .await?;
    assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>(), numbers);
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), ids(&published));
    assert!(published.iter().all(|event| event.is_new));
    let log = log(pool).await?;
    assert_eq!((log[0].as_str(), log[5001].as_str()), ("before", "after"));
    Ok(())
}

fn ids(published: &[Published]) -> Vec<uuid::Uuid> {
    published.iter().map(|event| eventwright::Id::as_uuid(&event.event_id)).collect()
}

/// The default that takes a row's number is worked out above the sort: not a matter of luck with small batches.
#[tokio::test]
async fn numbers_are_taken_after_the_sort() -> Result {
    let database = migrated().await?;
    let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "EXPLAIN (VERBOSE, COSTS OFF) {}",
        with_values(eventwright::PUBLISH_BATCH_SQL)
    )))
    .fetch_all(database.pool())
    .await?;
    let plan = plan.join("\n");
    let (_, insert) = plan.split_once("Insert on eventwright.outbox").ok_or("no insert")?;
    let nodes: Vec<&str> = insert.split("->  ").skip(1).collect();
    let kinds: Vec<&str> = nodes.iter().filter_map(|node| node.lines().next()).map(str::trim_end).collect();
    assert!(kinds[0].starts_with("Subquery Scan") && nodes[0].contains("nextval("), "{plan}");
    let sort = kinds.iter().position(|kind| *kind == "Sort").ok_or("no sort")?;
    assert!(kinds[1..sort].iter().all(|kind| *kind == "Result"), "{plan}");
    assert!(nodes[sort].contains("Sort Key: f.n\n"), "{plan}");
    Ok(())
}

/// EXPLAIN takes no parameters: nulls stand for them, which have types by the statement's casts.
fn with_values(statement: &str) -> String {
    let lines = statement.lines().filter(|line| !line.starts_with("--"));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    for number in (1..=18).rev() {
        let value = match number {
            16 | 18 => "true",
            17 => "'home'",
            _ => "NULL",
        };
        text = text.replace(&format!("${number}"), value);
    }
    text
}

#[tokio::test]
async fn a_batch_mixes_types() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut batch = Batch::<Home>::new();
    batch.add(happened("a", 1)).add(noted("hello").about("b").tenant("acme")).add(happened("c", 2));
    assert_eq!((batch.len(), batch.is_empty()), (3, false));
    let published = home().publish_batch(&mut pool.acquire().await?, batch).await?;
    let rows: Vec<(uuid::Uuid, String, i32, Option<String>, String, String)> = sqlx::query_as(
        "SELECT event_id, event_type, schema_version, tenant_id, subject, payload::text FROM eventwright.outbox ORDER BY seq",
    )
    .fetch_all(pool)
    .await?;
    let expected = [
        ("home.happened", 1, None, "a", r#"{"about":"a","n":1}"#),
        ("home.noted", 3, Some("acme"), "b", r#"{"text":"hello"}"#),
        ("home.happened", 1, None, "c", r#"{"about":"c","n":2}"#),
    ];
    let seen: Vec<_> = rows.iter().map(|r| (r.1.as_str(), r.2, r.3.as_deref(), r.4.as_str(), r.5.as_str())).collect();
    assert_eq!(seen, expected);
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), ids(&published));
    Ok(())
}

/// No statement, so it needs no tables either.
#[tokio::test]
async fn an_empty_batch_asks_nothing() -> Result {
    let bare = Database::create().await?;
    let mut db = bare.pool().acquire().await?;
    assert_eq!(home().publish_all(&mut db, Vec::<Happened>::new()).await?, []);
    assert_eq!(home().publish_batch(&mut db, Batch::new()).await?, []);
    let asked = home().publish_all(&mut db, [happened("a", 1)]).await;
    assert!(matches!(asked, Err(Error::NotMigrated(_))), "{asked:?}");
    Ok(())
}

#[tokio::test]
async fn a_batch_is_there_whole_or_not_at_all() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut tx = pool.begin().await?;
    home().publish_all(&mut tx, [happened("a", 1), happened("b", 1)]).await?;
    tx.rollback().await?;
    assert!(log(pool).await?.is_empty());
    let group = Group::new("a", pool).await?;
    home().publish_all(&mut pool.acquire().await?, [happened("c", 1), happened("d", 1)]).await?;
    let mut handled = group.next().await?;
    handled.sort();
    assert_eq!(handled, ["c", "d"]);
    Ok(())
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What is said beside an event is in its envelope, however it is published.
#[tokio::test]
async fn options_are_kept_by_every_way() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let cause = cause(pool).await?;
    let then = OffsetDateTime::from_unix_timestamp(1_700_000_000)?;
    let event =
        || happened("a", 1).tenant("acme").correlation("story").caused_by(&cause).occurred_at(then).traceparent(TRACE);
    home().publish(&mut db, event()).await?;
    home().publish_all(&mut db, [event()]).await?;
    home().publish(&mut db, event().idempotency_key("k")).await?;
    home().publish(&mut db, event().publish_at(then)).await?;
    assert_eq!(sqlx::query_scalar::<_, i32>("SELECT eventwright.publish_due(10)").fetch_one(pool).await?, 1);
    let rows = sqlx::query(
        "SELECT tenant_id, correlation_id, causation_id, occurred_at, traceparent FROM eventwright.outbox
          WHERE subject = 'a' ORDER BY seq",
    )
    .fetch_all(pool)
    .await?;
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(row.get::<&str, _>("tenant_id"), "acme");
        assert_eq!(row.get::<&str, _>("correlation_id"), "story");
        assert_eq!(row.get::<uuid::Uuid, _>("causation_id"), eventwright::Id::as_uuid(&cause.envelope.event_id));
        assert_eq!(row.get::<OffsetDateTime, _>("occurred_at"), then);
        assert_eq!(row.get::<&str, _>("traceparent"), TRACE);
    }
    Ok(())
}

/// An event as a handler gets it.
async fn cause(pool: &PgPool) -> Result<Event<Happened>> {
    use std::sync::{Arc, Mutex};
    type Kept = Arc<Mutex<Vec<Event<Happened>>>>;
    async fn keep(event: Event<Happened>, cx: &mut eventwright::Context<'_, Home, Kept>) -> eventwright::Handled {
        cx.state().lock().map_err(|_| eventwright::Failure::retry("poisoned"))?.push(event);
        Ok(())
    }
    home().publish(&mut pool.acquire().await?, happened("cause", 1)).await?;
    let kept = Kept::default();
    crate::common::subscriber::<Home>("causes", pool).state(Arc::clone(&kept)).on(keep).drain().await?;
    let event = kept.lock().map_err(|_| "poisoned")?.pop();
    Ok(event.ok_or("no event")?)
}

#[tokio::test]
async fn a_batch_has_a_cause_unless_an_event_says_another() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let cause = cause(pool).await?;
    let mut batch = Batch::<Home>::new();
    batch.add(happened("a", 1)).add(happened("a", 2).correlation("other")).caused_by(&cause.envelope);
    batch.add(happened("a", 3));
    home().publish_batch(&mut pool.acquire().await?, batch).await?;
    let rows: Vec<(String, Option<uuid::Uuid>)> = sqlx::query_as(
        "SELECT replace(correlation_id, 'evt_' || event_id, 'own'), causation_id FROM eventwright.outbox
          WHERE subject = 'a' ORDER BY seq",
    )
    .fetch_all(pool)
    .await?;
    let id = Some(eventwright::Id::as_uuid(&cause.envelope.event_id));
    let said = |text: &str| text.to_owned();
    assert_eq!(rows, [(cause.envelope.correlation_id.clone(), id), (said("other"), id), (said("own"), None)]);
    Ok(())
}

/// A trace that another program wrote wrongly is no reason to refuse what comes of it.
#[tokio::test]
async fn a_causes_broken_trace_begins_anew() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut cause = cause(pool).await?;
    let mut db = pool.acquire().await?;
    for (parent, kept) in [("garbage", None), (TRACE, Some(TRACE))] {
        cause.envelope.traceparent = Some(parent.to_owned());
        let id = home().publish(&mut db, happened("a", 1).caused_by(&cause)).await?.event_id;
        let trace: Option<String> =
            sqlx::query_scalar("SELECT traceparent FROM eventwright.outbox WHERE event_id = $1")
                .bind(eventwright::Id::as_uuid(&id))
                .fetch_one(pool)
                .await?;
        assert_eq!(trace.as_deref(), kept);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_said_is_worked_out() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    home().publish(&mut db, happened("a", 1)).await?;
    home().publish_all(&mut db, [happened("a", 1)]).await?;
    let rows = sqlx::query(
        "SELECT correlation_id, event_id, causation_id IS NULL AND traceparent IS NULL AND tenant_id IS NULL
                    AND downcast_version IS NULL AND downcast_payload IS NULL AS nothing,
                occurred_at BETWEEN published_at - interval '1 minute' AND published_at + interval '1 minute' AS now
           FROM eventwright.outbox",
    )
    .fetch_all(pool)
    .await?;
    assert_eq!(rows.len(), 2);
    for row in rows {
        let id: uuid::Uuid = row.get("event_id");
        assert_eq!(row.get::<String, _>("correlation_id"), format!("evt_{id}"));
        assert!(row.get::<bool, _>("nothing") && row.get::<bool, _>("now"));
    }
    Ok(())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(error @ (Error::Refused { .. } | Error::PayloadTooLarge { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_traceparent_is_one_of_w3c() -> Result {
    let database = migrated().await?;
    let mut db = database.pool().acquire().await?;
    let future = format!("cc-{}-what-the-future-will-be-like", &TRACE[3..]);
    for good in [TRACE, &future] {
        home().publish(&mut db, happened("a", 1).traceparent(good)).await?;
    }
    for bad in [
        "",
        "trace",
        &TRACE[..54],
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473ö-00f067aa0ba902b7-01",
    ] {
        let message = refused(home().publish(&mut db, happened("a", 1).traceparent(bad)).await);
        assert!(
            message.starts_with("home.happened can't be published: its traceparent is none of W3C"),
            "{bad}: {message}"
        );
    }
    // the connection was asked nothing
    home().publish(&mut db, happened("a", 1)).await?;
    Ok(())
}

#[tokio::test]
async fn what_postgres_would_not_take_is_told_before() -> Result {
    let database = migrated().await?;
    let mut tx = database.pool().begin().await?;
    let long = "x".repeat(1025);
    let long_ago = OffsetDateTime::UNIX_EPOCH.replace_year(-5000)?;
    for (event, message) in [
        (happened("a\0b", 1).outgoing(), "its subject holds the character U+0000"),
        (happened("a", 1).tenant("\0"), "its tenant id holds the character U+0000"),
        (happened("a", 1).correlation("\0"), "its correlation id holds the character U+0000"),
        (happened("a", 1).idempotency_key("\0"), "its idempotency key holds the character U+0000"),
        (happened("a", 1).idempotency_key(""), "its idempotency key is empty"),
        (happened("a", 1).idempotency_key(&*long), "its idempotency key has more than 1024 bytes"),
        (happened(&long, 1).outgoing(), "its subject has more than 1024 bytes"),
        (happened("a", 1).occurred_at(long_ago), "its time of occurrence is before 4713 BC"),
        (happened("a", 1).publish_at(long_ago), "its time of publishing is before 4713 BC"),
        (happened("a", 1).deliver_after(std::time::Duration::MAX), "its delay is longer than 100 years"),
    ] {
        let text = refused(home().publish(&mut tx, event.clone()).await);
        assert!(text.contains(message), "{text}");
        let text = refused(home().publish_all(&mut tx, [happened("fine", 1).outgoing(), event]).await);
        assert!(text.contains(message), "{text}");
    }
    // the transaction goes on as if nothing had been asked
    home().publish(&mut tx, happened("b", 1).idempotency_key(&long[1..])).await?;
    tx.commit().await?;
    assert_eq!(log(database.pool()).await?, ["b"]);
    Ok(())
}

/// A text with U+0000 in a payload is valid JSON and reaches handlers; only Postgres's own functions can't take it apart.
#[tokio::test]
async fn a_payload_may_hold_any_character() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let text = "\0 \u{1} \u{7f} \u{fffe} 😀 \\ \" /";
    home().publish(&mut pool.acquire().await?, noted(text).about("a")).await?;
    let stored: String = sqlx::query_scalar("SELECT payload::text FROM eventwright.outbox").fetch_one(pool).await?;
    assert!(stored.contains("\\u0000"), "{stored}");
    assert!(Noted::decode(stored.as_bytes(), eventwright::Reading::Strict)? == noted(text));
    let cast = sqlx::query("SELECT payload::jsonb FROM eventwright.outbox").fetch_one(pool).await;
    assert!(cast.is_err_and(|error| error.to_string().contains("unsupported Unicode escape sequence")));
    Ok(())
}

#[tokio::test]
async fn a_payload_has_a_largest_size() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let mut db = pool.acquire().await?;
    let event = |bytes: usize| noted(&"x".repeat(bytes - r#"{"text":""}"#.len())).about("a");
    home().publish(&mut db, event(1024 * 1024)).await?;
    let text = refused(home().publish(&mut db, event(1024 * 1024 + 1)).await);
    assert_eq!(
        text,
        "home.noted v3 has a payload of 1048577 bytes, and the limit is 1048576: store what is large elsewhere and publish \
         where it is, or raise `Publisher::max_payload`"
    );
    home().max_payload(1024 * 1024 + 1).publish(&mut db, event(1024 * 1024 + 1)).await?;
    let small = home().max_payload(100);
    refused(small.publish_all(&mut db, [event(100), event(101)]).await);
    small.publish_all(&mut db, [event(100), event(100)]).await?;
    assert_eq!(log(pool).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_batch_has_a_largest_size() -> Result {
    let bare = Database::create().await?;
    let text = "x".repeat(1024 * 1024 - 11);
    let events = (0..257).map(|_| noted(&text).about("a"));
    let error = home().publish_all(&mut bare.pool().acquire().await?, events).await.expect_err("published 257 MiB");
    assert!(matches!(error, Error::BatchTooLarge { bytes, .. } if bytes == 257 << 20), "{error}");
    Ok(())
}

/// Postgres refuses to prepare a transaction that has notified, and a sleeper is what publishers notify for.
#[tokio::test]
async fn a_prepared_transaction_may_publish() -> Result {
    let server = Settings::new().durable(false).ignore_database_url().set("max_prepared_transactions", "5").start()?;
    let pool = PgPool::connect(server.url()).await?;
    eventwright::migrate(&pool).await?;
    sqlx::query("SELECT eventwright.fall_asleep('1 hour')").execute(&pool).await?;
    let silent = home().without_notify();
    let mut db = pool.acquire().await?;
    let prepare = |name: &str| sqlx::AssertSqlSafe(format!("PREPARE TRANSACTION '{name}'"));

    for (publisher, refuses) in [(home(), true), (silent, false)] {
        for name in ["one", "many"] {
            sqlx::query("BEGIN").execute(&mut *db).await?;
            match name {
                "one" => drop(publisher.publish(&mut db, happened(name, 1)).await?),
                _ => drop(
                    publisher
                        .publish_all(&mut db, [happened(name, 1).outgoing(), happened(name, 2).idempotency_key(name)])
                        .await?,
                ),
            }
            let prepared = sqlx::query(prepare(name)).execute(&mut *db).await;
            assert_eq!(prepared.is_err(), refuses, "{name}: {prepared:?}");
        }
    }
    for name in ["one", "many"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("COMMIT PREPARED '{name}'"))).execute(&mut *db).await?;
    }
    assert_eq!(log(&pool).await?, ["one", "many", "many"]);
    drop(db);
    pool.close().await;
    Ok(())
}

/// Another schema is another log, for batches, keys and the schedule, too.
#[tokio::test]
async fn another_schema_has_all_of_it() -> Result {
    let database = Database::create().await?;
    let pool = database.pool();
    let schema = eventwright::Schema::new("billing_events")?;
    eventwright::migrate_in(pool, &schema).await?;
    let publisher = Publisher::<Home>::to(schema).lock_subjects();
    let mut db = pool.acquire().await?;
    publisher.publish(&mut db, happened("one", 1)).await?;
    let event = || happened("key", 1).idempotency_key("k");
    assert!(publisher.publish(&mut db, event()).await?.is_new);
    assert!(!publisher.publish(&mut db, event()).await?.is_new);
    let later =
        publisher.publish(&mut db, happened("later", 1).deliver_after(std::time::Duration::from_secs(60))).await?;
    assert!(publisher.cancel(&mut db, later.event_id).await?);
    publisher.publish(&mut db, happened("due", 1).publish_at(OffsetDateTime::UNIX_EPOCH)).await?;
    assert_eq!(sqlx::query_scalar::<_, i32>("SELECT billing_events.publish_due(10)").fetch_one(pool).await?, 1);
    sqlx::query("SELECT billing_events.next_due(), billing_events.forget_idempotency_keys('0')").execute(pool).await?;
    assert!(publisher.publish(&mut db, event()).await?.is_new);
    let log: Vec<String> =
        sqlx::query_scalar("SELECT subject FROM billing_events.outbox ORDER BY seq").fetch_all(pool).await?;
    assert_eq!(log, ["one", "key", "due", "key"]);
    assert_eq!(Home::NAME, "home");
    Ok(())
}
