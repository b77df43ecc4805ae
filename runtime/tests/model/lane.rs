//! A server and a database of one's own, in which programs run one after the other.

use std::ops::Range;

use eventwright::testing::{Server, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};

use crate::breaks::{Break, add_halts};
use crate::common::Result;
use crate::program::{Program, SUBJECTS};
use crate::world::{Databases, Setting, World};

pub(crate) struct Lane {
    world: Option<World>,
    /// Programs in one cluster would see each other's transactions in their snapshots, and not run the same way again.
    _server: Server,
}

/// What a lane is to be like.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Like {
    pub(crate) broken: Option<Break>,
    /// The opening of windows halts between its statements.
    pub(crate) halts: bool,
    /// The groups are in another database than the log.
    pub(crate) elsewhere: bool,
}

const TABLES: &str = "CREATE TABLE subjects (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
    CREATE TABLE noise (i int);
    CREATE TABLE effects (k bigserial PRIMARY KEY, grp text, about text, n bigint, event_id text)";

impl Lane {
    pub(crate) async fn new(like: Like) -> Result<Self> {
        let server = tokio::task::spawn_blocking(|| {
            // autovacuum takes xids as well
            let settings = Settings::new().ignore_database_url().durable(false);
            settings.set("max_prepared_transactions", "20").set("autovacuum", "off").set("jit", "off").start()
        })
        .await??;
        let log: PgConnectOptions = server.url().parse()?;
        let mut db = prepare(&log).await?;
        if like.halts {
            add_halts(&mut db).await?;
        }
        if let Some(broken) = like.broken {
            broken.apply(&mut db).await?;
        }
        let home = if like.elsewhere { log.clone().database("home") } else { log.clone() };
        if like.elsewhere {
            sqlx::raw_sql("CREATE DATABASE home").execute(&mut db).await?;
            prepare(&home).await?.close().await?;
        }
        db.close().await?;
        let setting = Setting { halts: like.halts, opens_among_others: like.broken == Some(Break::AmongOthers) };
        let world = World::new(Databases { log, home }, setting).await?;
        Ok(Self { world: Some(world), _server: server })
    }

    /// Runs a program, and returns what went wrong.
    pub(crate) async fn run(&mut self, program: &Program) -> Result<Option<String>> {
        let mut world = self.world.take().ok_or("the world is gone")?;
        let wrong = world.run(program).await.err().map(|error| error.to_string());
        self.world = Some(if wrong.is_some() { world.anew().await? } else { world });
        Ok(wrong)
    }

    /// Fails where the program does, and says how in as few operations as it takes.
    pub(crate) async fn must_hold(&mut self, program: &Program) -> Result {
        let Some(wrong) = self.run(program).await? else { return Ok(()) };
        let (smaller, wrong) = self.smallest(program.clone(), wrong).await?;
        Err(format!("the program of seed {} fails:\n{smaller}  {wrong}", program.seed).into())
    }

    /// The first program that fails, and how.
    pub(crate) async fn first_that_fails(&mut self, seeds: Range<u64>) -> Result<Option<(Program, String)>> {
        for seed in seeds {
            let program = Program::random(seed);
            if let Some(wrong) = self.run(&program).await? {
                return Ok(Some((program, wrong)));
            }
        }
        Ok(None)
    }

    /// Whether the program still fails. It does so by chance where a handler has published: a window must be opened just then.
    async fn still_fails(&mut self, program: &Program) -> Result<Option<String>> {
        for _ in 0..3 {
            if let Some(wrong) = self.run(program).await? {
                return Ok(Some(wrong));
            }
        }
        Ok(None)
    }

    /// Leaves operations out, ever fewer at a time, for as long as the program still fails.
    pub(crate) async fn smallest(&mut self, mut program: Program, mut wrong: String) -> Result<(Program, String)> {
        let mut size = program.ops.len().div_ceil(2);
        while size > 0 {
            let mut smaller = false;
            let mut at = 0;
            while at < program.ops.len() {
                let without = program.without(at..(at + size).min(program.ops.len()));
                match self.still_fails(&without).await? {
                    Some(still) => (program, wrong, smaller) = (without, still, true),
                    None => at += size,
                }
            }
            size = if smaller && size == 1 { 1 } else { size / 2 };
        }
        Ok((program, wrong))
    }
}

async fn prepare(database: &PgConnectOptions) -> Result<PgConnection> {
    let pool = PgPool::connect_with(database.clone()).await?;
    eventwright::migrate(&pool).await?;
    pool.close().await;
    let mut db = database.connect().await?;
    let subjects = format!("{TABLES}; INSERT INTO subjects SELECT 's' || g FROM generate_series(0, {SUBJECTS} - 1) g");
    sqlx::raw_sql(AssertSqlSafe(subjects)).execute(&mut db).await?;
    Ok(db)
}
