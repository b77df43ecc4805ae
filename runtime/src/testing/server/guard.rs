//! The process that holds a server and outlives this one for as long as the clean-up takes.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use super::{Account, Error};

const SCRIPT: &str = include_str!("guard.sh");

/// A port found free may be taken by the time that Postgres binds it.
const PORTS_TRIED: usize = 20;

const LOG_LINES_SHOWN: usize = 15;

/// A running server; stopped and removed when this is dropped, or when this process ends.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    /// Closing it is the signal to clean up.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    bin_dir: PathBuf,
    directory: PathBuf,
}

impl Guard {
    /// Starts a server and returns it with the URL to connect to.
    pub(super) fn start(account: &Account, bin_dir: &Path, configuration: &str) -> Result<(Self, String), Error> {
        let unstarted = |error: io::Error| Error::Start {
            what: format!("the process that holds the throw-away Postgres did not start: {error}"),
            directory: bin_dir.to_owned(),
        };
        let password = random_password().map_err(unstarted)?;
        let mut guard = Self::spawn(account, bin_dir, configuration).map_err(unstarted)?;
        let directory = guard.answer()?;
        match directory.strip_prefix("in ") {
            Some(directory) => guard.directory = directory.into(),
            None => return Err(guard.failure(&format!("no temporary directory: {directory}"))),
        }
        guard.request(&password)?;
        if guard.answer()? != "initialised" {
            return Err(guard.failure("initdb failed"));
        }
        let port = guard.start_server()?;
        Ok((guard, format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn spawn(account: &Account, bin_dir: &Path, configuration: &str) -> io::Result<Self> {
        let mut process = account
            .command("sh")
            .args(["-c", SCRIPT, "eventwright-guard"])
            .arg(bin_dir)
            // what this crate needs wins over what was asked for
            .arg(format!(
                "{configuration}listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nlogging_collector = off\n"
            ))
            .args(temporary_directories(account))
            // a terminal's Ctrl-C goes to the whole foreground group: the guard must not be in it
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let requests = process.stdin.take();
        let answers = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            process,
            requests,
            answers: BufReader::new(answers),
            bin_dir: bin_dir.to_owned(),
            directory: PathBuf::new(),
        })
    }

    fn start_server(&mut self) -> Result<u16, Error> {
        for _ in 0..PORTS_TRIED {
            let port = free_port().map_err(|error| self.failure(&format!("no free port on 127.0.0.1: {error}")))?;
            self.request(&port.to_string())?;
            if self.answer()? == "started" {
                return Ok(port);
            }
            if !self.log().contains("Address already in use") {
                break;
            }
        }
        Err(self.failure("Postgres did not start"))
    }

    fn request(&mut self, line: &str) -> Result<(), Error> {
        let written = match &mut self.requests {
            Some(requests) => writeln!(requests, "{line}"),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        written.map_err(|error| self.failure(&format!("the process that holds Postgres ended: {error}")))
    }

    /// The guard's next line; an empty one once it ended.
    fn answer(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(self.failure(&format!("the process that holds Postgres does not answer: {error}"))),
        }
    }

    fn log(&self) -> String {
        fs::read(self.directory.join("log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    fn failure(&self, what: &str) -> Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let end = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        let log = end.iter().map(|line| format!("\n  {line}")).collect::<String>();
        Error::Start { what: format!("{what}{log}"), directory: self.bin_dir.clone() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.requests.take());
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
    directories.retain(|directory| account.may_enter(directory));
    directories
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// 128 bits: every user of the machine can reach the port, and a Postgres superuser runs programs.
fn random_password() -> io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
