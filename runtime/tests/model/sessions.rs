//! Sessions that publish, each with its transaction.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};

use crate::common::{Result, publish};
use crate::expected::Published;
use crate::program::Isolation;

pub(crate) struct Session {
    db: PgConnection,
    pid: i32,
    open: Option<Transaction>,
}

struct Transaction {
    isolation: Isolation,
    has_xid: bool,
    /// The transaction itself, and a level for each savepoint.
    levels: Vec<Settled>,
}

/// What a transaction, or a part of it, published and locked.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) published: Vec<Published>,
    pub(crate) locked: Vec<u8>,
    /// Whether it opened a window, and so keeps others from it.
    pub(crate) has_opened: bool,
}

impl Session {
    pub(crate) async fn connect(database: &PgConnectOptions) -> Result<Self> {
        let mut db = database.connect().await?;
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut db).await?;
        Ok(Self { db, pid, open: None })
    }

    /// As if it were new, with no sequence numbers kept.
    pub(crate) async fn reset(&mut self) -> Result {
        if self.open.take().is_some() {
            self.run("ROLLBACK").await?;
        }
        self.run("DISCARD SEQUENCES").await
    }

    pub(crate) fn has_locked(&self, subject: u8) -> bool {
        self.open.as_ref().is_some_and(|open| open.levels.iter().any(|level| level.locked.contains(&subject)))
    }

    pub(crate) fn has_opened(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.levels.iter().any(|level| level.has_opened))
    }

    async fn run(&mut self, sql: &'static str) -> Result {
        sqlx::raw_sql(sql).execute(&mut self.db).await?;
        Ok(())
    }

    /// What a transaction that runs beside others is told to do again ends here, as if rolled back.
    async fn or_undone<T>(&mut self, done: Result<T>) -> Result<Option<T>> {
        let error = match done {
            Ok(done) => return Ok(Some(done)),
            Err(error) => error,
        };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
        while let Some(one) = cause {
            let database = one.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
            // Postgres appendix A: serialization_failure
            if database.and_then(|error| error.code()).as_deref() == Some("40001") {
                self.open = None;
                self.run("ROLLBACK").await?;
                return Ok(None);
            }
            cause = one.source();
        }
        Err(error)
    }

    pub(crate) async fn begin(&mut self, isolation: Isolation) -> Result {
        if self.open.is_some() {
            return Ok(());
        }
        self.run(match isolation {
            Isolation::ReadCommitted => "BEGIN",
            Isolation::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        })
        .await?;
        self.open = Some(Transaction { isolation, has_xid: false, levels: vec![Settled::default()] });
        Ok(())
    }

    pub(crate) async fn look(&mut self) -> Result {
        if self.open.is_none() {
            return Ok(());
        }
        let done = self.run("SELECT count(*) FROM eventwright.outbox").await;
        self.or_undone(done).await.map(|_| ())
    }

    pub(crate) async fn take_xid(&mut self) -> Result {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.has_xid = true;
        let done = self.run("INSERT INTO noise VALUES (1)").await;
        self.or_undone(done).await.map(|_| ())
    }

    /// Takes the subject's row, as who changes it does.
    pub(crate) async fn lock(&mut self, subject: u8) -> Result {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.has_xid = true;
        let update = sqlx::query("UPDATE subjects SET n = n + 1 WHERE id = $1").bind(format!("s{subject}"));
        let done = update.execute(&mut self.db).await.map_err(Into::into);
        if self.or_undone(done).await?.is_some() {
            self.level(|level| level.locked.push(subject));
        }
        Ok(())
    }

    fn level(&mut self, change: impl FnOnce(&mut Settled)) {
        if let Some(level) = self.open.as_mut().and_then(|open| open.levels.last_mut()) {
            change(level);
        }
    }

    /// Publishes, where it has the subject's row.
    pub(crate) async fn publish(&mut self, event: Published) -> Result {
        if !self.has_locked(event.subject) {
            return Ok(());
        }
        let done = publish(&mut self.db, &event.about(), event.number.0).await;
        if self.or_undone(done).await?.is_some() {
            self.level(|level| level.published.push(event));
        }
        Ok(())
    }

    pub(crate) async fn savepoint(&mut self) -> Result {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.levels.push(Settled::default());
        self.run("SAVEPOINT s").await
    }

    pub(crate) async fn undo(&mut self) -> Result {
        let Some(open) = self.open.as_mut().filter(|open| open.levels.len() > 1) else { return Ok(()) };
        open.levels.pop();
        self.run("ROLLBACK TO SAVEPOINT s; RELEASE SAVEPOINT s").await
    }

    pub(crate) async fn keep(&mut self) -> Result {
        let Some(open) = self.open.as_mut().filter(|open| open.levels.len() > 1) else { return Ok(()) };
        if let Some(inner) = open.levels.pop() {
            self.level(|level| level.add(inner));
        }
        self.run("RELEASE SAVEPOINT s").await
    }

    pub(crate) async fn commit(&mut self) -> Result<Settled> {
        let Some(open) = self.open.take() else { return Ok(Settled::default()) };
        let done = self.run("COMMIT").await;
        Ok(if self.or_undone(done).await?.is_some() { open.settled() } else { Settled::default() })
    }

    pub(crate) async fn rollback(&mut self) -> Result {
        if self.open.take().is_none() {
            return Ok(());
        }
        self.run("ROLLBACK").await
    }

    /// Its connection ends, and with it the transaction, if there is one.
    pub(crate) async fn vanish(&mut self, control: &mut PgConnection, database: &PgConnectOptions) -> Result {
        if self.open.is_none() {
            return Ok(());
        }
        end_sessions(control, "pid", &self.pid.to_string()).await?;
        *self = Self::connect(database).await?;
        Ok(())
    }

    /// Leaves the transaction to be committed by anybody.
    pub(crate) async fn prepare(&mut self, gid: &str) -> Result<Option<Settled>> {
        // one that holds an advisory lock of the session's can't be prepared; ours are the transaction's
        let Some(open) = self.open.take() else { return Ok(None) };
        let done = sqlx::raw_sql(AssertSqlSafe(format!("PREPARE TRANSACTION '{gid}'"))).execute(&mut self.db).await;
        let done = done.map_err(Into::into);
        Ok(self.or_undone(done).await?.map(|_| open.settled()))
    }

    /// Tries to open a window in a transaction that has an xid, which is to be refused.
    pub(crate) async fn open_window(&mut self, refused: bool) -> Result {
        let Some(open) = &mut self.open else { return Ok(()) };
        if !open.has_xid || open.isolation != Isolation::ReadCommitted {
            return Ok(());
        }
        if !refused {
            self.level(|level| level.has_opened = true);
            return self.run("SELECT eventwright.open_window(false)").await;
        }
        let opened = self.run("SAVEPOINT o; SELECT eventwright.open_window(false)").await;
        if opened.is_ok() {
            return Err("a window was opened in a transaction that has an xid".into());
        }
        self.run("ROLLBACK TO SAVEPOINT o; RELEASE SAVEPOINT o").await
    }
}

/// Ends sessions, and waits until they are gone; Postgres' own waiting takes a tenth of a second.
pub(crate) async fn end_sessions(control: &mut PgConnection, column: &str, value: &str) -> Result {
    let which = format!("FROM pg_stat_activity WHERE {column}::text = $1");
    let end = AssertSqlSafe(format!("SELECT count(pg_terminate_backend(pid)) {which}"));
    sqlx::query(end).bind(value).execute(&mut *control).await?;
    let left = format!("SELECT EXISTS (SELECT {which})");
    while sqlx::query_scalar::<_, bool>(AssertSqlSafe(left.clone())).bind(value).fetch_one(&mut *control).await? {}
    Ok(())
}

impl Transaction {
    /// All of its levels together.
    fn settled(self) -> Settled {
        let mut all = Settled::default();
        self.levels.into_iter().for_each(|level| all.add(level));
        all
    }
}

impl Settled {
    fn add(&mut self, more: Self) {
        self.published.extend(more.published);
        self.locked.extend(more.locked);
        self.has_opened |= more.has_opened;
    }
}
