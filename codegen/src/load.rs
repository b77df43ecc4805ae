//! Stage 1, *load*: files to [`Sources`]: JSON with positions, read as strictly as RFC 8259 says.
//!
//! Read are the registry, every `*/schema/**/*.json` in its folder and the payload files that it names, or else every `*.json` in a
//! folder of schemas; then the folders that URIs are mapped to, and every file that a `$ref` in one of them names. What a name
//! *means* is the next stage's business.

mod files;
mod json;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostics::Problems;
use crate::node::{FileId, Node, Value};
use crate::parallel::on_all_cores;
use crate::{Error, Result, uri};

/// Where the contracts are.
#[derive(Debug, Clone)]
pub(crate) enum Contracts {
    /// The file of an event-types registry.
    Registry(PathBuf),
    /// A folder of payload schemas.
    Schemas(PathBuf),
}

/// A folder that stands for the URIs with a common beginning.
#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    pub(crate) uri: String,
    pub(crate) folder: PathBuf,
}

/// The files of a run.
#[derive(Default)]
pub(crate) struct Sources {
    files: Vec<Source>,
    by_name: BTreeMap<String, FileId>,
    /// The folders beside the registry, contracts among them.
    pub(crate) folders: Vec<String>,
    /// Whether a schema refers to a file that is not there.
    pub(crate) lacks_files: bool,
    /// The directories whose listing the outcome depends on.
    pub(crate) directories: Vec<PathBuf>,
    /// What the contracts are called as a whole: the registry file's name, or the folder's.
    pub(crate) title: String,
}

/// One file.
pub(crate) struct Source {
    /// Path relative to the registry's folder or the folder of schemas, with `/`: the same on every machine. Of a file in a folder
    /// that stands for URIs, its URI.
    pub(crate) name: String,
    /// Where a reader of URIs would expect it.
    pub(crate) uri: String,
    /// The path to show to a person.
    pub(crate) shown: String,
    /// The path to open.
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
    /// The document; none where the text is not JSON, which is then a problem on record.
    pub(crate) root: Option<Node>,
    pub(crate) is_registry: bool,
}

/// A registry is always the first file.
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

/// Reads the contracts and the schemas that they may refer to.
pub(crate) fn load(contracts: &Contracts, mapped: &[Mapped], problems: &mut Problems) -> Result<Sources> {
    let folder = match contracts {
        Contracts::Registry(path) => path.parent().unwrap_or(Path::new("")),
        Contracts::Schemas(folder) => folder,
    };
    let mut loader = Loader { folder, sources: Sources::default(), problems };
    match contracts {
        Contracts::Registry(path) => loader.registry(path)?,
        Contracts::Schemas(folder) => loader.schemas(folder)?,
    }
    for mapped in mapped {
        loader.mapped(mapped)?;
    }
    loader.follow_names()?;
    Ok(loader.sources)
}

/// What a run finds before it has read anything.
pub(crate) struct Found {
    /// The folders beside the registry.
    pub(crate) folders: Vec<String>,
    /// Files that are read whether something refers to them or not, without the registry.
    pub(crate) files: Vec<PathBuf>,
}

/// Looks for the files of the contracts.
pub(crate) fn find(contracts: &Contracts, mapped: &[Mapped]) -> Result<Found> {
    let (folder, listing) = match contracts {
        Contracts::Registry(path) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            (folder, files::beside_registry(folder)?)
        }
        Contracts::Schemas(folder) => (folder.as_path(), files::below(folder)?),
    };
    let mut files: Vec<PathBuf> = listing.schemas.iter().map(|name| folder.join(name)).collect();
    for Mapped { folder, .. } in mapped {
        files.extend(files::below(folder)?.schemas.iter().map(|name| folder.join(name)));
    }
    Ok(Found { folders: listing.folders, files })
}

struct Loader<'a> {
    folder: &'a Path,
    sources: Sources,
    problems: &'a mut Problems,
}

impl Loader<'_> {
    fn registry(&mut self, path: &Path) -> Result<()> {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| Error::Config(format!("{} does not name a registry file", path.display())))?;
        self.sources.title = name.to_owned();
        self.read_all(&[name.to_owned()])?;
        self.sources.files[REGISTRY.0].is_registry = true;
        let listing = files::beside_registry(self.folder)?;
        self.sources.folders = listing.folders;
        self.sources.directories = listing.directories;
        self.read_all(&listing.schemas)
    }

    fn schemas(&mut self, folder: &Path) -> Result<()> {
        let name = folder.file_name().map_or_else(|| "schemas".into(), |name| name.to_string_lossy());
        self.sources.title = format!("{name}/");
        let listing = files::below(folder)?;
        self.sources.directories = listing.directories;
        self.read_all(&listing.schemas)
    }

    fn mapped(&mut self, mapped: &Mapped) -> Result<()> {
        let listing = files::below(&mapped.folder)?;
        self.sources.directories.extend(listing.directories);
        let named = listing.schemas.iter().map(|file| (format!("{}/{file}", mapped.uri.trim_end_matches('/')), file));
        let new = named.filter(|(name, _)| !self.sources.by_name.contains_key(name));
        let wanted: Vec<Wanted> =
            new.map(|(name, file)| Wanted { uri: name.clone(), path: mapped.folder.join(file), name }).collect();
        self.add_all(&wanted)
    }

    /// Reads what the files that were read name, until they name nothing new.
    fn follow_names(&mut self) -> Result<()> {
        let mut next = 0;
        while next < self.sources.files.len() {
            let source = &self.sources.files[next];
            let mut names = Vec::new();
            if let Some(root) = &source.root {
                if source.is_registry {
                    collect_strings(root, "payload", &mut |text| names.push(normalize(text)));
                }
                collect_strings(root, "$ref", &mut |text| names.extend(file_of_ref(&source.name, text)));
            }
            for name in names {
                // a name without a file is linked to nothing, and complained about there
                if self.sources.by_name.contains_key(&name) || self.folder.join(&name).is_file() {
                    self.read_all(&[name])?;
                } else {
                    self.sources.lacks_files = true;
                }
            }
            next += 1;
        }
        Ok(())
    }

    /// Reads the files in the folder that were not read before.
    fn read_all(&mut self, names: &[String]) -> Result<()> {
        let new = names.iter().filter(|name| !self.sources.by_name.contains_key(*name));
        let wanted: Vec<Wanted> =
            new.map(|name| Wanted { name: name.clone(), uri: uri_of(name), path: self.folder.join(name) }).collect();
        self.add_all(&wanted)
    }

    fn add_all(&mut self, wanted: &[Wanted]) -> Result<()> {
        let first = self.sources.files.len();
        let numbered: Vec<(FileId, &Wanted)> =
            wanted.iter().enumerate().map(|(index, wanted)| (FileId(first + index), wanted)).collect();
        for (source, problems) in on_all_cores(&numbered, |(file, wanted)| wanted.read(*file))? {
            self.problems.extend(problems);
            self.sources.by_name.insert(source.name.clone(), FileId(self.sources.files.len()));
            self.sources.files.push(source);
        }
        Ok(())
    }
}

/// A file that is to be read.
struct Wanted {
    name: String,
    uri: String,
    path: PathBuf,
}

impl Wanted {
    fn read(&self, file: FileId) -> Result<(Source, Problems)> {
        let Wanted { name, uri, path } = self;
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
        let mut problems = Problems::default();
        let root = match std::str::from_utf8(&bytes) {
            Ok(text) => json::parse(file, text, &mut problems),
            Err(error) => {
                json::not_utf8(file, error.valid_up_to(), &mut problems);
                None
            }
        };
        let shown = files::shown(path, name);
        let source =
            Source { name: name.clone(), uri: uri.clone(), shown, path: path.clone(), text, root, is_registry: false };
        Ok((source, problems))
    }
}

/// A URI for a file that has none of its own: the same on every machine.
fn uri_of(name: &str) -> String {
    // a file above the folder: no URI goes above its root
    let segments = name.split('/').map(|part| if part == ".." { "_up" } else { part });
    segments.fold("file://".to_owned(), |uri, part| format!("{uri}/{}", uri::segment(part)))
}

/// The name of the file that a `$ref` in the file `base` leads to; none for a reference within the file and for a URL.
pub(crate) fn file_of_ref(base: &str, reference: &str) -> Option<String> {
    let file = reference.split('#').next().unwrap_or_default();
    if file.is_empty() || file.contains(':') || base.contains("://") {
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
