//! `eventwright erase` takes a person's data away for good, so it asks to be told twice.

use crate::common::{eventwright, hold, migrated};
use eventwright::testing;
use eventwright::{CarriesSubject, Object, Payload};

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct PersonUpdated {
    person_id: String,
    name: String,
}

impl Payload for PersonUpdated {
    const EVENT_TYPE: &'static str = "person.updated";
    const VERSION: u16 = 1;
}

impl CarriesSubject for PersonUpdated {
    type Subject = String;

    fn subject(&self) -> String {
        self.person_id.clone()
    }
}

#[tokio::test]
async fn a_person_is_erased_once_it_is_said_for_sure() {
    let database = migrated().await;
    let pool = database.pool();
    let updated = || PersonUpdated::builder().person_id("per_1").name("Ada").build();
    testing::publish(&mut pool.acquire().await.unwrap(), updated()).await.unwrap();
    let id = hold(pool, "funnel", "per_1", "dead", Some("Ada?")).await.to_string();

    let unsure = eventwright(&database, &["erase", "--subject", "per_1"]);
    assert!(unsure.code == Some(1) && unsure.err.contains("--yes"), "{unsure:?}");
    let show = ["dead-letters", "show", &id, "--payload"];
    assert!(eventwright(&database, &show).out.contains("Ada"));

    let mut open = pool.begin().await.unwrap();
    testing::publish(&mut open, updated()).await.unwrap();
    let waits = eventwright(&database, &["erase", "--subject", "per_1", "--yes"]);
    assert!(waits.code == Some(1) && waits.err.contains("1 transactions"), "{waits:?}");
    assert_eq!(waits.out, "erased: 1 events in the log, 0 scheduled, 1 held back or dead\n");
    open.commit().await.unwrap();
    let objects = eventwright(&database, &["erase", "--subject", "per_1", "--yes", "--json"]).objects();
    assert_eq!((&objects[0]["log_events"], &objects[0]["open_transactions"]), (&2.into(), &0.into()));
    let shown = eventwright(&database, &show).out;
    assert!(!shown.contains("Ada") && shown.contains("eventwright.erased_at"), "{shown}");
    let left: Vec<String> =
        sqlx::query_scalar("SELECT payload::text FROM eventwright.outbox").fetch_all(pool).await.unwrap();
    assert!(left.len() == 2 && !left.concat().contains("Ada"), "{left:?}");
}
