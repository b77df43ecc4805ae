//! A PgBouncer of one's own before a throw-away server.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eventwright::testing::{Server, Settings};
use sqlx::postgres::PgConnectOptions;

/// The name of its socket, beside the server's own.
const PORT: u16 = 6432;
/// Fewer than there are clients, so that they meet on the servers' connections.
const SERVERS: u16 = 3;
/// The name of the database by which a session keeps its connection to the server.
const SESSIONS: &str = "sessions";

/// Ends PgBouncer when the pipe on standard input ends: also when this process is killed.
const GUARD: &str = r#"pgbouncer "$1" </dev/null >"$2" 2>&1 & read -r _; kill -s KILL $!"#;

pub(crate) struct PgBouncer {
    guard: Child,
    server: Server,
}

impl PgBouncer {
    /// Starts a server and a pooler before it. `None`: PgBouncer is not installed.
    pub(crate) fn start() -> io::Result<Option<Self>> {
        let found = Command::new("sh").args(["-c", "command -v pgbouncer"]).output()?;
        if !found.status.success() {
            eprintln!("skipped: no pgbouncer (apt-get install pgbouncer)");
            return Ok(None);
        }
        let server = Settings::new().ignore_database_url().durable(false).start().map_err(io::Error::other)?;
        let directory: PathBuf = server.directory().ok_or_else(|| io::Error::other("no directory"))?.into();
        let configuration = directory.join("pgbouncer.ini");
        fs::File::create(&configuration)?.write_all(configured(&directory).as_bytes())?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&configuration).arg(directory.join("pgbouncer.out"));
        // it refuses to be root, and only the server's own user may enter the directory
        let owner = fs::metadata(&directory)?;
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            guard.uid(owner.uid()).gid(owner.gid());
        }
        let guard = guard.current_dir("/").process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let pooler = Self { guard, server };
        pooler.wait_for(&directory.join(format!(".s.PGSQL.{PORT}")))?;
        Ok(Some(pooler))
    }

    fn wait_for(&self, socket: &Path) -> io::Result<()> {
        let begun = Instant::now();
        while !socket.exists() {
            if begun.elapsed() > Duration::from_secs(20) {
                let said = socket.parent().map(|directory| fs::read_to_string(directory.join("pgbouncer.out")));
                return Err(io::Error::other(format!("pgbouncer does not start: {said:?}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Connects past the pooler.
    pub(crate) fn direct(&self) -> Result<PgConnectOptions, sqlx::Error> {
        self.server.url().parse()
    }

    /// Each transaction gets a connection to the server.
    pub(crate) fn by_transaction(&self) -> Result<PgConnectOptions, sqlx::Error> {
        Ok(self.direct()?.port(PORT))
    }

    /// Each session keeps its connection to the server.
    pub(crate) fn by_session(&self) -> Result<PgConnectOptions, sqlx::Error> {
        Ok(self.direct()?.port(PORT).database(SESSIONS))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // so that its files are closed before the server's directory goes
        let _ = self.guard.wait();
    }
}

fn configured(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "[databases]
{SESSIONS} = host={directory} port=5432 user=postgres dbname=postgres pool_mode=session pool_size=50
* = host={directory} port=5432 user=postgres
[pgbouncer]
unix_socket_dir = {directory}
listen_port = {PORT}
auth_type = any
pool_mode = transaction
default_pool_size = {SERVERS}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits, options
"
    )
}
