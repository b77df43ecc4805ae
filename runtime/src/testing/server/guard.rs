//! The process that holds a server and outlives this one for as long as the clean-up takes.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use super::{Account, Error};

const SCRIPT: &str = include_str!("guard.sh");

/// The name of the socket; no port is taken.
const PORT: u16 = 5432;

/// The path of a Unix socket has at most 103 bytes on macOS, 107 on Linux; the directory's own name and the socket's take 39.
const LONGEST_TEMPORARY: usize = 64;

const LOG_LINES_SHOWN: usize = 15;

/// A running server; stopped and removed when this is dropped, or when this process ends.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    /// Closing it is the signal to clean up.
    life: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    bin_dir: PathBuf,
    directory: PathBuf,
}

impl Guard {
    /// Starts a server and waits until it accepts connections.
    pub(super) fn start(account: &Account, bin_dir: &Path, configuration: &str) -> Result<Self, Error> {
        let mut guard = Self::spawn(account, bin_dir, configuration).map_err(|error| Error::Start {
            what: format!("the process that holds the throw-away Postgres did not start: {error}"),
            directory: bin_dir.to_owned(),
        })?;
        let answer = guard.answer()?;
        match answer.strip_prefix("in ") {
            Some(directory) => guard.directory = directory.into(),
            None => return Err(guard.failure(&format!("no temporary directory for Postgres: {answer}"))),
        }
        match guard.answer()?.as_str() {
            "started" => Ok(guard),
            failure => Err(guard.failure(failure)),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// By the socket in its directory. Of the ways to write that, this one is understood by libpq, sqlx and tokio-postgres.
    pub(super) fn url(&self) -> String {
        let encoded = |byte: &u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        let host: String = self.directory.as_os_str().as_bytes().iter().map(encoded).collect();
        format!("postgres://postgres@{host}:{PORT}/postgres")
    }

    fn spawn(account: &Account, bin_dir: &Path, configuration: &str) -> io::Result<Self> {
        let mut process = account
            .command("sh")
            .args(["-c", SCRIPT, "eventwright-guard"])
            .arg(bin_dir)
            // what this crate needs wins over what was asked for
            .arg(format!("{configuration}listen_addresses = ''\nport = {PORT}\nlogging_collector = off\n"))
            .args(temporary_directories(account))
            // a terminal's Ctrl-C goes to the whole foreground group: the guard must not be in it
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let life = process.stdin.take();
        let answers = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            process,
            life,
            answers: BufReader::new(answers),
            bin_dir: bin_dir.to_owned(),
            directory: PathBuf::new(),
        })
    }

    /// The guard's next line; an empty one once it ended.
    fn answer(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(self.failure(&format!("the process that holds Postgres does not answer: {error}"))),
        }
    }

    fn failure(&self, what: &str) -> Error {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let end = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        let log = end.iter().map(|line| format!("\n  {line}")).collect::<String>();
        Error::Start { what: format!("{what}{log}"), directory: self.bin_dir.clone() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.life.take());
        // so that nothing is left when the caller goes on; there is nobody to report a failure to
        let _ = self.process.wait();
    }
}

/// Where to put data, most wanted first. A root's own directory is often closed to the user that Postgres runs as.
fn temporary_directories(account: &Account) -> Vec<PathBuf> {
    let wanted = env::temp_dir();
    let wanted = std::path::absolute(&wanted).unwrap_or(wanted);
    let mut directories = vec![wanted, "/tmp".into(), "/var/tmp".into()];
    directories.dedup();
    directories.retain(|directory| directory.as_os_str().len() <= LONGEST_TEMPORARY && account.may_enter(directory));
    directories
}
