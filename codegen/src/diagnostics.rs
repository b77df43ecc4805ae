//! Complaints about contracts: collected over a whole run, each with its place, rendered the way rustc renders its own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::load::{Source, Sources};
use crate::node::{FileId, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Nothing is generated.
    Error,
    /// Code is generated; somebody should look.
    Warning,
}

/// A place in a contract file.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as a person in the working directory of the run would name it.
    pub file: String,
    /// Byte range in the file.
    pub span: Range<usize>,
    /// JSON pointer (RFC 6901) of the value there; empty for the whole document.
    pub pointer: String,
    text: Arc<str>,
    line: Line,
}

/// The line that a place begins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    /// From 1.
    number: usize,
    /// The bytes in the file.
    start: usize,
    end: usize,
}

/// Of longer lines, in bytes, a part is shown.
const LONGEST_LINE: usize = 1_000;

/// How many bytes of a longer line are shown on each side of where a mark begins.
const SHOWN_AROUND: usize = 100;

/// Of longer texts, in characters, a part is told. Names in contracts may be of any length.
const LONGEST_TEXT: usize = 1_000;

/// How many errors in a file are told, and how many warnings.
const MOST_TOLD: usize = 1_000;

impl Place {
    /// Line and column, both counted from 1; the column counts characters.
    #[must_use]
    pub fn line_and_column(&self) -> (usize, usize) {
        (self.line.number, self.text[self.line.start..self.span.start].chars().count() + 1)
    }

    fn to_json(&self) -> serde_json::Value {
        let (line, column) = self.line_and_column();
        serde_json::json!({ "file": self.file, "line": line, "column": column, "pointer": self.pointer })
    }

    /// Of a line too long to be shown, what is around the place, and where that is in it.
    fn cut_line(&self) -> (String, Range<usize>) {
        let mut start = self.span.start.saturating_sub(SHOWN_AROUND).max(self.line.start);
        let mut end = (self.span.start + SHOWN_AROUND).min(self.line.end);
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        let before = if start > self.line.start { "…" } else { "" };
        let after = if end < self.line.end { "…" } else { "" };
        let at = |offset: usize| before.len() + offset.min(end) - start;
        let mark = at(self.span.start)..at(self.first_line().end);
        (format!("{before}{}{after}", &self.text[start..end]), mark)
    }

    /// A long value is marked on its first line alone: the reader wants the place, not the whole value again.
    fn first_line(&self) -> Range<usize> {
        let value = &self.text[self.span.clone()];
        let length = value.find(['\r', '\n']).unwrap_or(value.len());
        self.span.start..self.span.start + length
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        write!(f, "{}:{line}:{column} ({})", self.file, self.pointer)
    }
}

/// One complaint. Its `Display` is the rendered form, without colour, of several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
    /// Other places that have a part in it, each with what is there.
    pub related: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// The diagnostic as a JSON object on one line, for tools: `severity`, `message`, `file`, `line`, `column` (both from 1),
    /// `pointer`, `help` (or null) and `related`, a list of places with a `label` each.
    #[must_use]
    pub fn to_json(&self) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut json = self.place.to_json();
        json["severity"] = severity.into();
        json["message"] = self.message.as_str().into();
        json["help"] = self.help.as_deref().into();
        let related = self.related.iter().map(|(place, label)| {
            let mut json = place.to_json();
            json["label"] = label.as_str().into();
            json
        });
        json["related"] = related.collect();
        json.to_string()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let pointer = (!self.place.pointer.is_empty()).then(|| shortened(format!("at `{}`", self.place.pointer)));
        let mut here = vec![Mark { place: &self.place, kind: AnnotationKind::Primary, label: pointer }];
        let mut elsewhere = Vec::new();
        for (place, label) in &self.related {
            let mark = Mark { place, kind: AnnotationKind::Context, label: Some(label.clone()) };
            if place.file == self.place.file { here.push(mark) } else { elsewhere.push(vec![mark]) }
        }
        let mut group = Group::with_title(level.primary_title(&*self.message));
        for marks in std::iter::once(here).chain(elsewhere) {
            group = shown(marks, group);
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

/// A place to show.
struct Mark<'d> {
    place: &'d Place,
    kind: AnnotationKind,
    label: Option<String>,
}

/// Adds the lines of marks in one file: all around them as they stand, or where a line is too long, parts of lines.
fn shown<'d>(marks: Vec<Mark<'d>>, mut group: Group<'d>) -> Group<'d> {
    let places = || marks.iter().map(|mark| mark.place);
    let Some(first) = places().min_by_key(|place| place.line) else { return group };
    let end = places().map(|place| place.line.end).max().unwrap_or_default();
    let lines = &first.text[first.line.start..end];
    if lines.split('\n').all(|line| line.len() <= LONGEST_LINE) {
        let mut snippet = Snippet::source(lines).line_start(first.line.number).path(&*first.file);
        for Mark { place, kind, label } in marks {
            let line = place.first_line();
            let span = line.start - first.line.start..line.end - first.line.start;
            snippet = snippet.annotation(kind.span(span).label(label));
        }
        return group.element(snippet);
    }
    for Mark { place, kind, label } in marks {
        let (line, column) = place.line_and_column();
        let (text, span) = place.cut_line();
        let snippet: Snippet<'_, Annotation<'_>> = Snippet::source(Cow::Owned(text)).line_start(line);
        group = group
            .element(Origin::path(&*place.file).line(line).char_column(column))
            .element(snippet.annotation(kind.span(span).label(label)));
    }
    group
}

/// The text, or its beginning.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The complaints of a run while it runs.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

/// A complaint that still points into [`Sources`].
pub(crate) struct Problem {
    severity: Severity,
    pub(crate) message: String,
    pub(crate) span: Span,
    related: Vec<(Span, String)>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(shortened(help.into()));
        self
    }

    pub(crate) fn related(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related.push((span, label.into()));
        self
    }
}

impl Problems {
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Problem {
        self.push(Severity::Error, span, message.into())
    }

    pub(crate) fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Problem {
        self.push(Severity::Warning, span, message.into())
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter().filter(|problem| problem.severity == Severity::Error)
    }

    /// Those that are in one of the files.
    pub(crate) fn within(mut self, files: &BTreeSet<FileId>) -> Problems {
        self.0.retain(|problem| files.contains(&problem.span.file));
        self
    }

    pub(crate) fn extend(&mut self, more: Problems) {
        self.0.extend(more.0);
    }

    /// The diagnostics in the order of files and of positions, each once: a schema that two others refer to is read twice.
    pub(crate) fn into_diagnostics(self, sources: &Sources) -> Vec<Diagnostic> {
        let mut lines: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
        let mut place = |span: Span| {
            let source = sources.get(span.file);
            let pointer = source.root.as_ref().map(|root| root.pointer_of(span)).unwrap_or_default();
            let starts = lines.entry(span.file).or_insert_with(|| line_starts(source));
            let number = starts.partition_point(|start| *start <= span.start);
            let end = starts.get(number).map_or(source.text.len(), |next| next - 1);
            let line = Line { number, start: starts[number - 1], end };
            Place { file: source.shown.clone(), span: span.start..span.end, pointer, text: source.text.clone(), line }
        };
        let mut diagnostics: Vec<Diagnostic> = self
            .0
            .into_iter()
            .map(|problem| Diagnostic {
                severity: problem.severity,
                message: problem.message,
                place: place(problem.span),
                related: problem.related.into_iter().map(|(span, label)| (place(span), label)).collect(),
                help: problem.help,
            })
            .collect();
        diagnostics.sort_by(|a, b| {
            (&a.place.file, a.place.span.start, &a.message).cmp(&(&b.place.file, b.place.span.start, &b.message))
        });
        diagnostics.dedup();
        told(diagnostics)
    }

    fn push(&mut self, severity: Severity, span: Span, message: String) -> &mut Problem {
        self.0.push(Problem { severity, message: shortened(message), span, related: Vec::new(), help: None });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

/// Where the file's lines begin.
fn line_starts(source: &Source) -> Vec<usize> {
    std::iter::once(0).chain(source.text.match_indices('\n').map(|(newline, _)| newline + 1)).collect()
}

/// Without those that nobody would read: of each file's errors and warnings, all beyond the first so many are told as a number.
fn told(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut counts: BTreeMap<(String, bool), usize> = BTreeMap::new();
    let mut told: Vec<Diagnostic> = Vec::new();
    let mut beyond: BTreeMap<(String, bool), Diagnostic> = BTreeMap::new();
    for diagnostic in diagnostics {
        let kind = (diagnostic.place.file.clone(), diagnostic.severity == Severity::Error);
        let count = counts.entry(kind.clone()).or_default();
        *count += 1;
        if *count <= MOST_TOLD {
            told.push(diagnostic);
        } else {
            beyond.entry(kind).or_insert(diagnostic);
        }
    }
    for (kind, diagnostic) in beyond {
        let (count, what) = (counts[&kind] - MOST_TOLD, if kind.1 { "errors" } else { "warnings" });
        let message = format!("there are {count} more {what} in this file");
        told.push(Diagnostic { message, related: Vec::new(), help: None, ..diagnostic });
    }
    told
}

/// "did you mean `x`?", where one of the candidates is near enough to be a slip of the fingers.
pub(crate) fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    let wrong: Vec<char> = wrong.chars().collect();
    let furthest = wrong.len().div_ceil(3);
    let distance = |candidate: &&'a str| {
        let near = candidate.len() <= LONGEST_NAME && candidate.chars().count().abs_diff(wrong.len()) <= furthest;
        near.then(|| (edit_distance(&wrong, candidate), *candidate))
    };
    let nearest = candidates.into_iter().take(MOST_CANDIDATES).filter_map(|candidate| distance(&candidate)).min();
    nearest.filter(|(distance, _)| *distance <= furthest).map(|(_, best)| format!("did you mean `{best}`?"))
}

/// A mistyped name is compared with the first so many only, since each of many may be mistyped.
const MOST_CANDIDATES: usize = 500;

/// Nobody types a longer one, in bytes.
const LONGEST_NAME: usize = 300;

/// Edit distance that counts two swapped neighbours as one edit (optimal string alignment).
fn edit_distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    // the last three rows
    let mut rows: Vec<usize> = (0..width).chain(std::iter::repeat_n(0, 2 * width)).collect();
    for i in 1..=a.len() {
        let (this, last, before) = (i % 3 * width, (i + 2) % 3 * width, (i + 1) % 3 * width);
        rows[this] = i;
        for j in 1..width {
            let substituted = rows[last + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substituted.min(rows[last + j] + 1).min(rows[this + j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[before + j - 2] + 1);
            }
            rows[this + j] = best;
        }
    }
    rows[a.len() % 3 * width + b.len()]
}
