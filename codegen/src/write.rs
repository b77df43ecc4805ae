//! Stage 6, *write*: [`Output`](crate::emit::Output) to files: formatted in memory first, and to the disk only what differs.

mod digest;
mod disk;
mod format;
mod lock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::diagnostics::Diagnostic;
use crate::emit::Output;
use crate::load::Sources;

pub(crate) use disk::write_one;

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
pub(crate) fn one_file(output: &Output) -> Result<String> {
    format::one_file(output)
}

/// The bindings as a tree of files, and the lock beside them.
pub(crate) fn tree(output: &Output, sources: &Sources, out_dir: &Path) -> Result<Tree> {
    let mut files = format::files(output)?;
    files.insert(lock::FILE_NAME.to_owned(), lock::text(&files, sources, out_dir)?);
    Ok(Tree { files })
}

impl Tree {
    /// Brings the disk in line.
    pub(crate) fn write(&self, out_dir: &Path) -> Result<Report> {
        let drift = self.check(out_dir)?;
        let mut report = Report::default();
        for (name, text) in &self.files {
            let path = out_dir.join(name);
            if drift.contains(&Drift::Missing(path.clone())) || drift.contains(&Drift::Differs(path.clone())) {
                disk::write_atomically(&path, text)?;
                report.written.push(path);
            } else {
                report.unchanged.push(path);
            }
        }
        for stale in drift {
            if let Drift::Stale(path) = stale {
                disk::remove(&path)?;
                report.removed.push(path);
            }
        }
        Ok(report)
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
        for path in disk::generated_files(out_dir, format::MARK)? {
            let ours =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| self.files.contains_key(name));
            if !ours {
                drift.push(Drift::Stale(path));
            }
        }
        Ok(drift)
    }
}
