//! `eventwright groups` and `eventwright where`.

use eventwright::testing::Database;

use crate::common::{eventwright, hold, migrated};

#[tokio::test]
async fn groups_are_listed_paused_resumed_and_detached() {
    let database = migrated().await;
    let pool = database.pool();
    hold(pool, "funnel", "lead_1", "dead", Some("no")).await;
    hold(pool, "funnel", "lead_1", "behind", None).await;
    sqlx::raw_sql(
        "INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('funnel', 0, 511, 0), ('funnel', 512, 1023, 0);
         INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/far', 'greetings', 0);
         SELECT setval('eventwright.outbox_seq', 12)",
    )
    .execute(pool)
    .await
    .unwrap();
    let table = eventwright(&database, &["groups"]).out;
    let cells: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[1], ["funnel", "attached", "0", "12", "0s", "1", "1", "2"], "{table}");
    assert_eq!(cells[2], ["7/far/greetings", "attached", "0", "12", "0s", "-", "-", "-"], "{table}");

    for (command, answer) in
        [("pause", "is paused"), ("pause", "was paused before"), ("resume", "goes on"), ("pause", "is paused")]
    {
        let said = eventwright(&database, &["groups", command, "funnel"]);
        assert_eq!(said.out, format!("funnel {answer}\n"), "{said:?}");
    }
    let detached = eventwright(&database, &["groups", "detach", "greetings", "--home", "7/far"]);
    assert!(detached.out.contains("no longer waits"), "{detached:?}");
    let wrong = eventwright(&database, &["groups", "attach", "greetings", "--home", "7/near"]);
    assert!(wrong.code == Some(1) && wrong.err.contains("there is no group `7/near/greetings`"), "{wrong:?}");
    for (command, answer) in [("attach", "is attached"), ("attach", "was not detached"), ("detach", "is detached")] {
        let said = eventwright(&database, &["groups", command, "greetings", "--home", "7/far"]);
        assert!(said.out.starts_with(&format!("greetings {answer}")), "{said:?}");
    }
    let split = eventwright(&database, &["groups", "ranges", "funnel", "8"]);
    assert!(split.out.starts_with("funnel is to have 8 ranges"), "{split:?}");
    let objects = eventwright(&database, &["groups", "list", "--json"]).objects();
    assert_eq!(objects[0]["ranges"], 8);
    let wrong = eventwright(&database, &["groups", "ranges", "funnel", "0"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("1..=1024"), "{wrong:?}");
    let objects = eventwright(&database, &["groups", "list", "--json"]).objects();
    assert_eq!(
        (&objects[0]["held"]["behind"], &objects[0]["held"]["dead"], &objects[0]["lag_events"]),
        (&1.into(), &1.into(), &12.into())
    );
    assert!(objects[0]["paused_at"].is_string() && objects[1]["detached_at"].is_string(), "{objects:?}");
    let wrong = eventwright(&database, &["groups", "pause", "funnels"]);
    assert!(wrong.code == Some(1) && wrong.err.contains("there is no group `funnels`"), "{wrong:?}");
}

#[tokio::test]
async fn an_event_is_found_or_is_nowhere() {
    let database = migrated().await;
    let pool = database.pool();
    let head = hold(pool, "funnel", "lead_1", "dead", Some("no")).await.to_string();
    let next = hold(pool, "funnel", "lead_1", "behind", None).await.to_string();
    let said = eventwright(&database, &["where", &next]);
    assert!(said.code == Some(0) && said.out.contains(&format!("funnel  waits for {head}")), "{said:?}");
    let objects = eventwright(&database, &["where", "--json", &head]).objects();
    assert_eq!((&objects[0]["published"], &objects[0]["groups"][0]["state"]), (&false.into(), &"dead".into()));
    let nowhere = eventwright(&database, &["where", "evt_01890a5d-ac96-774b-bcce-b302099a8057"]);
    assert!(nowhere.code == Some(1) && nowhere.out.contains("not in the log"), "{nowhere:?}");
    let wrong = eventwright(&database, &["where", "lead_1"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("evt_"), "{wrong:?}");
}

#[tokio::test]
async fn where_there_are_no_tables_it_says_so_and_the_cause_once() {
    let database = Database::create().await.unwrap();
    let said = eventwright(&database, &["groups"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    let [what, cause] = lines.as_slice() else { panic!("{said:?}") };
    assert!(what.ends_with("run `eventwright migrate`, or call `eventwright::migrate`"), "{said:?}");
    assert!(cause.starts_with("  because: ") && cause.contains("does not exist"), "{said:?}");
}
