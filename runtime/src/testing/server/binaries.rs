//! Which Postgres to run.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{Account, Error, fetch};

/// Snapshots with 64-bit transaction ids and concurrent detaching of partitions.
const OLDEST: u32 = 14;

const NEEDED: [&str; 2] = ["initdb", "postgres"];

/// Where packages put binaries that are not on the `PATH`; one component may hold one `*`.
const USUAL_PLACES: [&str; 9] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A directory of binaries that run on this machine.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    major: u32,
}

/// The binaries to use, by the order that [`Server`](super::Server) documents.
pub(super) fn find(account: &Account) -> Result<Binaries, Error> {
    match env::var_os("EVENTWRIGHT_POSTGRES").filter(|choice| !choice.is_empty()) {
        Some(choice) if choice == "fetch" => fetch::fetch(account),
        Some(dir) => {
            Binaries::at(Path::new(&dir), account).map_err(|reason| vec![format!("EVENTWRIGHT_POSTGRES: {reason}")])
        }
        None => installed(account).or_else(|mut tried| {
            fetch::fetch(account).map_err(|more| {
                tried.extend(more);
                tried
            })
        }),
    }
    .map_err(|tried| Error::NoBinaries { tried })
}

impl Binaries {
    /// The binaries in this directory, or why they will not do.
    pub(super) fn at(dir: &Path, account: &Account) -> Result<Self, String> {
        let place = dir.display();
        if let Some(missing) = NEEDED.iter().find(|name| !dir.join(name).exists()) {
            return Err(format!("{place}: has no {missing}"));
        }
        let output = account
            .command(dir.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|error| format!("{place}: postgres does not run here: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{place}: postgres does not run here: {}", said.trim()));
        }
        let version = String::from_utf8_lossy(&output.stdout);
        match major(&version) {
            Some(major) if major >= OLDEST => Ok(Self { dir: dir.to_owned(), major }),
            _ => Err(format!("{place}: {} is older than {OLDEST}", version.trim())),
        }
    }
}

/// The one on the `PATH`, which the user has chosen, or else the newest.
fn installed(account: &Account) -> Result<Binaries, Vec<String>> {
    let mut tried = Vec::new();
    let mut usable = |dirs: Vec<PathBuf>| -> Vec<Binaries> {
        let (usable, unusable): (Vec<_>, Vec<_>) =
            dirs.iter().map(|dir| Binaries::at(dir, account)).partition(Result::is_ok);
        tried.extend(unusable.into_iter().filter_map(Result::err));
        usable.into_iter().filter_map(Result::ok).collect()
    };
    if let Some(first) = usable(on_path()).into_iter().next() {
        return Ok(first);
    }
    let places = USUAL_PLACES.iter().flat_map(|place| expand(place)).collect();
    match usable(places).into_iter().max_by_key(|binaries| binaries.major) {
        Some(newest) => Ok(newest),
        None if tried.is_empty() => Err(vec!["PATH and the usual places: no postgres".into()]),
        None => Err(tried),
    }
}

fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.join("postgres").is_file()).map(|dir| beside_the_real_one(&dir)).collect()
}

/// A `PATH` often holds links to some of the binaries only.
fn beside_the_real_one(dir: &Path) -> PathBuf {
    let real = fs::canonicalize(dir.join("postgres")).ok();
    match real.as_deref().and_then(Path::parent) {
        Some(real) if real.join("initdb").exists() => real.to_owned(),
        _ => dir.to_owned(),
    }
}

/// The directories that match a path with one `*`, in which there is a `postgres`.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return existing(vec![pattern.into()]);
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    existing(
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join(after.trim_start_matches('/')))
            .collect(),
    )
}

fn existing(mut dirs: Vec<PathBuf>) -> Vec<PathBuf> {
    dirs.retain(|dir| dir.join("postgres").is_file());
    dirs
}

/// `postgres (PostgreSQL) 15.18 (Debian ...)`
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}
