//! Single interleavings of publishers, a group and its operators, each of which loses, doubles, reorders or strands events where
//! something is done in a simpler way.

use crate::common::{self, Group, Happened, Home, Result, happened, migrated, open, publish};
use eventwright::{Context, DeadLetters, Event, Failure, Handled, Publisher};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};

/// Gives out transaction ids, so that others' lie below or between them.
async fn spend_xids(pool: &PgPool, count: usize) -> Result {
    for _ in 0..count {
        sqlx::query("SELECT pg_current_xact_id()").execute(pool).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_first_event_of_all_comes() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    assert!(group.next().await?.is_empty());
    open(database.pool(), "first").await?.commit().await?;
    assert_eq!(group.next().await?, ["first"]);
    Ok(())
}

#[tokio::test]
async fn a_rolled_back_event_never_comes() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    open(database.pool(), "undone").await?.rollback().await?;
    open(database.pool(), "done").await?.commit().await?;
    assert_eq!(group.next().await?, ["done"]);
    assert!(group.next().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_open_transaction_delays_its_own_events_alone() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    let slow = open(database.pool(), "slow").await?;
    open(database.pool(), "quick").await?.commit().await?;
    assert_eq!(group.next().await?, ["quick"]);
    open(database.pool(), "quicker").await?.commit().await?;
    assert_eq!(group.next().await?, ["quicker"]);
    slow.commit().await?;
    assert_eq!(group.next().await?, ["slow"]);
    Ok(())
}

/// A snapshot's xmax is the last completed xid plus one: these publishers run above it and are in no list.
#[tokio::test]
async fn publishers_above_the_snapshots_xmax_are_not_lost() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    // makes the group now: doing so later would complete a transaction above the publishers, and so raise xmax
    assert!(group.next().await?.is_empty());
    open(database.pool(), "before").await?.commit().await?;
    let above = open(database.pool(), "above").await?;
    let higher = open(database.pool(), "higher").await?;
    assert_eq!(group.next().await?, ["before"]);
    higher.commit().await?;
    assert_eq!(group.next().await?, ["higher"]);
    above.commit().await?;
    assert_eq!(group.next().await?, ["above"]);
    Ok(())
}

#[tokio::test]
async fn savepoints_come_as_they_were_kept() -> Result {
    let database = migrated().await?;
    let group = Group::new("a", database.pool()).await?;
    let mut tx = open(database.pool(), "s").await?;
    let mut kept = tx.begin().await?;
    publish(&mut kept, "s", 2).await?;
    let mut undone = kept.begin().await?;
    publish(&mut undone, "undone", 3).await?;
    undone.rollback().await?;
    publish(&mut kept, "s", 4).await?;
    kept.commit().await?;
    assert!(group.next().await?.is_empty());
    tx.commit().await?;
    assert_eq!(group.next().await?, ["s", "s", "s"]);
    assert!(group.next().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_prepared_transaction_comes_when_it_is_committed() -> Result {
    let database = migrated().await?;
    let allowed: String = sqlx::query_scalar("SHOW max_prepared_transactions").fetch_one(database.pool()).await?;
    if allowed == "0" {
        eprintln!("skipped: this server has max_prepared_transactions = 0");
        return Ok(());
    }
    let group = Group::new("a", database.pool()).await?;
    let mut session = database.pool().acquire().await?;
    sqlx::raw_sql("BEGIN").execute(&mut *session).await?;
    publish(&mut session, "prepared", 1).await?;
    sqlx::raw_sql("PREPARE TRANSACTION 'interleaving'").execute(&mut *session).await?;
    assert!(group.next().await?.is_empty());
    sqlx::raw_sql("COMMIT PREPARED 'interleaving'").execute(&mut *session).await?;
    assert_eq!(group.next().await?, ["prepared"]);
    assert!(group.next().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn old_snapshots_and_early_xids_change_nothing() -> Result {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let database = migrated().await?;
        let group = Group::new("a", database.pool()).await?;
        let mut late = database.pool().begin().await?;
        sqlx::query(sqlx::AssertSqlSafe(format!("SET TRANSACTION ISOLATION LEVEL {isolation}")))
            .execute(&mut *late)
            .await?;
        sqlx::query("SELECT count(*) FROM eventwright.outbox").execute(&mut *late).await?;
        let mut early = database.pool().begin().await?;
        sqlx::query("SELECT pg_current_xact_id()").execute(&mut *early).await?;
        spend_xids(database.pool(), 3).await?;
        assert!(group.next().await?.is_empty());
        publish(&mut late, "late", 1).await?;
        publish(&mut early, "early", 1).await?;
        assert!(group.next().await?.is_empty());
        early.commit().await?;
        assert_eq!(group.next().await?, ["early"]);
        late.commit().await?;
        assert_eq!(group.next().await?, ["late"]);
        assert!(group.next().await?.is_empty());
    }
    Ok(())
}

/// A watermark (`xid < xmin`) reads the second before the first here: the first one's xid is the higher.
#[tokio::test]
async fn a_subject_keeps_the_order_of_its_row_lock() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let group = Group::new("a", pool).await?;
    sqlx::raw_sql("CREATE TABLE accounts (id int PRIMARY KEY, n int); INSERT INTO accounts VALUES (1, 0)")
        .execute(pool)
        .await?;
    let mut second = pool.begin().await?;
    let mut stranger = pool.begin().await?;
    let mut first = pool.begin().await?;
    for tx in [&mut second, &mut stranger, &mut first] {
        sqlx::query("SELECT pg_current_xact_id()").execute(&mut **tx).await?;
    }
    for (tx, n) in [(&mut first, 1), (&mut second, 2)] {
        sqlx::query("UPDATE accounts SET n = $1 WHERE id = 1").bind(n).execute(&mut **tx).await?;
        Publisher::<common::Home>::new().publish(tx, happened("account", i64::from(n))).await?;
        if n == 1 {
            sqlx::query("COMMIT").execute(&mut **tx).await?;
        }
    }
    assert_eq!(group.next().await?, ["account"]);
    second.commit().await?;
    assert_eq!(group.next().await?, ["account"]);
    stranger.commit().await?;
    assert!(group.next().await?.is_empty());
    let order: Vec<i64> = sqlx::query_scalar("SELECT n FROM effects ORDER BY k").fetch_all(pool).await?;
    assert_eq!(order, [1, 2]);
    Ok(())
}

/// Two defaults, or a cached sequence, would let a window pass by a row that is about to take a lower number.
#[tokio::test]
async fn a_row_takes_its_xid_before_its_seq() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let default: String = sqlx::query_scalar(
        "SELECT pg_get_expr(d.adbin, d.adrelid)
           FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
          WHERE d.adrelid = 'eventwright.outbox'::regclass AND a.attname = 'seq'",
    )
    .fetch_one(pool)
    .await?;
    assert!(default.starts_with("nextval(") && default.contains("pg_current_xact_id()"), "{default}");
    let cache: i64 =
        sqlx::query_scalar("SELECT seqcache FROM pg_sequence WHERE seqrelid = 'eventwright.outbox_seq'::regclass")
            .fetch_one(pool)
            .await?;
    assert_eq!(cache, 1);
    Ok(())
}

#[tokio::test]
async fn a_window_is_refused_inside_of_a_transaction() -> Result {
    let database = migrated().await?;
    let mut tx = open(database.pool(), "mine").await?;
    let refused = sqlx::query("SELECT eventwright.open_window()").execute(&mut *tx).await;
    let message = refused.err().ok_or("opened a window beside an xid")?.to_string();
    assert!(message.contains("must be alone"), "{message}");
    Ok(())
}

/// Who lets a dead letter go waits for who holds another event back behind it, and must then see that one, whatever isolation
/// the database gives by default.
#[tokio::test]
async fn an_event_held_back_while_its_head_is_let_go_is_not_stranded() -> Result {
    async fn reject(_: Event<Happened>, _: &mut Context<'_, Home, &'static str>) -> Handled {
        Err(Failure::reject("no"))
    }
    let database = migrated().await?;
    let pool = database.pool();
    let head = publish(&mut *pool.acquire().await?, "x", 1).await?;
    Group::new("a", pool).await?.subscriber().on(reject).drain().await?;

    let next = publish(&mut *pool.acquire().await?, "x", 2).await?;
    let mut holding = pool.begin().await?;
    sqlx::raw_sql(
        "INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at,
                                       published_at, correlation_id, payload, reason)
         SELECT 'a', seq, event_id, event_type, schema_version, source, subject, occurred_at,
                published_at, correlation_id, payload, 'behind'
           FROM eventwright.outbox ORDER BY seq DESC LIMIT 1;
         SELECT eventwright.release('a', ARRAY['x'])",
    )
    .execute(&mut *holding)
    .await?;

    let options = (*pool.connect_options()).clone().options([("default_transaction_isolation", "serializable")]);
    let operator = DeadLetters::new(PgPoolOptions::new().connect_with(options).await?);
    let discarded = tokio::spawn(async move { operator.discard("a", head).await });
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
                    (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await? {}
    holding.commit().await?;
    assert!(discarded.await??);

    let ready = "SELECT reason = 'ready' FROM eventwright.held WHERE event_id = $1";
    assert!(sqlx::query_scalar::<_, bool>(ready).bind(next.as_uuid()).fetch_one(pool).await?);
    Ok(())
}

#[tokio::test]
async fn an_idle_group_spends_no_transaction_ids() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    open(pool, "one").await?.commit().await?;
    let group = Group::new("a", pool).await?;
    group.next().await?;
    assert!(!looking_spends_an_xid(pool).await?);
    open(pool, "two").await?.commit().await?;
    assert!(looking_spends_an_xid(pool).await?, "news takes a fence");
    Ok(())
}

async fn looking_spends_an_xid(pool: &PgPool) -> Result<bool> {
    let mut look = pool.begin().await?;
    sqlx::query("SELECT eventwright.open_window()").execute(&mut *look).await?;
    let spent = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL";
    let spent = sqlx::query_scalar(spent).fetch_one(&mut *look).await?;
    look.commit().await?;
    Ok(spent)
}

/// While `nextval` logs a number 32 calls ahead, that stands in the sequence's row for whoever reads it without a lock. A window with such a
/// bound would claim to have events that are published after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_given_out_later_is_above_a_windows_bound() -> Result {
    let database = migrated().await?;
    for _ in 0..2 {
        let mut session = PgConnection::connect(database.url()).await?;
        // until the database is dropped
        tokio::spawn(async move {
            let _ = sqlx::raw_sql("DO $$ BEGIN LOOP PERFORM nextval('eventwright.outbox_seq'); END LOOP; END $$")
                .execute(&mut session)
                .await;
        });
    }
    sqlx::raw_sql(
        "CREATE FUNCTION too_high(times integer) RETURNS integer LANGUAGE plpgsql AS $$
         DECLARE
             bound bigint;
             count integer := 0;
         BEGIN
             FOR i IN 1..times LOOP
                 bound := eventwright.last_seq();
                 count := count + (nextval('eventwright.outbox_seq') <= bound)::int;
             END LOOP;
             RETURN count;
         END $$",
    )
    .execute(database.pool())
    .await?;
    let too_high: i32 = sqlx::query_scalar("SELECT too_high(1000000)").fetch_one(database.pool()).await?;
    assert_eq!(too_high, 0);
    Ok(())
}
