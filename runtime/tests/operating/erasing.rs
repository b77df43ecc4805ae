//! A person's data is erased wherever events lie, and what was not handled is passed over.

use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, happened, insert_effect, migrated, open, publish};
use eventwright::{
    Context, DeadLetters, Domain, Event, Failure, Handled, Publish, Publisher, RetryPolicy, Roles, Schema, Subscriber,
    Uuid, erase_subject, whereabouts,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::mpsc;

/// What nobody may find afterwards.
const SECRET: i64 = 987_654_321;

async fn publish_all(pool: &PgPool, events: &[(&str, i64)]) -> Result {
    for (about, n) in events {
        publish(&mut *pool.acquire().await?, about, *n).await?;
    }
    Ok(())
}

/// In how many rows of all tables the secret is.
async fn found(pool: &PgPool) -> Result<i64> {
    let rows = "SELECT count(*) FROM (
            SELECT t::text AS row FROM eventwright.outbox t
             UNION ALL SELECT t::text FROM eventwright.held t
             UNION ALL SELECT t::text FROM eventwright.scheduled t
             UNION ALL SELECT t::text FROM eventwright.erasures t) every
         WHERE row LIKE '%' || $1::text || '%'";
    Ok(sqlx::query_scalar(rows).bind(SECRET.to_string()).fetch_one(pool).await?)
}

async fn record(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
    insert_effect(cx.tx(), "a", &event).await?;
    Ok(())
}

async fn tell_tales(event: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
    Err(Failure::reject(format!("what is {}?", event.payload.n)))
}

async fn fail(event: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
    Err(Failure::retry(format!("what is {}?", event.payload.n)))
}

async fn pass(_: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
    Ok(())
}

fn subscriber(pool: &PgPool) -> Subscriber<Home> {
    common::subscriber::<Home>("a", pool).ranges(1).workers(1)
}

async fn effects(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || n FROM effects ORDER BY k").fetch_all(pool).await?)
}

#[tokio::test]
async fn nothing_of_it_is_left_in_any_table_and_others_keep_theirs() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    publish_all(pool, &[("ada", SECRET), ("bob", 1), ("ada", SECRET)]).await?;
    subscriber(pool).on(tell_tales).drain().await?;
    publish_all(pool, &[("ada", SECRET), ("bob", 2)]).await?;
    sqlx::raw_sql(
        "UPDATE eventwright.outbox SET downcast_version = 0, downcast_payload = payload WHERE seq = 4;
         INSERT INTO eventwright.scheduled (due_at, event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         SELECT now() + interval '1 day', event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload
           FROM eventwright.outbox WHERE seq IN (4, 5)",
    )
    .execute(pool)
    .await?;
    let envelopes = "SELECT string_agg(concat_ws(' ', seq, xid, event_id, event_type, subject, correlation_id, published_at), ' ' ORDER BY seq)
        FROM eventwright.outbox";
    let before: String = sqlx::query_scalar(envelopes).fetch_one(pool).await?;
    assert_eq!(found(pool).await?, 6);

    let erased = erase_subject(pool, "ada").await?;
    assert_eq!(
        (erased.log_events, erased.scheduled_events, erased.held_events, erased.open_transactions),
        (3, 1, 2, 0)
    );
    assert_eq!(found(pool).await?, 0);
    assert_eq!(sqlx::query_scalar::<_, String>(envelopes).fetch_one(pool).await?, before);
    let bobs: Vec<String> = sqlx::query_scalar(
        "SELECT payload::text FROM eventwright.outbox WHERE subject = 'bob'
          UNION ALL SELECT last_error FROM eventwright.held WHERE subject = 'bob' ORDER BY 1",
    )
    .fetch_all(pool)
    .await?;
    assert_eq!(bobs, ["what is 1?", r#"{"about":"bob","n":1}"#, r#"{"about":"bob","n":2}"#]);

    let again = erase_subject(pool, "ada").await?;
    assert_eq!((again.log_events, again.scheduled_events, again.held_events), (0, 0, 0));
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.erasures WHERE finished_at IS NOT NULL")
        .fetch_one(pool)
        .await?;
    assert_eq!(kept, 2, "each is on record");
    Ok(())
}

#[tokio::test]
async fn a_group_passes_over_what_was_erased() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let erased = publish(&mut *pool.acquire().await?, "ada", 1).await?;
    publish_all(pool, &[("bob", 1)]).await?;
    erase_subject(pool, "ada").await?;
    publish_all(pool, &[("ada", 2)]).await?;
    subscriber(pool).on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["bob1", "ada2"]);
    assert!(whereabouts(pool, erased).await?.group("a").is_some_and(|group| group.standing.is_handled()));
    assert!(DeadLetters::new(pool.clone()).list(None, 10).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_erased_dead_letter_is_passed_over_when_it_is_redriven() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    publish_all(pool, &[("ada", 1), ("ada", 2)]).await?;
    subscriber(pool).on(tell_tales).drain().await?;
    erase_subject(pool, "ada").await?;
    publish_all(pool, &[("ada", 3)]).await?;
    let letters = DeadLetters::new(pool.clone());
    let letter = letters.list(Some("a"), 1).await?.pop().ok_or("no dead letter")?;
    assert!(letter.is_erased() && letter.error == "<erased>", "{letter:?}");
    letters.redrive_all("a").await?;
    subscriber(pool).on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["ada3"]);
    Ok(())
}

#[tokio::test]
async fn what_open_transactions_published_is_erased_when_they_have_ended() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    // takes its xid early, above and below others
    let mut slow = pool.begin().await?;
    publish(&mut slow, "ada", SECRET).await?;
    let stranger = open(pool, "bob").await?;
    publish_all(pool, &[("ada", SECRET)]).await?;
    let begun = erase_subject(pool, "ada").await?;
    assert_eq!((begun.log_events, begun.open_transactions), (1, 2));
    slow.commit().await?;
    assert_eq!(found(pool).await?, 1, "nobody can see it before");
    let goes_on = erase_subject(pool, "ada").await?;
    assert_eq!((goes_on.log_events, goes_on.open_transactions), (2, 1));
    assert_eq!(found(pool).await?, 0);
    stranger.rollback().await?;
    let finished = erase_subject(pool, "ada").await?;
    assert_eq!((finished.log_events, finished.open_transactions), (2, 0));
    let records: i64 = sqlx::query_scalar("SELECT count(*) FROM eventwright.erasures").fetch_one(pool).await?;
    assert_eq!(records, 1);
    Ok(())
}

/// They can be seen by nobody before, and may be due at once.
#[tokio::test]
async fn what_open_transactions_scheduled_is_erased_when_they_have_ended() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let home = Publisher::<Home>::new();
    let later = |delay| happened("ada", SECRET).deliver_after(Duration::from_secs(delay));
    let mut slow = pool.begin().await?;
    home.publish(&mut slow, later(0)).await?;
    home.publish(&mut slow, later(3600)).await?;
    let begun = erase_subject(pool, "ada").await?;
    assert_eq!((begun.scheduled_events, begun.open_transactions), (0, 1));
    slow.commit().await?;
    assert_eq!(found(pool).await?, 2);
    // who moves it into the log finds that it is to be erased
    subscriber(pool).on(record).drain().await?;
    assert_eq!((effects(pool).await?, found(pool).await?), (vec![], 1));
    let finished = erase_subject(pool, "ada").await?;
    assert_eq!((finished.scheduled_events, finished.open_transactions), (1, 0));
    assert_eq!(found(pool).await?, 0);

    // what is said of the subject from then on stays
    home.publish(&mut *pool.acquire().await?, happened("ada", 2).deliver_after(Duration::ZERO)).await?;
    subscriber(pool).on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["ada2"]);
    Ok(())
}

#[tokio::test]
async fn an_erasure_that_was_interrupted_goes_on_where_it_ended() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    publish_all(pool, &[("ada", SECRET)]).await?;
    sqlx::raw_sql("SELECT setval('eventwright.outbox_seq', 250000)").execute(pool).await?;
    publish_all(pool, &[("ada", SECRET)]).await?;
    let mut in_the_way = pool.begin().await?;
    sqlx::raw_sql("SELECT FROM eventwright.outbox WHERE seq = 250001 FOR UPDATE").execute(&mut *in_the_way).await?;
    let hasty = (*pool.connect_options()).clone().options([("lock_timeout", "50ms")]);
    let hasty = PgPoolOptions::new().connect_with(hasty).await?;
    assert!(erase_subject(&hasty, "ada").await.is_err());
    let stands: (i64, i64) =
        sqlx::query_as("SELECT after_seq, log_events FROM eventwright.erasures").fetch_one(pool).await?;
    assert_eq!(stands, (200_000, 1));
    in_the_way.rollback().await?;
    assert_eq!(erase_subject(&hasty, "ada").await?.log_events, 2);
    assert_eq!(found(pool).await?, 0);
    Ok(())
}

/// A handler's hold on the test: says that it runs, and goes on when it is told to.
struct Hands {
    at_it: mpsc::Sender<()>,
    go_on: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

async fn dawdle(event: &Event<Happened>, hands: &Hands) -> Handled {
    hands.at_it.send(()).await?;
    hands.go_on.lock().await.recv().await;
    Err(Failure::RetryIn(Duration::from_secs(3600), format!("what is {}?", event.payload.n)))
}

async fn dawdle_in_transaction(event: Event<Happened>, cx: &mut Context<'_, Home, Hands>) -> Handled {
    dawdle(&event, cx.state()).await
}

async fn dawdle_outside(event: Event<Happened>, hands: &Hands) -> Handled {
    dawdle(&event, hands).await
}

/// What a handler has in its hands is put aside after all else was erased.
#[tokio::test]
async fn what_a_handler_holds_back_meanwhile_is_erased_too() -> Result {
    // a page that has failed lets its range go for a moment, and where the erasure has it then, there is nothing left to hold back
    while !is_held_back_erased(false).await? {}
    assert!(is_held_back_erased(true).await?);
    Ok(())
}

/// Whether the event of a handler that fails after its subject was erased is held back; nothing of it may be anywhere.
async fn is_held_back_erased(effect: bool) -> Result<bool> {
    let database = migrated().await?;
    let pool = database.pool();
    publish_all(pool, &[("ada", SECRET), ("ada", SECRET)]).await?;
    let (at_it, mut is_at_it) = mpsc::channel(1);
    let (go_on, goes_on) = mpsc::channel(8);
    // not again while this test looks: what is erased would be passed over then
    let retry = RetryPolicy::default().first(Duration::from_secs(600));
    let dawdling = subscriber(pool).retry(retry).state(Hands { at_it, go_on: goes_on.into() });
    let dawdling = if effect { dawdling.effect(dawdle_outside) } else { dawdling.on(dawdle_in_transaction) };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(dawdling.run_until(async { stopped.await.unwrap_or(()) }));
    is_at_it.recv().await.ok_or("nobody is at it")?;
    let erasing = tokio::spawn({
        let pool = pool.clone();
        async move { erase_subject(&pool, "ada").await }
    });
    common::until(pool, "SELECT NOT EXISTS (SELECT FROM eventwright.outbox WHERE NOT eventwright.is_erased(payload))")
        .await?;
    // a page is waited for, and an effect handler has nothing locked: it fails when all is done
    if effect {
        erasing.await??;
        go_on.send(()).await?;
    } else {
        go_on.send(()).await?;
        erasing.await??;
    }
    let failed = "SELECT EXISTS (SELECT FROM eventwright.held WHERE reason = 'failed' AND last_error = '<erased>')";
    let is_over = match effect {
        true => failed,
        false => "SELECT EXISTS (SELECT FROM eventwright.positions WHERE done_bound >= 2 AND current IS NULL)",
    };
    common::until(pool, is_over).await?;
    let is_held = sqlx::query_scalar(failed).fetch_one(pool).await?;
    let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM eventwright.held)").fetch_one(pool).await?;
    assert_eq!(any, is_held, "held, and not as one that has failed and was erased");
    assert_eq!(found(pool).await?, 0, "effect: {effect}");
    stop.send(()).map_err(|()| "nobody to stop")?;
    drop(go_on);
    running.await??;
    Ok(is_held)
}

/// As a worker does that has read a page, and then waited for its turn until the erasure was over.
#[tokio::test]
async fn what_was_read_before_it_was_erased_is_held_back_erased() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    erase_subject(pool, "ada").await?;
    publish_all(pool, &[("ada", SECRET), ("ada", SECRET), ("bob", 1)]).await?;
    sqlx::raw_sql(
        "UPDATE eventwright.erasures SET asked_at = (SELECT published_at FROM eventwright.outbox WHERE seq = 1)",
    )
    .execute(pool)
    .await?;
    subscriber(pool).on(tell_tales).drain().await?;
    let held: Vec<(String, String, Option<String>)> =
        sqlx::query_as("SELECT subject, left(payload::text, 25), last_error FROM eventwright.held ORDER BY seq")
            .fetch_all(pool)
            .await?;
    let of = |subject: &str, payload: &str, error: Option<&str>| {
        (subject.to_owned(), payload.to_owned(), error.map(str::to_owned))
    };
    assert_eq!(
        held,
        [
            of("ada", r#"{"eventwright.erased_at":""#.get(..25).unwrap_or_default(), Some("<erased>")),
            of("ada", r#"{"about":"ada","n":987654"#, None),
            of("bob", r#"{"about":"bob","n":1}"#, Some("what is 1?")),
        ],
        "only what was published before"
    );
    Ok(())
}

/// A subscriber's role sees whether something was erased, and no list of whom.
#[tokio::test]
async fn a_subscriber_with_few_rights_holds_back_and_passes_over_as_well() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    let role = format!("few_{}", Uuid::now_v7().simple());
    Roles::new(pool.clone()).consumer(&role, Home::NAME, ["home.happened"]).create().await?;
    let set_role = format!("SET ROLE {role}");
    let few = PgPoolOptions::new().after_connect(move |connection, _| {
        let set_role = AssertSqlSafe(set_role.clone());
        Box::pin(async move { sqlx::raw_sql(set_role).execute(connection).await.map(drop) })
    });
    let few = few.connect(database.url()).await?;
    publish_all(pool, &[("ada", SECRET), ("bob", 1)]).await?;
    let retry = RetryPolicy::default().attempts(2).first(Duration::from_millis(10));
    subscriber(&few).retry(retry).on(fail).drain().await?;
    erase_subject(pool, "ada").await?;
    DeadLetters::new(pool.clone()).redrive_all("a").await?;
    subscriber(&few).on(pass).drain().await?;
    assert!(DeadLetters::new(pool.clone()).list(None, 10).await?.is_empty());
    let forbidden = sqlx::query("SELECT subject FROM eventwright.erasures").fetch_all(&few).await;
    assert!(forbidden.is_err_and(|error| error.to_string().contains("permission denied")));
    few.close().await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP OWNED BY {role}; DROP ROLE {role}"))).execute(pool).await?;
    Ok(())
}

#[tokio::test]
async fn another_schema_has_its_own_subjects() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let schema = Schema::new("billing_events")?;
    eventwright::migrate_in(pool, &schema).await?;
    publish_all(pool, &[("ada", SECRET)]).await?;
    assert_eq!(eventwright::erase_subject_in(pool, &schema, "ada").await?.log_events, 0);
    assert_eq!(found(pool).await?, 1);
    Ok(())
}
