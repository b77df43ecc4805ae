//! Commands, run one after the other and named as they run.

use std::{
    env,
    error::Error,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

pub(crate) type Outcome = Result<ExitCode, Box<dyn Error>>;

/// The workspace's directory.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// A cargo command in the workspace, by the cargo that runs this program.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// How programs are built beside tests and lints: as parts of the whole workspace, and with a test, they have what they depend on
/// compiled with the features that those want, and nothing is compiled for their sake alone.
pub(crate) const PROGRAMS: [&str; 9] =
    ["build", "--workspace", "--all-features", "--bin", "eventwright", "--bin", "chaos", "--test", "with_postgres"];

/// A program of the workspace, as it was built last: it lies where this one does. `cargo run` would build it for itself, and what it
/// depends on once more, which has fewer features then than where more packages are built together.
pub(crate) fn program(name: &str) -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// A command with an empty Postgres database, which is gone afterwards. The program `eventwright` was built before.
pub(crate) fn with_postgres(options: &[&str], command: &Command) -> io::Result<Command> {
    let mut whole = Command::new(program("eventwright")?);
    whole.current_dir(root()).arg("with-postgres").args(options).arg("--");
    whole.arg(command.get_program()).args(command.get_args());
    Ok(whole)
}

/// Says what runs, in a line that stands out between what the commands print.
pub(crate) fn announce(step: &str, command: &Command) {
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables = variables.map(|(name, value)| format!("{}='{}'", name.display(), value.display()));
    let program = Path::new(command.get_program()).file_name().unwrap_or(OsStr::new("?"));
    let words = std::iter::once(program).chain(command.get_args()).map(|word| word.display().to_string());
    eprintln!("\n==> {step}: {}", variables.chain(words).collect::<Vec<_>>().join(" "));
}

/// Runs a command to its end.
pub(crate) fn run(step: &str, mut command: Command) -> Result<(), Box<dyn Error>> {
    announce(step, &command);
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{step} failed ({status})").into()) }
}
