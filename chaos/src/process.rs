//! Publisher and worker processes, and the networks between them and the servers.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Result;
use crate::proxy::{Network, Proxy};

/// How long a process may take to end when it is told to.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// So many lines of what a process said last are shown.
const SHOWN: usize = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Publisher,
    /// A worker of the group of this number.
    Worker(usize),
}

pub(crate) struct Process {
    pub(crate) role: Role,
    arguments: Vec<String>,
    networks: Vec<Proxy>,
    /// What it said last.
    said: PathBuf,
    child: Option<Child>,
    /// How often it ended by itself, as by a handler that aborts.
    pub(crate) fell: u32,
}

impl Process {
    /// `said`: where what it says is written.
    pub(crate) fn start(role: Role, arguments: Vec<String>, networks: Vec<Proxy>, said: PathBuf) -> Result<Self> {
        let mut process = Self { role, arguments, networks, said, child: None, fell: 0 };
        process.restart()?;
        Ok(process)
    }

    /// Starts it again, if it does not run.
    pub(crate) fn restart(&mut self) -> Result {
        if self.child.is_none() {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null());
            command.stderr(File::options().create(true).append(true).open(&self.said)?);
            self.child = Some(command.spawn()?);
        }
        Ok(())
    }

    /// Starts it again where it ended by itself.
    pub(crate) fn tend(&mut self) -> Result {
        if let Some(child) = &mut self.child
            && child.try_wait()?.is_some()
        {
            self.child = None;
            self.fell += 1;
            self.restart()?;
        }
        Ok(())
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Sends a signal by its name: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) -> Result {
        if let Some(child) = &self.child {
            Command::new("kill").args(["-s", name, &child.id().to_string()]).status()?;
        }
        Ok(())
    }

    /// Prints the last of what it said.
    pub(crate) fn tell(&self) -> Result {
        println!("the last that a {:?} said:", self.role);
        let said = fs::read_to_string(&self.said)?;
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].iter().for_each(|line| println!("  {line}"));
        Ok(())
    }

    pub(crate) fn network(&self, network: Network) {
        self.networks.iter().for_each(|proxy| proxy.set(network));
    }

    /// Tells it to end, and waits until it does.
    pub(crate) async fn end(&mut self) -> Result {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        drop(child.stdin.take());
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > ENDS_WITHIN {
                child.kill()?;
                child.wait()?;
                return Err(format!("a {:?} did not end when it was told to", self.role).into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nobody is left to hear of a failure
        let _ = self.kill();
    }
}
