//! How Postgres runs the statements that groups and publishers ask all the time, where there is much in each table: what subscribers
//! and publishers really send is taken from the server's own log (auto_explain). They go straight, since it is about plans that are kept with a statement's name.

#[path = "../common/mod.rs"]
mod common;
mod explained;
mod old_snapshot;
mod work;

use std::collections::BTreeMap;

use common::Result;
use eventwright::Roles;
use eventwright::testing::Settings;
use explained::Explained;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};
use work::{fill, run, run_elsewhere};

/// What a group asks each time that it looks, for each page and for each event, and what publishers ask.
const ASKED: [(&str, &str); 17] = [
    ("advance", include_str!("../../src/sql/advance.sql")),
    ("begin_chunk", include_str!("../../src/sql/begin_chunk.sql")),
    ("blocked", include_str!("../../src/sql/blocked.sql")),
    ("cancel", include_str!("../../src/sql/cancel.sql")),
    ("claim", include_str!("../../src/sql/claim.sql")),
    ("followers", include_str!("../../src/sql/followers.sql")),
    ("hold", include_str!("../../src/sql/hold.sql")),
    ("lease_held", include_str!("../../src/sql/lease_held.sql")),
    ("look", include_str!("../../src/sql/look.sql")),
    ("open", include_str!("../../src/sql/open.sql")),
    ("open_and_look", include_str!("../../src/sql/open_and_look.sql")),
    ("pass_over", include_str!("../../src/sql/pass_over.sql")),
    ("publish", include_str!("../../src/sql/publish.sql")),
    ("publish_batch", include_str!("../../src/sql/publish_batch.sql")),
    ("put_off", include_str!("../../src/sql/put_off.sql")),
    ("read", include_str!("../../src/sql/read.sql")),
    ("read_since", include_str!("../../src/sql/read_since.sql")),
];

/// Tables that grow, beside the log. The others have some rows for each group.
const LARGE: [&str; 6] = ["windows", "held", "scheduled", "idempotency_keys", "handled", "repeats"];
/// The most rows of these that a statement looks at: those of a page's subjects, or those that are due.
const MOST_EXAMINED: f64 = 1000.0;
/// Where it looks for many of a group's events by their numbers, reading all that the group holds may take less: Postgres weighs the two
/// by what it takes the group for, a two-hundredth of the table, so it does so only while that is little.
const MOST_FOR_NUMBERS: f64 = 2500.0;
/// How many events the smallest full page has.
const PAGE: f64 = 256.0;
/// Of events that lie side by side, a full page takes those of one of four ranges.
const MOST_FOR_ONE_OF_A_PAGE: f64 = 6.0;
/// The most numbers that one read looks at for events that are rare, and some more for stragglers.
const MOST_FOR_NOTHING: f64 = 101_000.0;

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_scans_what_grows() -> Result {
    if !has_auto_explain().await? {
        eprintln!("not tested: this Postgres comes without auto_explain");
        return Ok(());
    }
    let server = Settings::new().ignore_database_url().durable(false);
    let server = server.set("session_preload_libraries", "auto_explain").set("autovacuum", "off");
    let server = tokio::task::spawn_blocking(move || server.start()).await??;
    let log = server.directory().ok_or("a server without a directory")?.join("log");
    let pool = PgPoolOptions::new().max_connections(10).connect(server.url()).await?;
    eventwright::migrate(&pool).await?;
    let explained = Explained::at(&log);

    // plans of the time when there was nothing, which sessions keep
    let options: PgConnectOptions = server.url().parse()?;
    let grown = work::Grown::start(explaining(&options, "auto").await?).await?;
    fill(&pool).await?;
    explained.forget()?;
    grown.go_on(&pool).await?;
    check("made while the tables were empty", &explained.take()?, &["open_and_look", "read_since", "lease_held"]);

    // a group that has its positions in another database, where there is as much
    pool.execute("CREATE DATABASE elsewhere").await?;
    let elsewhere = options.clone().database("elsewhere");
    let home = PgPoolOptions::new().max_connections(10).connect_with(elsewhere.clone()).await?;
    eventwright::migrate(&home).await?;
    fill(&home).await?;

    for (analyzed, statistics) in [(false, "never analyzed"), (true, "analyzed")] {
        if analyzed {
            pool.execute("ANALYZE").await?;
            home.execute("ANALYZE").await?;
        }
        for mode in ["force_custom_plan", "force_generic_plan"] {
            explained.forget()?;
            let group = format!("{}_{mode}", if analyzed { "analyzed" } else { "fresh" });
            let (asked, asked_elsewhere) = (explaining(&options, mode).await?, explaining(&elsewhere, mode).await?);
            run(&asked, &pool, &group).await?;
            run_elsewhere(&pool, &asked, &asked_elsewhere, &home, &group).await?;
            let all: Vec<&str> = ASKED.iter().map(|(name, _)| *name).collect();
            check(&format!("{statistics}, {mode}"), &explained.take()?, &all);
        }
    }

    // conditions of row-level security come before all others that may tell something of a row, and look through the groups
    let types = ["home.happened", "home.common", "home.rare"];
    Roles::new(pool.clone()).consumer("app_home", "home", types).producer("app_home", "home", types).create().await?;
    let restricted = options.clone().options([("role", "app_home")]);
    for mode in ["force_custom_plan", "force_generic_plan"] {
        explained.forget()?;
        run(&explaining(&restricted, mode).await?, &pool, &format!("restricted_{mode}")).await?;
        check(
            &format!("by a role, {mode}"),
            &explained.take()?,
            &["claim", "open_and_look", "publish", "read", "read_since"],
        );
    }
    Ok(())
}

async fn has_auto_explain() -> Result<bool> {
    let database = eventwright::testing::Database::create().await?;
    Ok(database.pool().execute("LOAD 'auto_explain'").await.is_ok())
}

/// Connections whose statements are explained.
async fn explaining(options: &PgConnectOptions, plan_cache_mode: &str) -> Result<PgPool> {
    let options = options.clone().options([
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_nested_statements", "on"),
        ("plan_cache_mode", plan_cache_mode),
    ]);
    Ok(PgPoolOptions::new().max_connections(10).connect_with(options).await?)
}

fn check(how: &str, plans: &[explained::Plan], expected: &[&str]) {
    let name = |text: &str| ASKED.iter().find(|(_, asked)| asked.trim() == text.trim()).map(|(name, _)| *name);
    for expected in expected {
        assert!(plans.iter().any(|plan| name(&plan.text) == Some(expected)), "{how}: {expected} was not asked");
    }
    let mut wrong: BTreeMap<String, f64> = BTreeMap::new();
    for plan in plans {
        let first_line = plan.text.trim().lines().next().unwrap_or_default();
        let what = name(&plan.text).unwrap_or(first_line);
        let mut of_log = 0.0;
        if plan.is_compiled {
            wrong.insert(format!("{what}: compiled, which takes longer than the statement"), plan.rows);
        }
        for scan in &plan.scans {
            let is_of_log = scan.relation.starts_with("outbox_to_");
            of_log += if is_of_log { scan.examined } else { 0.0 };
            // a page may take most of a partition, which is then read as a whole
            let is_page = matches!(what, "read" | "read_since") && scan.part.as_deref() != Some("stragglers");
            let may_scan = match is_of_log {
                true => is_page,
                false => !LARGE.contains(&scan.relation.as_str()),
            };
            let most = if plan.text.contains("seq = ANY (") { MOST_FOR_NUMBERS } else { MOST_EXAMINED };
            if (scan.kind == "Seq Scan" && !may_scan) || (!is_page && scan.examined > most) {
                let key = format!("{what}: {} of {} by [{}]", scan.kind, scan.relation, scan.found_by);
                let rows = wrong.entry(key).or_default();
                *rows = rows.max(scan.examined);
            }
        }
        let most = if plan.rows >= PAGE { plan.rows * MOST_FOR_ONE_OF_A_PAGE } else { MOST_FOR_NOTHING };
        if of_log > most {
            wrong.insert(format!("{what}: looks at {of_log} events to find {}", plan.rows), of_log);
        }
    }
    assert!(wrong.is_empty(), "{how}:\n{wrong:#?}");
}
