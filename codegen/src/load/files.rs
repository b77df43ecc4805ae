//! Which files there are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Files and folders, in the order of names.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) folders: Vec<String>,
    pub(super) schemas: Vec<String>,
    pub(super) directories: Vec<PathBuf>,
}

/// Lists every `*.json` in the folder, and in the folders in it.
pub(super) fn below(folder: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    entries(folder)?;
    schemas(folder, "", &mut listing)?;
    Ok(listing)
}

/// Lists the folders beside the registry and every `*/schema/**/*.json`.
pub(super) fn beside_registry(folder: &Path) -> Result<Listing> {
    let mut listing = Listing { directories: vec![or_here(folder).to_owned()], ..Listing::default() };
    for entry in entries(folder)? {
        if entry.is_dir {
            schemas(folder, &format!("{}/schema", entry.name), &mut listing)?;
            listing.folders.push(entry.name);
        }
    }
    Ok(listing)
}

fn schemas(folder: &Path, name: &str, listing: &mut Listing) -> Result<()> {
    let path = if name.is_empty() { or_here(folder).to_owned() } else { folder.join(name) };
    if !path.is_dir() {
        return Ok(());
    }
    for entry in entries(&path)? {
        let name = if name.is_empty() { entry.name } else { format!("{name}/{}", entry.name) };
        if entry.is_dir {
            schemas(folder, &name, listing)?;
        } else if name.ends_with(".json") {
            listing.schemas.push(name);
        }
    }
    listing.directories.push(path);
    Ok(())
}

struct Entry {
    name: String,
    is_dir: bool,
}

/// Sorted, because the order of a directory is the file system's; hidden files and names that are not UTF-8 are nobody's contract.
fn entries(path: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(or_here(path)).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with('.') {
            // not followed: a link to a folder above would never end
            let is_dir = entry.file_type().map_err(Error::io(entry.path()))?.is_dir();
            entries.push(Entry { name, is_dir });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Relative to the current directory where that is possible, else to the registry's folder: what a person can make sense of, and
/// the same wherever the checkout is.
pub(super) fn shown(path: &Path, name: &str) -> String {
    if path.is_relative() {
        return path.display().to_string();
    }
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map_or_else(|_| name.to_owned(), |relative| relative.display().to_string())
}
