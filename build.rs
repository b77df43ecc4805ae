//! Stops the build where contracts/ or generated/ changed and the other did not follow.
//!
//! Standard library only: who depends on the bindings builds no generator. It compares the digests in generated/contracts.lock
//! with the files; what the generator would write today, `cargo xtask regenerate --check` compares.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

const LOCK: &str = "generated/contracts.lock";

fn main() {
    println!("cargo::rerun-if-changed=contracts");
    println!("cargo::rerun-if-changed=generated");
    // packaged without its contracts, there is nothing to compare
    if !Path::new("contracts").is_dir() {
        return;
    }
    if let Err(difference) = compare() {
        eprintln!("error: {difference}\n  = help: run `cargo xtask regenerate`, and commit what it writes\n");
        exit(1);
    }
}

fn compare() -> Result<(), String> {
    let lock = fs::read_to_string(LOCK).map_err(|error| format!("can't read {LOCK}: {error}"))?;
    let recorded: BTreeMap<PathBuf, &str> = lock
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(digest, path)| (PathBuf::from(path), digest))
        .collect();
    for (path, digest) in &recorded {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}, and {LOCK} names it", path.display()))?;
        if format!("{:016x}", fnv1a_64(&bytes)) != *digest {
            return Err(format!("{} changed since the bindings were generated", path.display()));
        }
    }
    let generated = fs::read_dir("generated").map_err(|error| format!("can't read generated: {error}"))?;
    for entry in generated {
        let path = entry.map_err(|error| format!("can't read generated: {error}"))?.path();
        if path.extension().is_some_and(|extension| extension == "rs") && !recorded.contains_key(&path) {
            return Err(format!("{} was not generated: {LOCK} does not name it", path.display()));
        }
    }
    match unknown_payload(Path::new("contracts"), &recorded)? {
        Some(path) => Err(format!("{} is new since the bindings were generated", path.display())),
        None => Ok(()),
    }
}

/// A payload schema that the bindings know nothing of.
fn unknown_payload(directory: &Path, recorded: &BTreeMap<PathBuf, &str>) -> Result<Option<PathBuf>, String> {
    let entries = fs::read_dir(directory).map_err(|error| format!("can't read {}: {error}", directory.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("can't read {}: {error}", directory.display()))?.path();
        if path.is_dir() {
            if let Some(found) = unknown_payload(&path, recorded)? {
                return Ok(Some(found));
            }
        } else if directory.ends_with("schema/payloads") && !recorded.contains_key(&path) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// FNV-1a of 64 bits: it notices every slip, and takes five lines where SHA-256 takes a crate.
fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
