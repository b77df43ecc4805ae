//! The suite's groups: a schema and tests each. Texts are kept as they stand, since `1.0` and `1` are not to become the same here.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The formats that are asserted. The suite has files for others, and not each of these in each draft.
const FORMATS: [&str; 13] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "uuid",
    "regex",
    "json-pointer",
];

/// Which expects `format` to be an annotation.
const ANNOTATED: &str = "format";

/// The folder with tests/ and remotes/, if it is on this machine.
pub(crate) fn locate() -> Option<PathBuf> {
    let named = std::env::var_os("JSON_SCHEMA_TEST_SUITE").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/json-schema-test-suite");
    let suite = named.clone().unwrap_or_else(beside);
    assert!(named.is_none() || suite.is_dir(), "JSON_SCHEMA_TEST_SUITE is no folder: {}", suite.display());
    suite.is_dir().then_some(suite)
}

pub(crate) struct Group {
    /// Below the draft's folder.
    pub(crate) file: String,
    pub(crate) event: String,
    pub(crate) description: String,
    pub(crate) schema: String,
    pub(crate) tests: Vec<Test>,
}

pub(crate) struct Test {
    pub(crate) description: String,
    pub(crate) data: String,
    pub(crate) valid: bool,
}

/// The groups of a draft that want formats asserted, or bear it.
pub(crate) fn asserted(draft: &Path) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    let mut files: Vec<String> = Vec::new();
    for entry in fs::read_dir(draft)? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.extension().is_some_and(|is| is == "json"), path.file_stem()) {
            files.push(name.to_string_lossy().into_owned());
        }
    }
    files.sort_unstable();
    for name in files.iter().filter(|name| *name != ANNOTATED) {
        groups.extend(file(draft, name)?);
    }
    for format in FORMATS {
        let name = format!("optional/format/{format}");
        if draft.join(format!("{name}.json")).exists() {
            groups.extend(file(draft, &name)?);
        }
    }
    Ok(groups)
}

/// The groups of a draft that want formats to be annotations.
pub(crate) fn annotated(draft: &Path) -> Result<Vec<Group>> {
    file(draft, ANNOTATED)
}

fn file(draft: &Path, name: &str) -> Result<Vec<Group>> {
    let path = draft.join(format!("{name}.json"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let groups: Vec<Members> = serde_json::from_str(&text)?;
    let group = |(index, group): (usize, &Members)| {
        let tests: Vec<Members> = member(group, "tests")?;
        let test = |test: &Members| {
            Ok(Test {
                description: member(test, "description")?,
                data: text_of(test, "data")?.to_owned(),
                valid: member(test, "valid")?,
            })
        };
        Ok(Group {
            file: format!("{name}.json"),
            event: format!("{}-{index}", name.replace("optional/", "").replace('/', "-")),
            description: member(group, "description")?,
            schema: text_of(group, "schema")?.to_owned(),
            tests: tests.iter().map(test).collect::<Result<_>>()?,
        })
    };
    groups.iter().enumerate().map(group).collect()
}

type Members = BTreeMap<String, Box<RawValue>>;

fn text_of<'m>(members: &'m Members, name: &str) -> Result<&'m str> {
    Ok(members.get(name).ok_or_else(|| format!("no `{name}`"))?.get())
}

fn member<T: serde::de::DeserializeOwned>(members: &Members, name: &str) -> Result<T> {
    Ok(serde_json::from_str(text_of(members, name)?)?)
}
