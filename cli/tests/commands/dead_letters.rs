//! `eventwright dead-letters` shows what groups gave up, and keeps what nobody has said yes to.

use crate::common::{eventwright, hold, migrated};

const LIST: [&str; 2] = ["dead-letters", "list"];

#[tokio::test]
async fn a_list_is_a_table_or_json_and_goes_on_where_it_ended() {
    let database = migrated().await;
    let pool = database.pool();
    let first = hold(pool, "funnel", "lead_1", "dead", Some("connection\nrefused")).await.to_string();
    let second = hold(pool, "funnel", "lead_2", "dead", Some("no")).await.to_string();
    hold(pool, "funnel", "lead_2", "behind", None).await;

    let table = eventwright(&database, &LIST).out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("GROUP   EVENT"), "{table}");
    assert!(lines[1].contains(&first) && lines[1].ends_with("connection refused"), "{table}");
    assert!(!table.contains("Ada"), "{table}");

    let page = eventwright(&database, &[&LIST[..], &["--json", "--limit", "1"]].concat());
    let objects = page.objects();
    assert_eq!(objects.len(), 1);
    assert_eq!((&objects[0]["event_id"], &objects[0]["attempts"]), (&first.into(), &3.into()));
    assert!(objects[0].get("payload").is_none());
    let after = page.err.trim().strip_prefix("there are more: --after ").unwrap_or_else(|| panic!("{page:?}"));
    let rest = eventwright(&database, &[&LIST[..], &["--json", "--after", after]].concat()).objects();
    assert_eq!(rest.iter().map(|letter| &letter["event_id"]).collect::<Vec<_>>(), [&second]);

    let refused = eventwright(&database, &[&LIST[..], &["--json", "--error", "REFUSED", "--since", "1h"]].concat());
    assert_eq!(refused.objects().len(), 1);
    assert!(eventwright(&database, &[&LIST[..], &["--until", "1h"]].concat()).out.is_empty());
    let wrong = eventwright(&database, &[&LIST[..], &["--since", "yesterday"]].concat());
    assert!(wrong.code == Some(2) && wrong.err.contains("an age such as"), "{wrong:?}");
}

#[tokio::test]
async fn a_payload_is_shown_to_who_asks_for_it() {
    let database = migrated().await;
    let id = hold(database.pool(), "funnel", "lead_1", "dead", Some("refused")).await.to_string();
    let shown = eventwright(&database, &["dead-letters", "show", &id]).out;
    for part in ["funnel", "lead.created v1", "lead_1", "import-17", "first failed", "refused"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("Ada"), "{shown}");
    assert!(eventwright(&database, &["dead-letters", "show", &id, "--payload"]).out.contains(r#"{"name":"Ada"}"#));
    let objects = eventwright(&database, &["dead-letters", "show", &id, "--payload", "--json"]).objects();
    assert_eq!(objects[0]["payload"], r#"{"name":"Ada"}"#);
    let elsewhere = eventwright(&database, &["dead-letters", "show", &id, "--group", "greetings"]);
    assert!(
        elsewhere.code == Some(1) && elsewhere.err.contains("group `greetings` has no dead letter"),
        "{elsewhere:?}"
    );
}

#[tokio::test]
async fn nothing_is_tried_again_or_forgotten_that_nobody_named() {
    let database = migrated().await;
    let pool = database.pool();
    for subject in ["lead_1", "lead_2", "lead_3"] {
        hold(pool, "funnel", subject, "dead", Some("refused")).await;
    }
    let id = hold(pool, "greetings", "lead_1", "dead", Some("refused")).await.to_string();
    let dead = || eventwright(&database, &[&LIST[..], &["--json"]].concat()).objects().len();

    let unsaid = eventwright(&database, &["dead-letters", "redrive"]);
    assert!(unsaid.code == Some(1) && unsaid.err.contains("--all"), "{unsaid:?}");
    let unsure = eventwright(&database, &["dead-letters", "discard", "--subject", "lead_1"]);
    assert!(unsure.code == Some(1) && unsure.err.contains("--yes"), "{unsure:?}");
    assert_eq!(dead(), 4);

    let sure =
        eventwright(&database, &["dead-letters", "discard", "--group", "funnel", "--subject", "lead_1", "--yes"]);
    assert!(sure.out.starts_with("1 dead letter"), "{sure:?}");
    let one = eventwright(&database, &["dead-letters", "discard", &id]);
    assert_eq!(one.out, format!("{id} is forgotten by 1 group\n"));
    let again = eventwright(&database, &["dead-letters", "redrive", &id, "--group", "greetings"]);
    assert!(again.code == Some(1) && again.err.contains("has no dead letter"), "{again:?}");
    let some = eventwright(&database, &["dead-letters", "redrive", "--subject", "lead_2"]);
    assert!(some.out.starts_with("1 dead letter"), "{some:?}");
    let rest = eventwright(&database, &["dead-letters", "redrive", "--all"]);
    assert!(rest.out.starts_with("1 dead letter"), "{rest:?}");
    assert_eq!(dead(), 0);
}

#[tokio::test]
async fn another_schema_has_its_own() {
    let database = migrated().await;
    hold(database.pool(), "funnel", "lead_1", "dead", Some("refused")).await;
    let migrate = eventwright(&database, &["migrate", "--schema", "billing_events"]);
    assert_eq!(migrate.code, Some(0), "{migrate:?}");
    let list = eventwright(&database, &["dead-letters", "list", "--schema", "billing_events"]);
    assert!(list.code == Some(0) && list.out.is_empty(), "{list:?}");
    let missing = eventwright(&database, &["dead-letters", "--schema", "nowhere", "list"]);
    assert!(missing.code == Some(1) && missing.err.contains("eventwright migrate"), "{missing:?}");
    let unsaid = eventwright(&database, &["dead-letters", "list", "--database-url", ""]);
    assert!(unsaid.code == Some(1) && unsaid.err.contains("set DATABASE_URL"), "{unsaid:?}");
}
