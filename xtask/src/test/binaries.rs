//! The test binaries of the workspace, two at a time. Cargo runs one after the other, and most of the time of most of them nobody
//! computes: they wait for Postgres, for a fault to be noticed, for the one thread of a compiler.

use std::{
    collections::VecDeque,
    error::Error,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use serde_json::Value;

use crate::steps::{announce, cargo, root};

pub(super) struct Binary {
    /// Its source: `runtime/tests/model/main.rs`.
    name: String,
    executable: PathBuf,
    /// The package's directory, where tests run.
    directory: PathBuf,
}

/// All of them, by package: the runtime's, which wait for Postgres, are the first, and the last those of schemas at random, which wait
/// for compilers.
pub(super) fn build() -> Result<VecDeque<Binary>, Box<dyn Error>> {
    let mut build = cargo(["test", "--workspace", "--all-features", "--no-run"]);
    build.arg("--message-format=json-render-diagnostics");
    announce("build", &build);
    let output = build.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the tests do not compile".into());
    }
    let mut binaries = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        binaries.extend(Binary::of(&serde_json::from_slice(line)?));
    }
    // by name from the back, where the longest, schemas, is to begin early
    binaries.sort_by(|one, other| (&other.directory, &one.name).cmp(&(&one.directory, &other.name)));
    Ok(binaries.into())
}

/// Runs them and shows what each said once it is at its end. The names of those that failed.
///
/// One is taken from the front and one from the back, so that one waits for Postgres and the other computes.
pub(super) fn run(binaries: VecDeque<Binary>) -> io::Result<Vec<String>> {
    let left = Mutex::new(binaries);
    let left = || left.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = Mutex::new(Vec::new());
    let work = |next: &dyn Fn() -> Option<Binary>| -> io::Result<()> {
        while let Some(binary) = next() {
            if !binary.run()? {
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(binary.name);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let behind = scope.spawn(|| work(&|| left().pop_back()));
        work(&|| left().pop_front())?;
        behind.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
    })?;
    Ok(failed.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Binary {
    /// What cargo says it has built, if it is that.
    fn of(message: &Value) -> Option<Self> {
        let executable = message["executable"].as_str().filter(|_| message["profile"]["test"] == true)?;
        let directory = PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_owned();
        let source = Path::new(message["target"]["src_path"].as_str()?);
        let name = source.strip_prefix(root()).unwrap_or(source).display().to_string();
        Some(Self { name, executable: executable.into(), directory })
    }

    /// Whether it passes. What it needs of cargo's environment is where its package is, and cargo.
    fn run(&self) -> io::Result<bool> {
        let (mut output, writer) = io::pipe()?;
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.directory).env("CARGO_MANIFEST_DIR", &self.directory);
        command.env("CARGO", cargo([]).get_program());
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn()?;
        // with the command goes what this process has of the pipe's other end
        drop(command);
        let mut said = format!("\n     Running {}\n", self.name).into_bytes();
        output.read_to_end(&mut said)?;
        let status = child.wait()?;
        if !status.success() {
            writeln!(said, "{} ended with {status}", self.name)?;
        }
        io::stdout().lock().write_all(&said)?;
        Ok(status.success())
    }
}
