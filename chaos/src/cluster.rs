//! A durable Postgres that is started, crashed and started again on the same data.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use eventwright::testing::{Server, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::Result;

const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Holds the server until the pipe on standard input ends, also because this process was killed; then it is shut down as by
/// `pg_ctl stop -m immediate`: nothing is written any more, and it has to recover when it starts again.
const GUARD: &str = r#"bin=$1; dir=$2; port=$3
"$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" </dev/null >>"$dir/log" 2>&1 &
server=$!
read -r _
kill -s QUIT "$server"; wait "$server""#;

/// Where the clock of programs can be changed: `apt-get install faketime`.
const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// Binaries, and the user that may run them.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    directory: PathBuf,
    /// None: this process's own.
    user: Option<(u32, u32)>,
}

impl Binaries {
    /// As the tests find, or fetch, them.
    pub(crate) fn find() -> Result<Self> {
        let server: Server = Settings::new().ignore_database_url().durable(false).start()?;
        let (Some(binaries), Some(directory)) = (server.bin_dir(), server.directory()) else {
            return Err("no Postgres of one's own".into());
        };
        let owner = fs::metadata(directory)?;
        let own = fs::metadata("/proc/self").map_or(owner.uid(), |own| own.uid());
        let user = (own != owner.uid()).then(|| (owner.uid(), owner.gid()));
        Ok(Self { directory: binaries.into(), user })
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

pub(crate) struct Cluster {
    binaries: Binaries,
    directory: TempDir,
    port: u16,
    guard: Option<Child>,
    faketime: Option<PathBuf>,
}

impl Cluster {
    /// Makes a cluster with an empty database `chaos` that belongs to the role `app`, and starts it.
    pub(crate) async fn make(binaries: &Binaries, settings: &str) -> Result<Self> {
        let mut cluster = Self::empty(binaries)?;
        let initdb = ["-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust", "-D"];
        cluster.run("initdb", &initdb, Some(cluster.data())).await?;
        let mut configuration = fs::OpenOptions::new().append(true).open(cluster.data().join("postgresql.conf"))?;
        writeln!(configuration, "listen_addresses = '127.0.0.1'\n{settings}")?;
        cluster.start().await?;
        let mut db = cluster.as_superuser().database("postgres").connect().await?;
        sqlx::raw_sql("CREATE ROLE app LOGIN").execute(&mut db).await?;
        sqlx::raw_sql("CREATE DATABASE chaos OWNER app").execute(&mut db).await?;
        db.close().await?;
        Ok(cluster)
    }

    fn empty(binaries: &Binaries) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("chaos.").tempdir()?;
        if let Some((user, group)) = binaries.user {
            chown(directory.path(), Some(user), Some(group))?;
        }
        let faketime = FAKETIME.iter().map(PathBuf::from).find(|library| library.exists());
        let cluster = Self { binaries: binaries.clone(), directory, port: free_port()?, guard: None, faketime };
        cluster.set_clock(0)?;
        Ok(cluster)
    }

    /// A cluster like this one, empty.
    pub(crate) async fn make_another(&self, settings: &str) -> Result<Self> {
        Self::make(&self.binaries, settings).await
    }

    /// Starts a standby of this one.
    pub(crate) async fn make_standby(&self) -> Result<Self> {
        let mut standby = Self::empty(&self.binaries)?;
        let (socket, port) = (self.directory.path().to_string_lossy().into_owned(), self.port.to_string());
        let backup = ["-U", "postgres", "-h", &socket, "-p", &port, "-X", "stream", "-c", "fast", "-D"];
        standby.run("pg_basebackup", &backup, Some(standby.data())).await?;
        fs::write(standby.data().join("standby.signal"), "")?;
        let mut configuration = fs::OpenOptions::new().append(true).open(standby.data().join("postgresql.conf"))?;
        writeln!(configuration, "primary_conninfo = 'host={socket} port={port} user=postgres'")?;
        standby.start().await?;
        Ok(standby)
    }

    /// Has a standby hear no more of what its primary does.
    pub(crate) async fn cut_off(&self) -> Result {
        let mut db = self.as_superuser().database("postgres").connect().await?;
        sqlx::query("ALTER SYSTEM SET primary_conninfo = ''").execute(&mut db).await?;
        sqlx::query("SELECT pg_reload_conf()").execute(&mut db).await?;
        while sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)").fetch_one(&mut db).await? {
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Puts a standby in the place of this one, which has crashed; and this one elsewhere, where nobody looks for it.
    pub(crate) async fn give_way_to(&mut self, other: &mut Self) -> Result {
        other.crash()?;
        other.port = std::mem::replace(&mut self.port, free_port()?);
        other.start().await
    }

    pub(crate) async fn promote(&self) -> Result {
        let mut db = self.as_superuser().database("postgres").connect().await?;
        let promoted: bool = sqlx::query_scalar("SELECT pg_promote(true, 60)").fetch_one(&mut db).await?;
        if promoted { Ok(()) } else { Err("the standby was not promoted".into()) }
    }

    /// Dumps the database.
    pub(crate) async fn dump(&self, to: &Path) -> Result {
        let arguments = self.by_socket(&["-Fc", "-d", "chaos", "-f"]);
        self.run("pg_dump", &words(&arguments), Some(to.into())).await
    }

    pub(crate) async fn restore(&self, from: &Path) -> Result {
        let arguments = self.by_socket(&["--exit-on-error", "--no-owner", "-d", "chaos"]);
        self.run("pg_restore", &words(&arguments), Some(from.into())).await
    }

    /// Arguments for a program that connects as the application.
    fn by_socket(&self, others: &[&str]) -> Vec<String> {
        let socket = self.directory.path().to_string_lossy();
        let port = self.port.to_string();
        ["-U", "app", "-h", &socket, "-p", &port].iter().chain(others).map(|word| (*word).to_owned()).collect()
    }

    async fn run(&self, program: &str, arguments: &[&str], last: Option<PathBuf>) -> Result {
        let mut command = self.binaries.command(self.binaries.directory.join(program));
        command.args(arguments).args(last);
        let ran = tokio::task::spawn_blocking(move || command.output()).await??;
        match ran.status.success() {
            true => Ok(()),
            false => Err(format!("{program}: {}", String::from_utf8_lossy(&ran.stderr)).into()),
        }
    }

    /// The first of these programs that is not among the binaries: those that tests fetch are the server's alone.
    pub(crate) fn lacks(&self, programs: &[&'static str]) -> Option<&'static str> {
        programs.iter().copied().find(|program| !self.binaries.directory.join(program).exists())
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A file of one's own in its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// By the socket in its directory, with the connections that Postgres keeps for superusers.
    pub(crate) fn as_superuser(&self) -> PgConnectOptions {
        PgConnectOptions::new().socket(self.directory.path()).port(self.port).username("postgres").database("chaos")
    }

    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(self.as_superuser().connect().await?)
    }

    pub(crate) async fn start(&mut self) -> Result {
        let mut guard = self.binaries.command("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&self.binaries.directory).arg(self.directory.path());
        guard.arg(self.port.to_string());
        if let Some(library) = &self.faketime {
            guard
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.clock())
                .env("FAKETIME_CACHE_DURATION", "1")
                // or waiting would go wrong, which no clock does
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        self.guard =
            Some(guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        let begun = Instant::now();
        loop {
            match self.as_superuser().database("postgres").connect().await {
                Ok(db) => return Ok(db.close().await?),
                Err(error) if begun.elapsed() > STARTS_WITHIN => {
                    let log = fs::read_to_string(self.log()).unwrap_or_default();
                    let end = log.lines().rev().take(15).collect::<Vec<_>>();
                    return Err(format!("Postgres does not start: {error}\n{}", end.join("\n")).into());
                }
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn crash(&mut self) -> Result {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            guard.wait()?;
        }
        Ok(())
    }

    pub(crate) fn has_a_clock_that_jumps(&self) -> bool {
        self.faketime.is_some()
    }

    /// Moves the server's clock by so many seconds from the right time.
    pub(crate) fn set_clock(&self, seconds: i32) -> Result {
        let next = self.directory.path().join("clock.next");
        fs::write(&next, format!("{seconds:+}\n"))?;
        Ok(fs::rename(next, self.clock())?)
    }

    fn clock(&self) -> PathBuf {
        Path::new(self.directory.path()).join("clock")
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn words(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // the directory goes next, whatever was wrong here
        let _ = self.crash();
    }
}
