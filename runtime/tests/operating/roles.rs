//! Roles that may only do what the registry lets their domain do: all that is forbidden is tried, and all that is allowed works by
//! the real publisher and subscriber. They go straight: the pooler of tests is one user to the server, whoever asks.

use crate::common::{self, Group, Happened, Home, Result, happened, migrated, publish, record};
use eventwright::testing::Database;
use eventwright::{
    Context, Domain, Error, Event, Handled, OffsetDateTime, Publish, Publisher, Retention, Roles, SubscribedBy,
    Subscriber,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

struct Other;

impl Domain for Other {
    const NAME: &'static str = "other";
}

impl SubscribedBy<Other> for Happened {}

async fn hear(_: Event<Happened>, _: &mut Context<'_, Other>) -> Handled {
    Ok(())
}

/// Roles are the whole server's, so each test has its own, and takes them away.
struct Actors {
    database: Database,
    names: Vec<String>,
}

impl Actors {
    /// `sells` owns home.happened and reads nothing, `buys` reads it, `both` does both, all for domain home; `other` is another
    /// domain's, which owns other.happened and reads other.happened.
    async fn new() -> Result<Self> {
        let database = migrated().await?;
        let mut actors = Self { database, names: Vec::new() };
        let url = actors.database.url().to_owned();
        let suffix = url.rsplit('_').next().unwrap_or_default().split('?').next().unwrap_or_default()[..32].to_owned();
        actors.names = ["sells", "buys", "both", "other"].map(|name| format!("{name}_{suffix}")).to_vec();
        Group::new("a", actors.pool()).await?;
        let [sells, buys, both, other] = actors.names.as_slice() else { panic!("four roles") };
        Roles::new(actors.pool().clone())
            .producer(sells, Home::NAME, ["home.happened"])
            .consumer(buys, Home::NAME, ["home.happened"])
            .consumer(both, Home::NAME, ["home.happened"])
            .producer(both, Home::NAME, ["home.happened"])
            .producer(other, "other", ["other.happened"])
            .consumer(other, "other", ["other.happened"])
            .create()
            .await?;
        for name in &actors.names {
            let effects =
                format!("GRANT SELECT, INSERT ON effects TO {name}; GRANT USAGE ON SEQUENCE effects_k_seq TO {name}");
            sqlx::raw_sql(AssertSqlSafe(effects)).execute(actors.pool()).await?;
        }
        Ok(actors)
    }

    fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    async fn of(&self, name: &str) -> Result<PgPool> {
        let role = self.names.iter().find(|role| role.starts_with(name)).ok_or("no such role")?;
        let set_role = format!("SET ROLE {role}");
        let pool = PgPoolOptions::new().max_connections(10).after_connect(move |connection, _| {
            let set_role = set_role.clone();
            Box::pin(async move { sqlx::raw_sql(AssertSqlSafe(set_role)).execute(connection).await.map(drop) })
        });
        Ok(pool.connect(self.database.url()).await?)
    }

    async fn leave(self) -> Result {
        for name in &self.names {
            let leave = format!("DROP OWNED BY {name}; DROP ROLE {name}");
            sqlx::raw_sql(AssertSqlSafe(leave)).execute(self.pool()).await?;
        }
        Ok(())
    }
}

/// The SQLSTATE that a statement is refused with; empty where it is not.
async fn refused(pool: &PgPool, statement: &str) -> Result<String> {
    let mut tx = pool.begin().await?;
    let answer = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await;
    tx.rollback().await?;
    match answer {
        Ok(_) => Ok(String::new()),
        Err(error) => Ok(error.as_database_error().and_then(|e| e.code()).ok_or("no answer")?.into_owned()),
    }
}

/// Postgres appendix A: insufficient_privilege, which row-level security says, too.
const FORBIDDEN: &str = "42501";

fn insert(columns: &str, values: &str, event_type: &str, source: &str) -> String {
    format!(
        "INSERT INTO eventwright.outbox ({columns} event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
         VALUES ({values} '0192f0c0-0000-7000-8000-000000000000', '{event_type}', 1, '{source}', 's', now(), 'c', '{{}}')"
    )
}

async fn all_are_forbidden(pool: &PgPool, statements: &[&str]) -> Result {
    for statement in statements {
        assert_eq!(refused(pool, statement).await?, FORBIDDEN, "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn a_producer_publishes_what_its_domain_owns_and_can_do_nothing_else() -> Result {
    let actors = Actors::new().await?;
    let sells = actors.of("sells").await?;
    publish(&mut *sells.acquire().await?, "x", 1).await?;
    assert_eq!(refused(&sells, &insert("", "", "home.happened", "home")).await?, "");
    for forged in [
        insert("", "", "other.happened", "home"),
        insert("", "", "home.happened", "other"),
        insert("seq,", "5,", "home.happened", "home"),
        insert("xid,", "'5',", "home.happened", "home"),
        insert("published_at,", "now(),", "home.happened", "home"),
        insert("", "", "home.happened", "home").replace("outbox", "outbox_to_1000000"),
    ] {
        assert_eq!(refused(&sells, &forged).await?, FORBIDDEN, "{forged}");
    }
    let statements = [
        "UPDATE eventwright.outbox SET payload = '{}'",
        "DELETE FROM eventwright.outbox",
        "TRUNCATE eventwright.outbox",
        "SELECT payload FROM eventwright.outbox",
        "SELECT event_id FROM eventwright.outbox",
        "SELECT seq FROM eventwright.outbox_to_1000000",
        "SELECT setval('eventwright.outbox_seq', 1)",
        "SELECT * FROM eventwright.held",
        "SELECT * FROM eventwright.dead_letters",
        "SELECT * FROM eventwright.groups",
        "UPDATE eventwright.positions SET done = 0",
        "UPDATE eventwright.settings SET keep = '0'",
        "SELECT eventwright.open_window()",
        "SELECT eventwright.ensure_partitions(1000000, 1)",
        "SELECT eventwright.secure_functions()",
        "SELECT eventwright.grant_consumer(current_user, 'home', '{home.happened}')",
        "CREATE TABLE eventwright.mine (i int)",
    ];
    all_are_forbidden(&sells, &statements).await?;
    // the one column that it may read, of rows of its own transaction
    let mut tx = sells.begin().await?;
    let seen = "SELECT count(seq) FROM eventwright.outbox";
    assert_eq!(sqlx::query_scalar::<_, i64>(seen).fetch_one(&mut *tx).await?, 0);
    publish(&mut tx, "x", 2).await?;
    assert_eq!(sqlx::query_scalar::<_, i64>(seen).fetch_one(&mut *tx).await?, 1);
    tx.commit().await?;
    sells.close().await;
    actors.leave().await
}

/// With all that hangs on an event: a key by which a repetition is known, and a time before which it does not come.
#[tokio::test]
async fn a_producer_schedules_and_repeats_and_cancels_its_own_events_alone() -> Result {
    let actors = Actors::new().await?;
    let (sells, buys, other) = (actors.of("sells").await?, actors.of("buys").await?, actors.of("other").await?);
    let home = Publisher::<Home>::new();
    let mut db = sells.acquire().await?;
    let soon = OffsetDateTime::now_utc() + std::time::Duration::from_secs(3600);
    for _ in 0..2 {
        home.publish(&mut *db, happened("once", 1).idempotency_key("k")).await?;
    }
    let kept = happened("later", 1).publish_at(soon).idempotency_key("l");
    let kept_id = kept.event_id();
    home.publish(&mut *db, kept).await?;
    let cancelled = happened("never", 1).publish_at(soon).idempotency_key("m");
    let cancelled_id = cancelled.event_id();
    home.publish(&mut *db, cancelled).await?;
    assert!(home.cancel(&mut *db, cancelled_id).await?);
    for table in ["idempotency_keys", "scheduled"] {
        let count = format!("SELECT count(*) FROM eventwright.{table}");
        assert_eq!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(count)).fetch_one(&other).await?, 0, "{table}");
        let delete = format!("DELETE FROM eventwright.{table}");
        assert_eq!(sqlx::raw_sql(AssertSqlSafe(delete)).execute(&other).await?.rows_affected(), 0, "{table}");
    }
    assert!(!home.cancel(&mut *other.acquire().await?, kept_id).await?);
    let forged = insert("due_at,", "now(),", "other.happened", "home").replace("outbox", "scheduled");
    all_are_forbidden(&sells, &[&forged, "SELECT eventwright.publish_due(10)"]).await?;

    sqlx::raw_sql("UPDATE eventwright.scheduled SET due_at = now()").execute(actors.pool()).await?;
    sqlx::raw_sql("SELECT eventwright.publish_due(10)").execute(&buys).await?;
    Subscriber::<Home>::new("a", buys.clone()).state("a").on(record).drain().await?;
    let mut handled = Group::new("a", actors.pool()).await?.all().await?;
    handled.sort();
    assert_eq!(handled, ["later", "once"]);
    drop(db);
    for pool in [sells, buys, other] {
        pool.close().await;
    }
    actors.leave().await
}

#[tokio::test]
async fn a_consumer_runs_its_groups_on_what_its_domain_reads_and_can_do_nothing_else() -> Result {
    let actors = Actors::new().await?;
    let buys = actors.of("buys").await?;
    publish(&mut *actors.pool().acquire().await?, "x", 1).await?;
    sqlx::raw_sql(AssertSqlSafe(insert("", "", "other.happened", "other"))).execute(actors.pool()).await?;
    let subscriber = || Subscriber::<Home>::new("a", buys.clone()).workers(2).state("a");
    subscriber().on(record).drain().await?;
    publish(&mut *actors.pool().acquire().await?, "y", 1).await?;
    subscriber().on(record).drain().await?;
    publish(&mut *actors.pool().acquire().await?, "z", 1).await?;
    let cut_short = "UPDATE eventwright.begun SET first_seq = last.seq, until_seq = last.seq
                       FROM (SELECT max(seq) AS seq FROM eventwright.outbox) last";
    sqlx::query(cut_short).execute(actors.pool()).await?;
    subscriber().on(record).drain().await?;
    assert_eq!(Group::new("a", actors.pool()).await?.all().await?, ["x", "y", "z"]);
    Retention::new(buys.clone()).maintain().await?;
    // the rest of what a subscriber does for the log, now and then
    sqlx::query("SELECT eventwright.forget_old_keys(10), eventwright.may_clear_away()").execute(&buys).await?;
    eventwright::migrate(&buys).await?;

    let read: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT event_type FROM eventwright.outbox").fetch_all(&buys).await?;
    assert_eq!(read, ["home.happened"]);
    let published = insert("", "", "home.happened", "home");
    let statements = [
        published.as_str(),
        "UPDATE eventwright.outbox SET payload = '{}'",
        "DELETE FROM eventwright.outbox",
        "TRUNCATE eventwright.outbox",
        "SELECT * FROM eventwright.outbox_to_1000000",
        "SELECT nextval('eventwright.outbox_seq')",
        "SELECT setval('eventwright.awake', 9)",
        "INSERT INTO eventwright.windows (id, snapshot, bound, fence) VALUES (9, '3:3:', 0, '3')",
        "DELETE FROM eventwright.windows",
        "SELECT * FROM eventwright.dead_letters",
        "UPDATE eventwright.settings SET keep = '0'",
        "INSERT INTO eventwright.expired (upper, partition, fence, newest_at) VALUES (1, 'x', '3', now())",
        "SELECT eventwright.expire_partitions()",
        "SELECT eventwright.attach_group('a')",
        "SELECT eventwright.ensure_partitions(1000000, 1)",
        "SELECT eventwright.grant_producer(current_user, 'home', '{home.happened}')",
        "INSERT INTO eventwright.groups (name, domain) VALUES ('mine', 'other')",
        "UPDATE eventwright.groups SET domain = 'other'",
    ];
    all_are_forbidden(&buys, &statements).await?;
    buys.close().await;
    actors.leave().await
}

#[tokio::test]
async fn another_domains_groups_can_neither_be_seen_nor_moved() -> Result {
    let actors = Actors::new().await?;
    let (buys, other) = (actors.of("buys").await?, actors.of("other").await?);
    publish(&mut *actors.pool().acquire().await?, "x", 1).await?;
    Subscriber::<Home>::new("a", buys.clone()).state("a").on(record).drain().await?;
    let hold = "INSERT INTO eventwright.held (group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at,
            published_at, correlation_id, payload, reason)
        VALUES ('a', 1, gen_random_uuid(), 't', 1, 's', 'x', now(), now(), 'c', '{}', 'failed')";
    sqlx::raw_sql(hold).execute(&buys).await?;
    sqlx::raw_sql("INSERT INTO eventwright.readers (home, group_name, completed) VALUES ('7/there', 'far', 0)")
        .execute(&buys)
        .await?;
    for table in ["groups", "positions", "begun", "held", "readers"] {
        let count = format!("SELECT count(*) FROM eventwright.{table}");
        assert_ne!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(count.clone())).fetch_one(&buys).await?, 0, "{table}");
        assert_eq!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(count)).fetch_one(&other).await?, 0, "{table}");
    }
    for change in [
        "UPDATE eventwright.positions SET done = 0",
        "DELETE FROM eventwright.positions",
        "UPDATE eventwright.groups SET paused_at = now()",
        "DELETE FROM eventwright.held",
        "UPDATE eventwright.begun SET attempts = 9",
        "UPDATE eventwright.readers SET completed = 9",
    ] {
        assert_eq!(sqlx::raw_sql(change).execute(&other).await?.rows_affected(), 0, "{change}");
    }
    all_are_forbidden(
        &other,
        &[
            hold,
            "INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done) VALUES ('a', 2000, 2000, 0)",
        ],
    )
    .await?;
    let intruder = Subscriber::<Other>::new("a", other.clone()).on(hear).drain().await;
    assert!(matches!(&intruder, Err(Error::GroupNameTaken { group, domain: "other" }) if group == "a"), "{intruder:?}");
    Subscriber::<Other>::new("b", other.clone()).on(hear).drain().await?;
    buys.close().await;
    other.close().await;
    actors.leave().await
}

#[tokio::test]
async fn what_runs_as_the_owner_is_not_led_astray_by_the_callers_names() -> Result {
    let actors = Actors::new().await?;
    let buys = actors.of("buys").await?;
    let mut session = buys.acquire().await?;
    // an operator and a table that would be found first
    sqlx::raw_sql(
        "CREATE TEMP TABLE settings (one boolean, keep interval, warn_after interval, detach_after interval);
         CREATE TEMP TABLE windows (LIKE eventwright.windows);
         CREATE FUNCTION pg_temp.shout(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'led astray'; END $$;
         CREATE OPERATOR pg_temp.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = pg_temp.shout);
         SET search_path = pg_temp, pg_catalog",
    )
    .execute(&mut *session)
    .await?;
    for call in [
        "open_window()",
        "forget_windows()",
        "lag()",
        "detach_laggards()",
        "make_room()",
        "fall_asleep('1 s')",
        "wake_up(1)",
    ] {
        let call = format!("SELECT count(*) FROM (SELECT eventwright.{call}) called");
        sqlx::raw_sql(AssertSqlSafe(call)).execute(&mut *session).await?;
    }
    let pinned: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'eventwright'::regnamespace AND prosecdef
            AND NOT coalesce(proconfig @> '{\"search_path=pg_catalog, pg_temp\"}', false)",
    )
    .fetch_one(actors.pool())
    .await?;
    assert_eq!(pinned, 0, "a function runs as the owner with its caller's search_path");
    drop(session);
    buys.close().await;
    actors.leave().await
}

#[tokio::test]
async fn nobody_can_make_publishers_notify_for_ever_or_put_sleepers_out_of_reach() -> Result {
    let actors = Actors::new().await?;
    let buys = actors.of("buys").await?;
    sqlx::raw_sql("SELECT eventwright.fall_asleep('100 years')").execute(&buys).await?;
    sqlx::raw_sql("SELECT eventwright.wake_up(9223372036854775807)").execute(&buys).await?;
    let bounded =
        "SELECT asleep.last_value / 1000000 <= extract(epoch FROM now()) + 3600, awake.last_value = asleep.last_value
        FROM eventwright.asleep, eventwright.awake";
    assert_eq!(sqlx::query_as::<_, (bool, bool)>(bounded).fetch_one(actors.pool()).await?, (true, true));
    buys.close().await;
    actors.leave().await
}

/// A role that has two domains' rights could move one's groups with the other's.
#[tokio::test]
async fn a_role_is_one_domains_and_is_given_other_types_by_creating_it_again() -> Result {
    let actors = Actors::new().await?;
    let both = actors.names[2].clone();
    let again = Roles::new(actors.pool().clone()).producer(&both, "other", ["other.happened"]).create().await;
    assert!(again.is_err_and(|error| format!("{error:?}").contains("belongs to domain home")));
    Roles::new(actors.pool().clone()).producer(&both, "home", ["home.moved"]).create().await?;
    let pool = actors.of("both").await?;
    assert_eq!(refused(&pool, &insert("", "", "home.moved", "home")).await?, "");
    assert_eq!(refused(&pool, &insert("", "", "home.happened", "home")).await?, FORBIDDEN);
    pool.close().await;
    actors.leave().await
}

/// The last migration is applied anew, as if its functions were replaced: they come back without what was set on them.
#[tokio::test]
async fn roles_can_do_after_a_migration_what_they_could_before() -> Result {
    let actors = Actors::new().await?;
    let replaced = "ALTER FUNCTION eventwright.open_window(boolean) SECURITY INVOKER RESET ALL;
        REVOKE EXECUTE ON FUNCTION eventwright.open_window(boolean) FROM PUBLIC";
    sqlx::raw_sql(replaced).execute(actors.pool()).await?;
    let buys = actors.of("buys").await?;
    publish(&mut *actors.pool().acquire().await?, "x", 1).await?;
    assert_eq!(refused(&buys, "SELECT eventwright.open_window(false)").await?, FORBIDDEN);
    sqlx::raw_sql("SELECT eventwright.secure_functions()").execute(actors.pool()).await?;
    assert_eq!(refused(&buys, "SELECT eventwright.open_window(false)").await?, "");
    buys.close().await;
    actors.leave().await
}

#[tokio::test]
async fn roles_are_granted_beside_open_transactions_and_an_owner_is_not_bound() -> Result {
    let actors = Actors::new().await?;
    let open = common::open(actors.pool(), "open").await?;
    let roles = Roles::new(actors.pool().clone()).producer(&actors.names[0], "home", ["home.happened", "home.moved"]);
    let granting = tokio::spawn(roles.create());
    // it gives way: publishers get through while it can't have the table
    let mut publisher = actors.pool().acquire().await?;
    sqlx::raw_sql("SET lock_timeout = '10s'").execute(&mut *publisher).await?;
    for n in 0..5 {
        common::somebody_waits_for_a_table(actors.pool()).await?;
        publish(&mut publisher, "x", n).await?;
    }
    assert!(!granting.is_finished());
    open.commit().await?;
    granting.await??;
    publish(&mut publisher, "x", 21).await?;
    drop(publisher);
    actors.leave().await
}

#[tokio::test]
async fn the_statements_can_be_shown_and_quote_what_they_are_given() -> Result {
    let pool = PgPool::connect_lazy("postgres://localhost")?;
    let sql = Roles::new(pool).producer("it's", "d\\", ["b", "a", "b"]).consumer("r", "d", [] as [&str; 0]).sql();
    assert_eq!(
        sql,
        "SELECT eventwright.grant_producer('it''s', E'd\\\\', ARRAY['a', 'b']::text[]);\n\
         SELECT eventwright.grant_consumer('r', 'd', ARRAY[]::text[]);\n"
    );
    Ok(())
}
