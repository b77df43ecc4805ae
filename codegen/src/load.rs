//! Stage 1, *load*: files to [`Sources`]: JSON with positions, read as strictly as RFC 8259 says.
//!
//! Read are the registry, every `*/schema/**/*.json` in its folder, the payload files that it names, and every file that a
//! `$ref` in one of them names. What a name *means* is the next stage's business.

mod files;
mod json;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostics::Problems;
use crate::node::{FileId, Node, Value};
use crate::{Error, Result};

/// The files of a run.
#[derive(Default)]
pub(crate) struct Sources {
    files: Vec<Source>,
    by_name: BTreeMap<String, FileId>,
    /// The folders beside the registry, contracts among them.
    pub(crate) folders: Vec<String>,
    /// The directories whose listing the outcome depends on.
    pub(crate) directories: Vec<PathBuf>,
}

/// One file.
pub(crate) struct Source {
    /// Path relative to the registry's folder, with `/`: the same on every machine.
    pub(crate) name: String,
    /// The path to show to a person.
    pub(crate) shown: String,
    /// The path to open.
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
    /// The document; none where the text is not JSON, which is then a problem on record.
    pub(crate) root: Option<Node>,
}

/// The registry is always the first file.
pub(crate) const REGISTRY: FileId = FileId(0);

impl Sources {
    pub(crate) fn get(&self, file: FileId) -> &Source {
        &self.files[file.0]
    }

    pub(crate) fn find(&self, name: &str) -> Option<FileId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(index, source)| (FileId(index), source))
    }
}

/// Reads the registry and the schemas around it.
pub(crate) fn load(registry: &Path, problems: &mut Problems) -> Result<Sources> {
    let file_name = registry
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::Config(format!("{} does not name a registry file", registry.display())))?;
    let folder = registry.parent().unwrap_or(Path::new(""));
    let mut loader = Loader { folder, sources: Sources::default(), problems };

    loader.read(file_name)?;
    let listing = files::list(folder)?;
    loader.sources.folders = listing.folders;
    loader.sources.directories = listing.directories;
    for name in listing.schemas {
        loader.read_once(&name)?;
    }
    loader.follow_names()?;
    Ok(loader.sources)
}

struct Loader<'a> {
    folder: &'a Path,
    sources: Sources,
    problems: &'a mut Problems,
}

impl Loader<'_> {
    /// Reads what the files that were read name, until they name nothing new.
    fn follow_names(&mut self) -> Result<()> {
        let mut next = 0;
        while next < self.sources.files.len() {
            let source = &self.sources.files[next];
            let mut names = Vec::new();
            if let Some(root) = &source.root {
                if next == REGISTRY.0 {
                    collect_strings(root, "payload", &mut |text| names.push(normalize(text)));
                }
                collect_strings(root, "$ref", &mut |text| names.extend(file_of_ref(&source.name, text)));
            }
            for name in names {
                // a name without a file is linked to nothing, and complained about there
                if self.folder.join(&name).is_file() {
                    self.read_once(&name)?;
                }
            }
            next += 1;
        }
        Ok(())
    }

    fn read_once(&mut self, name: &str) -> Result<()> {
        if self.sources.by_name.contains_key(name) { Ok(()) } else { self.read(name) }
    }

    fn read(&mut self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let file = FileId(self.sources.files.len());
        let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
        let root = match std::str::from_utf8(&bytes) {
            Ok(text) => json::parse(file, text, self.problems),
            Err(error) => {
                json::not_utf8(file, error.valid_up_to(), self.problems);
                None
            }
        };
        let shown = files::shown(&path, name);
        self.sources.files.push(Source { name: name.to_owned(), shown, path, text, root });
        self.sources.by_name.insert(name.to_owned(), file);
        Ok(())
    }
}

/// The name of the file that a `$ref` in the file `base` leads to; none for a reference within the file and for a URL.
pub(crate) fn file_of_ref(base: &str, reference: &str) -> Option<String> {
    let file = reference.split('#').next().unwrap_or_default();
    if file.is_empty() || file.contains("://") {
        return None;
    }
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(normalize(&format!("{folder}/{file}")))
}

/// Resolves `.` and `..` by the text alone, so that one file has one name.
pub(crate) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn collect_strings(node: &Node, key: &str, found: &mut impl FnMut(&str)) {
    if let Some(text) = node.get(key).and_then(Node::as_str) {
        found(text);
    }
    match &node.value {
        Value::Object(members) => members.iter().for_each(|member| collect_strings(&member.value, key, found)),
        Value::Array(items) => items.iter().for_each(|item| collect_strings(item, key, found)),
        _ => {}
    }
}
