//! Postgres servers that fail over, and dumps that go from one to another.
#![allow(unreachable_pub, reason = "as in the helpers that tests share")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use eventwright::testing::Settings;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tempfile::TempDir;

use crate::common::Result;

/// Holds the server until the pipe on standard input ends, also because this process was killed; then it is stopped at once, as by a
/// crash.
const GUARD: &str = r#"dir=$2
"$1/postgres" -D "$dir/data" -k "$dir" </dev/null >>"$dir/log" 2>&1 &
server=$!
read -r _
kill -s QUIT "$server"; wait "$server""#;

const CONFIGURATION: &str = "listen_addresses = ''
timezone = 'UTC'
log_timezone = 'UTC'
max_prepared_transactions = 5
fsync = off
";

/// Binaries, and the user that may run them.
#[derive(Clone)]
struct Binaries {
    directory: PathBuf,
    /// None: this process's own.
    user: Option<(u32, u32)>,
}

impl Binaries {
    fn find() -> Result<Self> {
        let server = Settings::new().ignore_database_url().durable(false).start()?;
        let (Some(binaries), Some(directory)) = (server.bin_dir(), server.directory()) else {
            return Err("no Postgres of one's own".into());
        };
        let owner = fs::metadata(directory)?;
        let own = fs::metadata("/proc/self").map_or(owner.uid(), |own| own.uid());
        let user = (own != owner.uid()).then(|| (owner.uid(), owner.gid()));
        Ok(Self { directory: binaries.into(), user })
    }

    /// Fetched binaries are the server's alone: then the machine's own.
    fn path(&self, program: &str) -> PathBuf {
        let own = self.directory.join(program);
        if own.exists() { own } else { program.into() }
    }

    /// The major version that a program says it is of; `None`: it is not there.
    fn version(&self, program: &str) -> Option<u32> {
        let said = self.command(self.path(program)).arg("--version").output().ok()?;
        // `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
        let said = String::from_utf8(said.stdout).ok()?;
        said.split(") ").nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result {
        self.run_in(Path::new("/"), program, arguments)
    }

    fn run_in(&self, directory: &Path, program: &str, arguments: &[&str]) -> Result {
        let program = self.path(program);
        let ran = self.command(&program).current_dir(directory).args(arguments).output()?;
        if !ran.status.success() {
            let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
            return Err(format!("{}: {out}{err}", program.display()).into());
        }
        Ok(())
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

/// A server of one's own, on a socket in its directory.
pub struct Cluster {
    binaries: Binaries,
    directory: TempDir,
    guard: Option<Child>,
}

impl Cluster {
    pub async fn make() -> Result<Self> {
        let mut cluster = Self::init().await?;
        cluster.start().await?;
        Ok(cluster)
    }

    /// A server, and a standby that follows it.
    pub async fn make_two() -> Result<(Self, Self)> {
        let mut primary = Self::init().await?;
        let mut standby = Self::empty(&primary.binaries)?;
        let (from, to) = (primary.data(), standby.data());
        primary.binaries.run("cp", &["-R", text(&from)?, text(&to)?])?;
        let socket = text(primary.directory.path())?.to_owned();
        fs::write(to.join("standby.signal"), "")?;
        let mut configuration = OpenOptions::new().append(true).open(to.join("postgresql.conf"))?;
        writeln!(configuration, "primary_conninfo = 'host={socket} user=postgres'")?;
        primary.start().await?;
        standby.start().await?;
        Ok((primary, standby))
    }

    fn empty(binaries: &Binaries) -> Result<Self> {
        // the path of a socket is short
        let directory = tempfile::Builder::new().prefix("ew.").tempdir_in("/tmp")?;
        if let Some((user, group)) = binaries.user {
            chown(directory.path(), Some(user), Some(group))?;
        }
        Ok(Self { binaries: binaries.clone(), directory, guard: None })
    }

    async fn init() -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(Binaries::find).await??;
        let cluster = Self::empty(&binaries)?;
        let data = cluster.data();
        let arguments = ["-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync", "-D", text(&data)?];
        binaries.run("initdb", &arguments)?;
        OpenOptions::new().append(true).open(data.join("postgresql.conf"))?.write_all(CONFIGURATION.as_bytes())?;
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    async fn start(&mut self) -> Result {
        let mut guard = self.binaries.command("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&self.binaries.directory).arg(self.directory.path());
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.guard = Some(guard.spawn()?);
        for _ in 0..3000 {
            if let Ok(db) = self.options("postgres").connect().await {
                return Ok(db.close().await?);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(fs::read_to_string(self.directory.path().join("log")).unwrap_or_default().into())
    }

    /// Ends it, in the middle of whatever it does.
    pub fn stop(&mut self) -> Result {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            guard.wait()?;
        }
        Ok(())
    }

    /// Stops it, does something with its files, and starts it.
    pub async fn restart_after(&mut self, change: impl FnOnce(&Files) -> Result) -> Result {
        self.stop()?;
        change(&Files {
            binaries: self.binaries.clone(),
            data: self.data(),
            kept: self.directory.path().join("kept"),
        })?;
        self.start().await
    }

    /// Has pg_upgrade make this server anew in another directory, as for a later version of Postgres.
    pub async fn upgrade(&mut self) -> Result {
        let mut upgraded = Self::init().await?;
        self.shut_down()?;
        let Binaries { directory: bin, .. } = &self.binaries;
        let (old, new, socket) = (self.data(), upgraded.data(), upgraded.directory.path());
        let arguments = ["-b", text(bin)?, "-B", text(bin)?, "-d", text(&old)?, "-D", text(&new)?, "-s", text(socket)?];
        self.binaries.run_in(socket, "pg_upgrade", &[&arguments[..], &["-U", "postgres"]].concat())?;
        upgraded.start().await?;
        *self = upgraded;
        Ok(())
    }

    /// Stops it as an operator does, after a last checkpoint.
    fn shut_down(&mut self) -> Result {
        self.binaries.run("pg_ctl", &["-D", text(&self.data())?, "-m", "fast", "-w", "stop"])?;
        self.stop()
    }

    pub fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new().socket(self.directory.path()).username("postgres").database(database)
    }

    pub fn pool(&self, database: &str) -> PgPool {
        PgPoolOptions::new().connect_lazy_with(self.options(database))
    }

    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(self.options("postgres").connect().await?)
    }

    /// Waits until it has all that the other one has.
    pub async fn catch_up_with(&self, primary: &Self) -> Result {
        let end: String = sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text")
            .fetch_one(&mut primary.connect().await?)
            .await?;
        let mut db = self.connect().await?;
        // a commit that nobody waits for is not sent before it is written
        sqlx::query("SELECT pg_switch_wal()").execute(&mut primary.connect().await?).await?;
        let has = "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)";
        while !sqlx::query_scalar::<_, bool>(has).bind(&end).fetch_one(&mut db).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Has a standby fall behind.
    pub async fn cut_off(&self) -> Result {
        let mut db = self.connect().await?;
        for statement in ["ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"] {
            sqlx::query(statement).execute(&mut db).await?;
        }
        let receives = "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)";
        while sqlx::query_scalar::<_, bool>(receives).fetch_one(&mut db).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    pub async fn promote(&self) -> Result {
        let promoted: bool =
            sqlx::query_scalar("SELECT pg_promote(true, 60)").fetch_one(&mut self.connect().await?).await?;
        if promoted { Ok(()) } else { Err("the standby is none".into()) }
    }

    /// Dumps a database of this server, and restores it as one of another.
    pub async fn dump_to(&self, database: &str, to: &Self, as_database: &str) -> Result {
        let file = self.directory.path().join("dump");
        let socket = text(self.directory.path())?;
        let dump = ["-U", "postgres", "-h", socket, "-Fc", "-f", text(&file)?, database];
        self.binaries.run("pg_dump", &dump)?;
        to.restore(&file, as_database).await
    }

    async fn restore(&self, file: &Path, database: &str) -> Result {
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {database}"));
        sqlx::raw_sql(create).execute(&mut self.connect().await?).await?;
        let socket = text(self.directory.path())?;
        self.binaries
            .run("pg_restore", &["-U", "postgres", "-h", socket, "--exit-on-error", "-d", database, text(file)?])
    }
}

/// Whether there are programs that dump this Postgres and restore it; says so where there are none.
pub fn can_dump() -> Result<bool> {
    let binaries = Binaries::find()?;
    let server = binaries.version("postgres");
    let can = ["pg_dump", "pg_restore"].iter().all(|program| binaries.version(program) >= server);
    if !can {
        eprintln!("not tested: there is no pg_dump and pg_restore for this Postgres");
    }
    Ok(can)
}

/// Whether this Postgres has a pg_upgrade; says so where it has none.
pub fn can_upgrade() -> Result<bool> {
    let can = Binaries::find()?.directory.join("pg_upgrade").exists();
    if !can {
        eprintln!("not tested: this Postgres has no pg_upgrade");
    }
    Ok(can)
}

/// The files of a server that does not run.
pub struct Files {
    binaries: Binaries,
    data: PathBuf,
    kept: PathBuf,
}

impl Files {
    pub fn keep(&self) -> Result {
        self.binaries.run("cp", &["-R", text(&self.data)?, text(&self.kept)?])
    }

    pub fn put_back(&self) -> Result {
        fs::remove_dir_all(&self.data)?;
        Ok(fs::rename(&self.kept, &self.data)?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // the directory goes next, whatever was wrong here
        let _ = self.stop();
    }
}

/// An address that is one server's, and later another's.
pub struct Address {
    directory: TempDir,
}

impl Address {
    pub fn of(cluster: &Cluster) -> Result<Self> {
        let address = Self { directory: tempfile::Builder::new().prefix("ew.").tempdir_in("/tmp")? };
        address.give_to(cluster)?;
        Ok(address)
    }

    pub fn give_to(&self, cluster: &Cluster) -> Result {
        let next = self.directory.path().join("next");
        symlink(cluster.directory.path(), &next)?;
        Ok(fs::rename(next, self.directory.path().join("a"))?)
    }

    pub fn pool(&self, database: &str) -> PgPool {
        let options = PgConnectOptions::new().socket(self.directory.path().join("a"));
        PgPoolOptions::new().connect_lazy_with(options.username("postgres").database(database))
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| "a path that is no text".into())
}
