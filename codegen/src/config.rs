//! The way in: what to read, what to generate, where to.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use crate::diagnostics::{Diagnostic, Problems, Severity};
use crate::emit;
use crate::link::Linked;
use crate::load::{self, Contracts, Mapped, Sources};
use crate::lower::{self, Custom, Settings};
use crate::model::{Explained, Model};
use crate::node::{FileId, Span};
use crate::settings::{Dates, Formats, Integers};
use crate::vocabulary::{self, Dialect};
use crate::write::{self, Checked, Crate, Report, Tree};
use crate::{Error, Result, link, lint};

/// What to generate, and from which contracts. Made by [`configure`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is generated before `compile`, `write` or `check`"]
pub struct Config {
    contracts: Option<Contracts>,
    mapped: Vec<Mapped>,
    dialect: Dialect,
    formats: Formats,
    integers: Option<Integers>,
    dates: Dates,
    domains: Vec<String>,
    custom: Custom,
    out_dir: Option<PathBuf>,
    crate_name: Option<String>,
    runtime_path: Option<PathBuf>,
    keeps_going: bool,
    anew: bool,
    without: Vec<(String, String)>,
}

/// Begins a configuration.
pub fn configure() -> Config {
    Config::default()
}

impl Config {
    /// The event-types registry; the contracts are the folders beside it. A relative path starts at the current directory, which in
    /// a build script is the package's.
    pub fn registry(mut self, path: impl Into<PathBuf>) -> Config {
        self.contracts = Some(Contracts::Registry(path.into()));
        self
    }

    /// A folder of payload schemas, in place of a registry. Each `*.json` that stands directly in it is an event type, named as the
    /// file is: `lead.created-v2.json` is version 2 of `lead.created`, and a name without a version is version 1. Files in the
    /// folders below are there for `$ref`. Without a registry nobody owns an event type or subscribes to it, so there are payloads
    /// to read and to write, and no rights to publish.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Config {
        self.contracts = Some(Contracts::Schemas(folder.into()));
        self
    }

    /// A folder whose files are what URIs that begin with `uri` name: nothing is ever fetched. May be called several times.
    pub fn resolve(mut self, uri: impl Into<String>, folder: impl Into<PathBuf>) -> Config {
        self.mapped.push(Mapped { uri: uri.into(), folder: folder.into() });
        self
    }

    /// The dialect of schemas that name none in `$schema`. The default is draft 2020-12.
    pub fn dialect(mut self, dialect: Dialect) -> Config {
        self.dialect = dialect;
        self
    }

    /// What `format` means.
    pub fn formats(mut self, formats: Formats) -> Config {
        self.formats = formats;
        self
    }

    /// The types of integers without bounds.
    pub fn integers(mut self, integers: Integers) -> Config {
        self.integers = Some(integers);
        self
    }

    /// The types of dates and times.
    pub fn dates(mut self, dates: Dates) -> Config {
        self.dates = dates;
        self
    }

    /// Restricts the output to the event types that this domain owns or subscribes to, and what they need. May be called for
    /// several domains. Without it, all event types are generated.
    pub fn domain(mut self, name: impl Into<String>) -> Config {
        self.domains.push(name.into());
        self
    }

    /// Uses a type from elsewhere in place of an id or a shared type of this name, which then is only exported: so that two crates of
    /// bindings have one type. `path` is the whole path, such as `::people::PersonId`. The type must be as the generated one.
    pub fn extern_type(mut self, name: impl Into<String>, path: impl Into<String>) -> Config {
        self.custom.elsewhere.insert(name.into(), path.into());
        self
    }

    /// Uses all ids and shared types from another crate of bindings, such as `::sguild_events`.
    pub fn extern_types(mut self, path: impl Into<String>) -> Config {
        self.custom.all_elsewhere = Some(path.into());
        self
    }

    /// Derives something more on the generated types of this name, such as `serde::Serialize` or `Hash`.
    pub fn derive(mut self, name: impl Into<String>, path: impl Into<String>) -> Config {
        self.custom.derives.entry(name.into()).or_default().push(path.into());
        self
    }

    /// Where [`write`](Config::write) and [`check`](Config::check) have the tree. The folder holds generated files only.
    pub fn out_dir(mut self, path: impl Into<PathBuf>) -> Config {
        self.out_dir = Some(path.into());
        self
    }

    /// Makes the tree a package of this name: `Cargo.toml`, and the bindings as its library in `src/`.
    pub fn crate_name(mut self, name: impl Into<String>) -> Config {
        self.crate_name = Some(name.into());
        self
    }

    /// Where such a package finds the crate `eventwright`, relative to the package; by default in the registry of packages.
    pub fn runtime_path(mut self, path: impl Into<PathBuf>) -> Config {
        self.runtime_path = Some(path.into());
        self
    }

    /// Generates what is right even where something is wrong: payloads whose schemas have errors, or refer to ones that do, are left
    /// out, and [`Report::refused`] says why.
    pub fn keep_going(mut self) -> Config {
        self.keeps_going = true;
        self
    }

    /// Makes [`write`](Config::write) generate also where `contracts.lock` says that the tree is right already: for those who work on
    /// the generator itself, whose version stays the same while it changes.
    pub fn anew(mut self) -> Config {
        self.anew = true;
        self
    }

    /// Has a keyword not read in a file of schemas, as if the generator did not know it; `null` is that name in `type`. For tests of
    /// tests, which must notice.
    #[doc(hidden)]
    pub fn without(mut self, keyword: impl Into<String>, file: impl Into<String>) -> Config {
        self.without.push((keyword.into(), file.into()));
        self
    }

    /// In a build script: generates `$OUT_DIR/eventwright.rs`, which `eventwright::include_events!()` includes, and tells cargo which
    /// files and folders the bindings depend on. Prints to standard output, as build scripts do.
    ///
    /// # Errors
    /// [`Error::Contracts`] with all that is wrong with the contracts; nothing is written then.
    /// [`Error::Config`] where neither a registry nor a folder of schemas is set, a domain is unknown, or `OUT_DIR` is not set: cargo sets it for build scripts.
    /// [`Error::Io`] where a file can't be read or written.
    pub fn compile(self) -> Result<()> {
        let out_dir = env::var_os("OUT_DIR").ok_or_else(|| {
            Error::Config("OUT_DIR is not set; `compile` is for build scripts, `write` for all else".to_owned())
        })?;
        let generated = self.generate()?;
        let output = emit::emit(&generated.model, self.formats, self.dates);
        write::write_one(&Path::new(&out_dir).join("eventwright.rs"), &write::one_file(&output)?)?;
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
    /// step, and removes generated files that nothing accounts for. Where all is right already, it writes nothing; where
    /// `contracts.lock` says so, it does not even generate.
    ///
    /// # Errors
    /// As [`compile`](Config::compile), and [`Error::Config`] where no `out_dir` is set. On [`Error::Contracts`] nothing is written.
    pub fn write(self) -> Result<Report> {
        let out_dir = self.need_out_dir()?;
        if let Some(report) = self.unchanged(&out_dir) {
            return Ok(report);
        }
        let generated = self.generate()?;
        let report = self.tree(&generated, &out_dir)?.write(&out_dir)?;
        let Generated { warnings, refused, .. } = generated;
        Ok(Report { warnings, refused, ..report })
    }

    /// What [`write`](Config::write) would change; writes nothing.
    ///
    /// # Errors
    /// As [`write`](Config::write).
    pub fn check(self) -> Result<Checked> {
        let out_dir = self.need_out_dir()?;
        let generated = self.generate()?;
        let drift = self.tree(&generated, &out_dir)?.check(&out_dir)?;
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

    /// What became of each constraint of each schema: whether a type, a check in a type, or the `jsonschema` crate enforces it.
    ///
    /// # Errors
    /// As [`compile`](Config::compile), but for `OUT_DIR`.
    pub fn explain(self) -> Result<Vec<Explained>> {
        self.model().map(|(model, ..)| model.explained)
    }

    fn need_out_dir(&self) -> Result<PathBuf> {
        self.out_dir.clone().ok_or_else(|| Error::Config("no `out_dir` is set".to_owned()))
    }

    fn tree(&self, generated: &Generated, out_dir: &Path) -> Result<Tree> {
        let output = emit::emit(&generated.model, self.formats, self.dates);
        let sources = &generated.sources;
        // whoever trusts the lock tells nothing, so there must be nothing to tell
        let silent = generated.warnings.is_empty() && generated.refused.is_empty();
        let settings =
            (silent && !sources.lacks_files).then(|| self.settings(&sources.folders, out_dir)).transpose()?;
        write::tree(&output, sources, out_dir, self.package().as_ref(), settings.as_deref())
    }

    /// What there is to report where the lock says that the tree is right; none where something has to be generated, or can't be.
    fn unchanged(&self, out_dir: &Path) -> Option<Report> {
        if self.anew {
            return None;
        }
        let found = load::find(self.contracts.as_ref()?, &self.mapped).ok()?;
        let settings = self.settings(&found.folders, out_dir).ok()?;
        write::unchanged(out_dir, &settings, &found.files)
    }

    /// All that the outcome follows from besides the content of files and the generator's version, the same on every machine.
    fn settings(&self, folders: &[String], out_dir: &Path) -> Result<String> {
        // all fields by name, so that no new one is forgotten here
        let Config {
            contracts,
            mapped,
            dialect,
            formats,
            integers,
            dates,
            domains,
            custom,
            crate_name,
            runtime_path,
            out_dir: _,
            keeps_going: _,
            anew: _,
            without,
        } = self;
        let (kind, path) = match contracts {
            Some(Contracts::Registry(path)) => ("registry", path.as_path()),
            Some(Contracts::Schemas(path)) => ("schemas", path.as_path()),
            None => ("nothing", Path::new("")),
        };
        let path = write::seen_from(path, out_dir)?;
        let mapped = mapped.iter().map(|mapped| Ok((&mapped.uri, write::seen_from(&mapped.folder, out_dir)?)));
        let mapped = mapped.collect::<Result<Vec<_>>>()?;
        let types = (formats, integers, dates, custom, without);
        let output = (domains, crate_name, runtime_path);
        let examples = cfg!(feature = "examples");
        Ok(format!("{kind} {path:?} {folders:?} {mapped:?} {dialect:?} {types:?} {output:?} {examples}"))
    }

    fn package(&self) -> Option<Crate> {
        let name = self.crate_name.clone()?;
        Some(Crate { name, runtime_path: self.runtime_path.clone() })
    }

    fn generate(&self) -> Result<Generated> {
        let (model, sources, diagnostics) = self.model()?;
        let (refused, warnings) =
            diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
        Ok(Generated { model, sources, warnings, refused })
    }

    /// The pipeline, up to what would be emitted.
    fn model(&self) -> Result<(Model, Sources, Vec<Diagnostic>)> {
        let contracts = self
            .contracts
            .as_ref()
            .ok_or_else(|| Error::Config("no `registry` is set, and no `schemas`".to_owned()))?;
        let integers = self.integers.unwrap_or(match contracts {
            Contracts::Registry(_) => Integers::Bits64,
            Contracts::Schemas(_) => Integers::Exact,
        });
        let settings = Settings { formats: self.formats, integers };
        let mut problems = Problems::default();
        let sources = load::load(contracts, &self.mapped, &mut problems)?;
        let mut linked = link::link(&sources, contracts, self.dialect, &mut problems);
        for (keyword, file) in &self.without {
            if let (Some(linked), Some(file)) = (&mut linked, sources.find(file)) {
                linked.resources.drop_keyword(file, keyword);
            }
        }
        if let Contracts::Schemas(folder) = contracts
            && linked.as_ref().is_none_or(|linked| linked.payloads.is_empty())
        {
            let folder = folder.display();
            return Err(Error::Config(format!(
                "{folder} has no schema: payload schemas are the files NAME-vN.json that stand directly in it"
            )));
        }
        let model = match &linked {
            Some(linked) => self.lowered(linked, settings, &mut problems)?,
            None => None,
        };
        drop(linked);
        let diagnostics = problems.into_diagnostics(&sources);
        match model {
            Some(model) => Ok((model, sources, diagnostics)),
            None => Err(Error::Contracts(diagnostics)),
        }
    }

    /// The model; none where something is wrong that no payload can be left out for.
    fn lowered(&self, linked: &Linked<'_>, settings: Settings, problems: &mut Problems) -> Result<Option<Model>> {
        let files: BTreeSet<FileId> = linked.payloads.iter().flat_map(|payload| linked.reached(payload.file)).collect();
        vocabulary::check(linked, &files, problems);
        linked.check_dynamic(problems);
        lint::lint(linked, problems);
        #[cfg(feature = "examples")]
        {
            let refused = refused(linked, problems);
            let payloads = linked.payloads.iter().map(|payload| payload.file).filter(|file| !refused.contains(file));
            let right: BTreeSet<FileId> = payloads.flat_map(|file| linked.reached(file)).collect();
            lint::examples::check(linked, &right, self.formats, problems);
        }
        let mut refused = refused(linked, problems);
        loop {
            let model = lower::lower(linked, settings, &self.domains, &self.custom, &refused, problems)?;
            let now = self::refused(linked, problems);
            if !problems.has_errors() {
                return Ok(Some(model));
            }
            if !self.keeps_going || problems.errors().any(|problem| !linked.is_in_payload(problem.span)) {
                return Ok(None);
            }
            if now == refused {
                left_out(linked, &refused, problems);
                return Ok(Some(model));
            }
            // what was found only now leaves its payloads out as well
            refused = now;
        }
    }
}

/// Says which payloads are left out for what is wrong elsewhere.
fn left_out(linked: &Linked<'_>, refused: &BTreeSet<FileId>, problems: &mut Problems) {
    let wrong: Vec<(Span, String)> = problems.errors().map(|problem| (problem.span, problem.message.clone())).collect();
    for file in refused {
        let reached = linked.reached(*file);
        if wrong.iter().any(|(span, _)| span.file == *file) {
            continue;
        }
        let Some((cause, message)) = wrong.iter().find(|(span, _)| reached.contains(&span.file)) else { continue };
        let at = Span { file: *file, start: 0, end: 0 };
        problems
            .error(at, format!("the schema refers to one that has an error: {message}"))
            .related(*cause, "the error");
    }
}

/// The payload files that have errors, or refer to files that do.
fn refused(linked: &Linked<'_>, problems: &Problems) -> BTreeSet<FileId> {
    let wrong: BTreeSet<FileId> = problems.errors().map(|problem| problem.span.file).collect();
    let payloads = linked.payloads.iter().map(|payload| payload.file);
    payloads.filter(|file| !wrong.is_empty() && !linked.reached(*file).is_disjoint(&wrong)).collect()
}

/// Bindings in memory.
struct Generated {
    model: Model,
    sources: Sources,
    warnings: Vec<Diagnostic>,
    refused: Vec<Diagnostic>,
}
