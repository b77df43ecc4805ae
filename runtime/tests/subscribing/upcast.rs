//! Events of an older version, read as a newer one.

use std::time::Duration;

use crate::common::{self, Home, Result, Seen, migrated};
use eventwright::testing::Database;
use eventwright::{
    CarriesSubject, Context, DeadLetters, Error, Event, Handled, Incoming, NeedsDowncast, Object, Payload, Publishable,
    PublishedBy, Publisher, RetryPolicy, SubscribedBy, Subscriber, Supersedes,
};
use sqlx::PgPool;

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct MovedV1 {
    about: String,
    town: String,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct MovedV2 {
    about: String,
    towns: Vec<String>,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct MovedV3 {
    about: String,
    route: String,
}

macro_rules! version {
    ($name:ident, $version:literal) => {
        impl Payload for $name {
            const EVENT_TYPE: &'static str = "home.moved";
            const VERSION: u16 = $version;
        }

        impl PublishedBy<Home> for $name {}
        impl Publishable for $name {}
        impl SubscribedBy<Home> for $name {}
    };
}

version!(MovedV1, 1);
version!(MovedV2, 2);
version!(MovedV3, 3);

impl CarriesSubject for MovedV1 {
    type Subject = String;

    fn subject(&self) -> String {
        self.about.clone()
    }
}

impl CarriesSubject for MovedV2 {
    type Subject = String;

    fn subject(&self) -> String {
        self.about.clone()
    }
}

impl NeedsDowncast for MovedV3 {
    type Older = MovedV1;
    type Subject = String;

    fn subject(&self) -> String {
        self.about.clone()
    }
}

impl Supersedes<MovedV1> for MovedV2 {}
impl Supersedes<MovedV1> for MovedV3 {}
impl Supersedes<MovedV2> for MovedV3 {}

#[derive(Incoming)]
enum Moved {
    V2(MovedV2),
    V3(MovedV3),
}

impl SubscribedBy<Home> for Moved {}

fn v1(town: &str) -> MovedV1 {
    MovedV1 { about: "x".into(), town: town.into() }
}

fn v2(towns: &[&str]) -> MovedV2 {
    MovedV2 { about: "x".into(), towns: towns.iter().map(ToString::to_string).collect() }
}

fn upcast(old: MovedV1) -> MovedV2 {
    MovedV2 { about: old.about, towns: vec![format!("{} of old", old.town)] }
}

async fn with_both() -> Result<Database> {
    let database = migrated().await?;
    let home = Publisher::<Home>::new();
    let mut tx = database.pool().begin().await?;
    home.publish(&mut tx, v1("A")).await?;
    home.publish(&mut tx, v2(&["B", "C"])).await?;
    home.publish(&mut tx, v1("D")).await?;
    tx.commit().await?;
    Ok(database)
}

fn subscriber(pool: &PgPool, seen: &Seen) -> Subscriber<Home, Seen> {
    let retry = RetryPolicy::default().attempts(2).first(Duration::from_millis(5));
    common::subscriber::<Home>("a", pool).workers(1).retry(retry).state(seen.clone())
}

fn note(seen: &Seen, what: String) {
    seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(what);
}

fn noted(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
}

async fn handle(event: Event<MovedV2>, cx: &mut Context<'_, Home, Seen>) -> Handled {
    note(cx.state(), format!("{} {:?}", event.envelope.schema_version, event.payload.towns));
    Ok(())
}

async fn mail(event: Event<MovedV2>, seen: &Seen) -> Handled {
    note(seen, format!("{} {:?}", event.envelope.schema_version, event.payload.towns));
    Ok(())
}

async fn handle_any(event: Event<Moved>, cx: &mut Context<'_, Home, Seen>) -> Handled {
    let text = match event.payload {
        Moved::V2(moved) => format!("v2 {:?}", moved.towns),
        Moved::V3(moved) => format!("v3 {}", moved.route),
    };
    note(cx.state(), text);
    Ok(())
}

/// The envelope goes on to say which version was published.
const BOTH: [&str; 3] = [r#"1 ["A of old"]"#, r#"2 ["B", "C"]"#, r#"1 ["D of old"]"#];

#[tokio::test]
async fn one_handler_takes_both_versions_in_their_order() -> Result {
    let database = with_both().await?;
    let seen = Seen::default();
    subscriber(database.pool(), &seen).upcast(upcast).on(handle).drain().await?;
    assert_eq!(noted(&seen), BOTH);
    Ok(())
}

#[tokio::test]
async fn so_does_an_effect_handler() -> Result {
    let database = with_both().await?;
    let seen = Seen::default();
    subscriber(database.pool(), &seen).effect(mail).upcast(upcast).drain().await?;
    assert_eq!(noted(&seen), BOTH);
    Ok(())
}

#[tokio::test]
async fn so_does_a_handler_of_several_types() -> Result {
    let database = with_both().await?;
    let pool = database.pool();
    let home = Publisher::<Home>::new();
    let route = MovedV3 { about: "x".into(), route: "E".into() };
    home.publish(&mut *pool.acquire().await?, route.with_downcast(|_| v1("never"))).await?;
    let seen = Seen::default();
    let to_v3 = |old: MovedV1| MovedV3 { about: old.about, route: format!("via {}", old.town) };
    subscriber(pool, &seen).on(handle_any).upcast(to_v3).drain().await?;
    assert_eq!(noted(&seen), ["v3 via A", r#"v2 ["B", "C"]"#, "v3 via D", "v3 E"]);
    Ok(())
}

/// Of an event that carries a version that nobody here knows, the older one besides is upcast.
#[tokio::test]
async fn what_was_published_besides_a_newer_version_is_upcast_too() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let route = MovedV3 { about: "x".into(), route: "E".into() };
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, route.with_downcast(|_| v1("F"))).await?;
    let seen = Seen::default();
    subscriber(pool, &seen).on(handle).upcast(upcast).drain().await?;
    assert_eq!(noted(&seen), [r#"3 ["F of old"]"#]);
    Ok(())
}

#[tokio::test]
async fn a_version_without_upcast_waits_for_a_deploy_that_has_one() -> Result {
    let database = with_both().await?;
    let pool = database.pool();
    let seen = Seen::default();
    subscriber(pool, &seen).on(handle).drain().await?;
    assert_eq!(noted(&seen), [""; 0], "the second event waits behind the first");
    assert_eq!(DeadLetters::new(pool.clone()).list(None, 10).await?.len(), 0);
    subscriber(pool, &seen).on(handle).upcast(upcast).drain().await?;
    assert_eq!(noted(&seen), BOTH);
    Ok(())
}

#[tokio::test]
async fn the_older_version_is_read_tolerantly_and_else_a_dead_letter() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    Publisher::<Home>::new().publish_all(&mut *pool.acquire().await?, [v1("A"), v1("B")]).await?;
    sqlx::raw_sql(
        r#"UPDATE eventwright.outbox SET payload = '{"about":"x","town":"A","newer":true}' WHERE payload ->> 'town' = 'A';
           UPDATE eventwright.outbox SET payload = '{"about":"x","town":7}' WHERE payload ->> 'town' = 'B'"#,
    )
    .execute(pool)
    .await?;
    let seen = Seen::default();
    subscriber(pool, &seen).on(handle).upcast(upcast).drain().await?;
    assert_eq!(noted(&seen), [r#"1 ["A of old"]"#]);
    let letters = DeadLetters::new(pool.clone()).list(None, 10).await?;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.attempts, 1, "no retry mends it");
    assert!(letter.error.contains("/town"), "{}", letter.error);
    Ok(())
}

#[tokio::test]
async fn an_upcast_that_panics_is_a_handler_that_has_failed() -> Result {
    let database = with_both().await?;
    let pool = database.pool();
    let seen = Seen::default();
    let panics = |old: MovedV1| if old.town == "A" { panic!("no way from {}", old.town) } else { upcast(old) };
    subscriber(pool, &seen).out_of_order_after_failures().on(handle).upcast(panics).drain().await?;
    assert_eq!(noted(&seen), BOTH[1..]);
    let letters = DeadLetters::new(pool.clone()).list(None, 10).await?;
    let letters: Vec<_> = letters.iter().map(|letter| (letter.attempts, letter.error.as_str())).collect();
    assert_eq!(letters, [(2, "the upcast panicked: no way from A")]);
    Ok(())
}

#[tokio::test]
async fn an_upcast_leads_to_a_handler_and_comes_beside_none() -> Result {
    async fn handle_old(_: Event<MovedV1>, _: &mut Context<'_, Home, Seen>) -> Handled {
        Ok(())
    }
    let database = migrated().await?;
    let seen = Seen::default();
    let nowhere = subscriber(database.pool(), &seen).on(handle_old).upcast(|_: MovedV2| -> MovedV3 { unreachable!() });
    let refused = nowhere.drain().await;
    assert!(matches!(refused, Err(Error::UpcastWithoutHandler { version: 3, .. })), "{refused:?}");
    let twice = subscriber(database.pool(), &seen).upcast(upcast).on(handle).on(handle_old).drain().await;
    assert!(matches!(twice, Err(Error::TwoHandlers { version: 1, .. })), "{twice:?}");
    // not by way of another upcast
    let chained = subscriber(database.pool(), &seen).on(handle_any).upcast(upcast);
    chained.drain().await?;
    Ok(())
}
