//! The way in: what to read, what to generate, where to.

use std::env;
use std::path::{Path, PathBuf};

use crate::diagnostics::{Diagnostic, Problems};
use crate::emit::{self, Output};
use crate::load::{self, Sources};
use crate::write::{self, Checked, Report};
use crate::{Error, Result, link, lint, lower};

/// What to generate, and from which contracts. Made by [`configure`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is generated before `compile`, `write` or `check`"]
pub struct Config {
    registry: Option<PathBuf>,
    domains: Vec<String>,
    out_dir: Option<PathBuf>,
}

/// Begins a configuration.
pub fn configure() -> Config {
    Config::default()
}

impl Config {
    /// The event-types registry; the contracts are the folders beside it. A relative path starts at the current directory, which in
    /// a build script is the package's.
    pub fn registry(mut self, path: impl Into<PathBuf>) -> Config {
        self.registry = Some(path.into());
        self
    }

    /// Restricts the output to the event types that this domain owns or subscribes to, and what they need. May be called for
    /// several domains. Without it, all event types are generated.
    pub fn domain(mut self, name: impl Into<String>) -> Config {
        self.domains.push(name.into());
        self
    }

    /// Where [`write`](Config::write) and [`check`](Config::check) have the tree. The folder holds generated files only.
    pub fn out_dir(mut self, path: impl Into<PathBuf>) -> Config {
        self.out_dir = Some(path.into());
        self
    }

    /// In a build script: generates `$OUT_DIR/eventwright.rs`, which `eventwright::include_events!()` includes, and tells cargo which
    /// files and folders the bindings depend on. Prints to standard output, as build scripts do.
    ///
    /// # Errors
    /// [`Error::Contracts`] with all that is wrong with the contracts; nothing is written then.
    /// [`Error::Config`] where no registry is set, a domain is unknown, or `OUT_DIR` is not set: cargo sets it for build scripts.
    /// [`Error::Io`] where a file can't be read or written.
    pub fn compile(self) -> Result<()> {
        let out_dir = env::var_os("OUT_DIR").ok_or_else(|| {
            Error::Config("OUT_DIR is not set; `compile` is for build scripts, `write` for all else".to_owned())
        })?;
        let generated = self.generate()?;
        write::write_one(&Path::new(&out_dir).join("eventwright.rs"), &write::one_file(&generated.output)?)?;
        let files = generated.sources.iter().map(|(_, source)| source.path.as_path());
        for path in generated.sources.directories.iter().map(PathBuf::as_path).chain(files) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        for warning in generated.warnings {
            let (line, column) = warning.place.line_and_column();
            println!("cargo::warning={}:{line}:{column}: {}", warning.place.file, warning.message);
        }
        Ok(())
    }

    /// Brings the tree in [`out_dir`](Config::out_dir) in line with the contracts: writes files whose content changed, each in one
    /// step, and removes generated files that nothing accounts for. Where all is right already, it writes nothing.
    ///
    /// # Errors
    /// As [`compile`](Config::compile), and [`Error::Config`] where no `out_dir` is set. On [`Error::Contracts`] nothing is written.
    pub fn write(self) -> Result<Report> {
        let out_dir = self.need_out_dir()?;
        let generated = self.generate()?;
        let report = write::tree(&generated.output, &generated.sources, &out_dir)?.write(&out_dir)?;
        Ok(Report { warnings: generated.warnings, ..report })
    }

    /// What [`write`](Config::write) would change; writes nothing.
    ///
    /// # Errors
    /// As [`write`](Config::write).
    pub fn check(self) -> Result<Checked> {
        let out_dir = self.need_out_dir()?;
        let generated = self.generate()?;
        let drift = write::tree(&generated.output, &generated.sources, &out_dir)?.check(&out_dir)?;
        Ok(Checked { drift, warnings: generated.warnings })
    }

    /// Whether bindings can be generated from the contracts; returns the warnings. Needs no [`out_dir`](Config::out_dir), and writes
    /// nothing.
    ///
    /// # Errors
    /// As [`compile`](Config::compile), but for `OUT_DIR`.
    pub fn validate(self) -> Result<Vec<Diagnostic>> {
        self.generate().map(|generated| generated.warnings)
    }

    fn need_out_dir(&self) -> Result<PathBuf> {
        self.out_dir.clone().ok_or_else(|| Error::Config("no `out_dir` is set".to_owned()))
    }

    /// The pipeline, up to what would be written.
    fn generate(&self) -> Result<Generated> {
        let registry = self.registry.as_ref().ok_or_else(|| Error::Config("no `registry` is set".to_owned()))?;
        let mut problems = Problems::default();
        let sources = load::load(registry, &mut problems)?;
        let model = match link::link(&sources, &mut problems) {
            Some(linked) => {
                lint::lint(&linked, &mut problems);
                Some(lower::lower(&linked, &self.domains, &mut problems)?)
            }
            None => None,
        };
        let failed = problems.has_errors();
        let diagnostics = problems.into_diagnostics(&sources);
        match model.filter(|_| !failed) {
            Some(model) => Ok(Generated { output: emit::emit(&model), sources, warnings: diagnostics }),
            None => Err(Error::Contracts(diagnostics)),
        }
    }
}

/// Bindings in memory.
struct Generated {
    output: Output,
    sources: Sources,
    warnings: Vec<Diagnostic>,
}
