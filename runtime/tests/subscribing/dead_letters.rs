//! Finding dead letters again, trying them again and forgetting them, one or a million.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, happened, insert_effect, migrated, publish};
use eventwright::{
    Context, DeadLetter, DeadLetterFilter, DeadLetters, Event, Failure, Handled, Publish, Publisher, RetryPolicy,
};
use sqlx::PgPool;

async fn reject(_: Event<Happened>, _: &mut Context<'_, Home, &'static str>) -> Handled {
    Err(Failure::reject("out of paper"))
}

async fn record(event: Event<Happened>, cx: &mut Context<'_, Home, &'static str>) -> Handled {
    insert_effect(cx.tx(), "a", &event).await?;
    Ok(())
}

async fn effects(pool: &PgPool) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT about || n FROM effects ORDER BY k").fetch_all(pool).await?)
}

/// Has group `a` give these up.
async fn give_up(pool: &PgPool, events: &[(&str, i64)]) -> Result<DeadLetters> {
    let group = Group::new("a", pool).await?;
    for (about, n) in events {
        publish(&mut *pool.acquire().await?, about, *n).await?;
    }
    group.subscriber().ranges(1).on(reject).drain().await?;
    Ok(DeadLetters::new(pool.clone()))
}

/// Dead letters as they lie there after bad days, each about something else.
async fn bury(pool: &PgPool, count: i64) -> Result {
    sqlx::query(
        "WITH made AS (INSERT INTO eventwright.groups (name, domain) VALUES ('a', 'home') ON CONFLICT DO NOTHING)
         INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at,
                                       published_at, correlation_id, payload, reason, attempts, last_error, died_at)
         SELECT 'a', n, overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid, 'home.happened', 1, 'home', 's' || n, now(), now(), 'c',
                json_build_object('about', 's' || n, 'n', n), 'dead', 3, 'out of ink',
                now() - interval '1 day' + make_interval(secs => n / 10)
           FROM generate_series(1, $1::bigint) n",
    )
    .bind(count)
    .execute(pool)
    .await?;
    Ok(())
}

fn subjects(letters: &[DeadLetter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.envelope.subject.as_str()).collect()
}

async fn found(letters: &DeadLetters, filter: &DeadLetterFilter) -> Result<Vec<String>> {
    let page = letters.page(filter, None, 100).await?;
    Ok(page.letters.into_iter().map(|letter| letter.envelope.subject).collect())
}

#[tokio::test]
async fn a_filter_lets_through_what_it_says() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, happened("t", 1).tenant("acme")).await?;
    let letters = give_up(pool, &[("x", 1), ("y", 1)]).await?;
    Group::new("b", pool).await?.subscriber().ranges(1).on(reject).drain().await?;
    sqlx::raw_sql(
        "UPDATE eventwright.held SET last_error = 'no 100%_match of INK' WHERE subject = 'x' AND group_name = 'a';
         UPDATE eventwright.held SET event_type = 'home.other' WHERE subject = 'y' AND group_name = 'a'",
    )
    .execute(pool)
    .await?;

    let all = || DeadLetterFilter::new();
    let a = || all().group("a");
    assert_eq!(found(&letters, &a()).await?, ["t", "x", "y"]);
    assert_eq!(found(&letters, &all()).await?, ["t", "x", "y", "t", "x", "y"]);
    assert_eq!(found(&letters, &a().tenant("acme")).await?, ["t"]);
    assert_eq!(found(&letters, &all().subject("x")).await?, ["x", "x"]);
    assert_eq!(found(&letters, &a().event_type("home.other")).await?, ["y"]);
    assert_eq!(found(&letters, &all().error("100%_MATCH of ink")).await?, ["x"]);
    assert_eq!(found(&letters, &all().error("out_of")).await?, [""; 0]);

    let listed = letters.list(Some("a"), 10).await?;
    let [t, x, y] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(found(&letters, &a().since(x.died_at)).await?, ["x", "y"]);
    assert_eq!(found(&letters, &a().until(x.died_at)).await?, ["t"]);
    assert_eq!(found(&letters, &a().since(x.died_at).until(y.died_at)).await?, ["x"]);
    assert_eq!(found(&letters, &all().event(t.envelope.event_id)).await?, ["t", "t"]);
    let got = letters.get("b", y.envelope.event_id).await?.ok_or("not there")?;
    assert_eq!((got.group.as_str(), got.payload.as_str()), ("b", r#"{"about":"y","n":1}"#));
    assert!(letters.get("c", y.envelope.event_id).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn pages_hold_each_dead_letter_once() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    bury(pool, 25).await?;
    let letters = DeadLetters::new(pool.clone());
    let filter = DeadLetterFilter::new();
    let mut page = letters.page(&filter, None, 10).await?;
    let mut all = vec![page.letters.len()];
    let mut seen: Vec<String> = subjects(&page.letters).into_iter().map(str::to_owned).collect();
    while let Some(next) = page.next {
        // as somebody goes on who has kept its text
        page = letters.page(&filter, Some(&next.to_string().parse()?), 10).await?;
        all.push(page.letters.len());
        seen.extend(subjects(&page.letters).into_iter().map(str::to_owned));
    }
    assert_eq!(all, [10, 10, 5]);
    assert_eq!(seen, (1..=25).map(|n| format!("s{n}")).collect::<Vec<_>>());
    assert!(letters.page(&filter, None, 25).await?.next.is_none());
    Ok(())
}

#[tokio::test]
async fn only_what_the_filter_lets_through_is_tried_again_and_in_its_place() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let letters = give_up(pool, &[("x", 1), ("y", 1), ("x", 2), ("y", 2), ("x", 3)]).await?;
    assert_eq!(letters.redrive_matching(&DeadLetterFilter::new().subject("x")).await?, 1);
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM eventwright.held WHERE reason = 'behind' AND subject = 'x'")
            .fetch_one(pool)
            .await?;
    assert_eq!(waiting, 2, "what waited behind it runs before it");
    publish(&mut *pool.acquire().await?, "x", 4).await?;
    Group::new("a", pool).await?.subscriber().on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "x2", "x3", "x4"]);
    assert_eq!(subjects(&letters.list(None, 10).await?), ["y"]);
    Ok(())
}

#[tokio::test]
async fn what_the_filter_lets_through_is_forgotten_and_what_waited_goes_on() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let letters = give_up(pool, &[("x", 1), ("y", 1), ("x", 2), ("y", 2)]).await?;
    assert_eq!(letters.discard_matching(&DeadLetterFilter::new().subject("nobody")).await?, 0);
    assert_eq!(letters.discard_matching(&DeadLetterFilter::new().group("a").error("paper")).await?, 2);
    Group::new("a", pool).await?.subscriber().on(record).drain().await?;
    assert_eq!(effects(pool).await?.into_iter().collect::<BTreeSet<_>>(), ["x2".to_owned(), "y2".to_owned()].into());
    Ok(())
}

#[tokio::test]
async fn many_are_tried_again_in_many_transactions() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    bury(pool, 1500).await?;
    assert_eq!(DeadLetters::new(pool.clone()).redrive_all("a").await?, 1500);
    let (ready, transactions, largest): (i64, i64, i64) = sqlx::query_as(
        "SELECT sum(n)::bigint, count(*), max(n)
           FROM (SELECT xmin::text, count(*) AS n FROM eventwright.held WHERE reason = 'ready' GROUP BY 1) steps",
    )
    .fetch_one(pool)
    .await?;
    assert_eq!(ready, 1500);
    assert!(largest <= 256 && transactions >= 6, "{transactions} transactions, the largest of {largest}");
    Ok(())
}

/// Who redrives all while the group gives all up again would otherwise never come to an end.
#[tokio::test]
async fn what_dies_again_meanwhile_is_left_dead() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    bury(pool, 600).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let group = Group::new("a", pool).await?;
    let running = tokio::spawn(group.subscriber().on(reject).run_until(async { stopped.await.unwrap_or(()) }));
    let letters = DeadLetters::new(pool.clone());
    assert_eq!(letters.redrive_all("a").await?, 600);
    let dead = || async { letters.page(&DeadLetterFilter::new(), None, 1000).await.map(|page| page.letters.len()) };
    while dead().await? < 600 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).map_err(|()| "nobody to stop")?;
    running.await??;
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_outlives_the_log() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let letters = give_up(pool, &[("x", 1), ("x", 2)]).await?;
    sqlx::raw_sql("DROP TABLE eventwright.outbox_to_1000000").execute(pool).await?;
    let letter = letters.list(Some("a"), 1).await?.pop().ok_or("no dead letter")?;
    assert_eq!(letter.payload, r#"{"about":"x","n":1}"#);
    assert!(letters.redrive("a", letter.envelope.event_id).await?);
    Group::new("a", pool).await?.subscriber().on(record).drain().await?;
    assert_eq!(effects(pool).await?, ["x1", "x2"]);
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_knows_when_it_failed_first() -> Result {
    async fn fails(_: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
        Err(Failure::retry("not yet"))
    }
    let database = migrated().await?;
    let pool = database.pool();
    let retry = RetryPolicy::default().attempts(3).first(Duration::from_millis(20));
    let run = || common::subscriber::<Home>("a", pool).retry(retry.clone()).on(fails).drain();
    for n in 1..=2 {
        publish(&mut *pool.acquire().await?, "x", n).await?;
    }
    run().await?;
    let letters = DeadLetters::new(pool.clone());
    let first = letters.list(None, 1).await?.pop().ok_or("no dead letter")?;
    assert!(first.failed_at < first.died_at - Duration::from_millis(20), "{first:?}");

    // the second waited behind the first, long before it failed itself
    letters.discard("a", first.envelope.event_id).await?;
    run().await?;
    let second = letters.list(None, 1).await?.pop().ok_or("no dead letter")?;
    assert!(second.failed_at > first.died_at && second.failed_at < second.died_at, "{second:?}");

    letters.redrive("a", second.envelope.event_id).await?;
    run().await?;
    let again = letters.list(None, 1).await?.pop().ok_or("no dead letter")?;
    assert!(again.failed_at > second.died_at && again.failed_at < again.died_at, "{again:?}");
    Ok(())
}
