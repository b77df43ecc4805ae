//! Stage 6, *write*: [`Output`](crate::emit::Output) to files: formatted in memory first, and to the disk only what differs.

mod digest;
mod disk;
mod format;
mod lock;
mod package;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::diagnostics::Diagnostic;
use crate::emit::Output;
use crate::load::Sources;

pub(crate) use disk::write_one;
pub(crate) use lock::seen_from;

/// What [`Config::write`](crate::Config::write) did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Files whose content changed, or that are new.
    pub written: Vec<PathBuf>,
    /// Files that were right already, and were not touched.
    pub unchanged: Vec<PathBuf>,
    /// Generated files that no contract accounts for any more.
    pub removed: Vec<PathBuf>,
    /// What somebody should look at.
    pub warnings: Vec<Diagnostic>,
    /// Why payloads were left out; only after [`Config::keep_going`](crate::Config::keep_going).
    pub refused: Vec<Diagnostic>,
}

/// How a file on the disk differs from what the contracts generate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// The file is not there.
    Missing(PathBuf),
    /// The file's content is another.
    Differs(PathBuf),
    /// The file was generated once, and no contract accounts for it any more.
    Stale(PathBuf),
}

/// What [`Config::check`](crate::Config::check) found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// What [`Config::write`](crate::Config::write) would change; empty where the tree is right.
    pub drift: Vec<Drift>,
    /// What somebody should look at.
    pub warnings: Vec<Diagnostic>,
}

/// The files of a checked-in tree, by their path in it.
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

/// The whole of the bindings as one file, for `include!`.
pub(crate) fn one_file(output: &Output<'_>) -> Result<String> {
    format::one_file(output)
}

/// A package around the bindings.
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) runtime_path: Option<PathBuf>,
}

/// The bindings as a tree of files, and the lock beside them. The lock tells the settings where they are given, for
/// [`unchanged`] to find.
pub(crate) fn tree(
    output: &Output<'_>,
    sources: &Sources,
    out_dir: &Path,
    package: Option<&Crate>,
    settings: Option<&str>,
) -> Result<Tree> {
    let mut files = format::files(output)?;
    if let Some(package) = package {
        files = package::of(package, files, &output.features)?;
    }
    files.insert(lock::FILE_NAME.to_owned(), lock::text(&files, sources, out_dir, settings)?);
    Ok(Tree { files })
}

/// The report of a run that finds all as it left it, by the lock in the folder: the same generator with the same settings, and
/// every file that it read or wrote as it was. Of contract files there are none but those that are given. None where the lock does
/// not say so.
pub(crate) fn unchanged(out_dir: &Path, settings: &str, contract_files: &[PathBuf]) -> Option<Report> {
    let lock = lock::Lock::read(out_dir, settings)?;
    let contracts_are_known =
        contract_files.iter().all(|path| lock.has(path).unwrap_or(false) && !path.starts_with(out_dir));
    if !contracts_are_known || !lock.holds() {
        return None;
    }
    let unchanged = lock.generated();
    let is_stray = stale(unchanged.iter().map(PathBuf::as_path)).map_or(true, |stale| !stale.is_empty());
    (!is_stray).then(|| Report { unchanged, ..Report::default() })
}

impl Tree {
    /// Brings the disk in line.
    pub(crate) fn write(&self, out_dir: &Path) -> Result<Report> {
        let mut report = Report::default();
        let mut differing = Vec::new();
        for (name, text) in &self.files {
            let path = out_dir.join(name);
            match disk::read(&path)? {
                Some(old) if old == text.as_bytes() => report.unchanged.push(path),
                _ => differing.push((path, text.as_str())),
            }
        }
        let removed = self.stale(out_dir)?;
        disk::write_all(&differing)?;
        removed.iter().try_for_each(|path| disk::remove(path))?;
        report.written = differing.into_iter().map(|(path, _)| path).collect();
        Ok(Report { removed, ..report })
    }

    /// What differs on the disk.
    pub(crate) fn check(&self, out_dir: &Path) -> Result<Vec<Drift>> {
        let mut drift = Vec::new();
        for (name, text) in &self.files {
            let path = out_dir.join(name);
            match disk::read(&path)? {
                None => drift.push(Drift::Missing(path)),
                Some(old) if old != text.as_bytes() => drift.push(Drift::Differs(path)),
                Some(_) => {}
            }
        }
        drift.extend(self.stale(out_dir)?.into_iter().map(Drift::Stale));
        Ok(drift)
    }

    fn stale(&self, out_dir: &Path) -> Result<Vec<PathBuf>> {
        let paths: Vec<PathBuf> = self.files.keys().map(|name| out_dir.join(name)).collect();
        stale(paths.iter().map(PathBuf::as_path))
    }
}

/// Generated files that are beside the paths, and not among them.
fn stale<'p>(paths: impl Iterator<Item = &'p Path>) -> Result<Vec<PathBuf>> {
    let paths: HashSet<&Path> = paths.collect();
    let folders: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    let mut stale = Vec::new();
    for folder in folders {
        stale.extend(disk::generated_files(folder, format::MARK, |path| !paths.contains(path))?);
    }
    Ok(stale)
}
