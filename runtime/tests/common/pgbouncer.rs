//! A PgBouncer of one's own before a server.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sqlx::postgres::PgConnectOptions;

/// The name of its socket.
const PORT: u16 = 6432;
/// The name of the database by which a session keeps its connection to the server.
const SESSIONS: &str = "sessions";
/// Whom it runs as where this process is root and the server is reached by the network: it refuses to be root.
const NOBODY: u32 = 65534;

/// Says where it is once it is there, or else why it is not; ends PgBouncer when the pipe on standard input ends: also when this
/// process is killed.
const GUARD: &str = r#"umask 077
dir=$(mktemp -d -t pgbouncer.XXXXXX) || exit 1
printf '%s\nunix_socket_dir = %s\n' "$1" "$dir" >"$dir/pgbouncer.ini"
pgbouncer "$dir/pgbouncer.ini" </dev/null >"$dir/out" 2>&1 &
looks=0
until [ -S "$dir/.s.PGSQL.$2" ]; do
    [ $looks -lt 1000 ] && kill -0 $! 2>/dev/null || { cat "$dir/out"; break; }
    looks=$((looks + 1))
    sleep 0.02
done
[ ! -S "$dir/.s.PGSQL.$2" ] || { echo "$dir"; read -r _; }
kill -s KILL $! 2>/dev/null
rm -rf "$dir""#;

pub struct PgBouncer {
    guard: Child,
    directory: PathBuf,
}

impl PgBouncer {
    pub fn is_installed() -> bool {
        let found = Command::new("sh").args(["-c", "command -v pgbouncer"]).stdout(Stdio::null()).status();
        found.is_ok_and(|found| found.success())
    }

    /// Starts one before a server that asks for no password, with so many connections to each of its databases.
    pub fn before(server: &PgConnectOptions, connections: u16) -> io::Result<Self> {
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard", &configured(server, connections), &PORT.to_string()]);
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            // only the server's own user may enter the directory of its socket
            let owner = server.get_socket().map(fs::metadata).transpose()?.map(|owner| (owner.uid(), owner.gid()));
            let (user, group) = owner.filter(|(user, _)| *user != 0).unwrap_or((NOBODY, NOBODY));
            guard.uid(user).gid(group);
        }
        guard.current_dir("/").process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard = guard.spawn()?;
        let mut said = String::new();
        if let Some(output) = guard.stdout.take() {
            let mut output = BufReader::new(output);
            output.read_line(&mut said)?;
            if !said.starts_with('/') {
                output.read_to_string(&mut said)?;
                return Err(io::Error::other(format!("pgbouncer does not start: {said}")));
            }
        }
        Ok(Self { guard, directory: said.trim_end().into() })
    }

    /// The same database, where each transaction gets a connection to the server.
    pub fn by_transaction(&self, database: &PgConnectOptions) -> PgConnectOptions {
        database.clone().socket(&self.directory).port(PORT)
    }

    /// The server's own database, where each session keeps its connection to the server.
    pub fn by_session(&self, server: &PgConnectOptions) -> PgConnectOptions {
        self.by_transaction(server).database(SESSIONS)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // so that nothing is left when the caller goes on
        let _ = self.guard.wait();
    }
}

/// Connections to the server are taken in turns, so that who counts on having the same one again is wrong as often as can be. A server
/// that was away is asked again soon: tests drain groups as soon as it is back.
fn configured(server: &PgConnectOptions, connections: u16) -> String {
    let host = server.get_socket().map_or(server.get_host().to_owned(), |socket| socket.display().to_string());
    let place = format!("host={host} port={} user={}", server.get_port(), server.get_username());
    let database = server.get_database().unwrap_or("postgres");
    format!(
        "[databases]
{SESSIONS} = {place} dbname={database} pool_mode=session pool_size=50
* = {place}
[pgbouncer]
listen_port = {PORT}
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
server_round_robin = 1
server_login_retry = 0.02
max_client_conn = 1000
ignore_startup_parameters = extra_float_digits, options"
    )
}
