//! The generator, as tests of any schema call it: the one place that names it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use eventwright_codegen::Diagnostic;
pub(crate) use eventwright_codegen::{Dialect, Formats};

/// What to generate a crate from.
pub(crate) struct Order<'o> {
    /// Of the generated crate.
    pub(crate) name: &'o str,
    /// A folder of documents, `NAME-vN.json` each.
    pub(crate) schemas: &'o Path,
    /// What URIs begin with that are files of a folder.
    pub(crate) remotes: Option<(&'o str, &'o Path)>,
    /// Of documents that do not say it.
    pub(crate) dialect: Dialect,
    pub(crate) formats: Formats,
    /// Keywords that are not read, each in a file.
    pub(crate) without: &'o [(&'o str, String)],
}

/// Why nothing was generated for a schema.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The names, without `.json`, of all files that have a part in it, that of the complaint first.
    pub(crate) files: Vec<String>,
    pub(crate) message: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) pointer: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, line, column, pointer, .. } = self;
        write!(f, "{message} at {line}:{column} ({pointer})")
    }
}

/// Generates a crate in `out`, of the schemas that can be generated.
pub(crate) fn generate(order: Order<'_>, out: &Path) -> Result<Vec<Refusal>, String> {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime");
    let mut config = eventwright_codegen::configure()
        .schemas(order.schemas)
        .dialect(order.dialect)
        .formats(order.formats)
        .out_dir(out)
        .crate_name(order.name)
        .runtime_path(runtime)
        .keep_going();
    if let Some((uri, folder)) = order.remotes {
        config = config.resolve(uri, folder);
    }
    for (keyword, file) in order.without {
        config = config.without(*keyword, file);
    }
    let report = config.write().map_err(|error| error.to_string())?;
    Ok(report.refused.iter().map(refusal).collect())
}

fn refusal(diagnostic: &Diagnostic) -> Refusal {
    let place = &diagnostic.place;
    let (line, column) = place.line_and_column();
    let others: BTreeSet<String> = diagnostic.related.iter().map(|(place, _)| stem(&place.file)).collect();
    let files = [stem(&place.file)].into_iter().chain(others).collect();
    Refusal { files, message: diagnostic.message.clone(), line, column, pointer: place.pointer.clone() }
}

fn stem(file: &str) -> String {
    let name = Path::new(file).file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
