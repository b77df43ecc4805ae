//! Complaints about contracts: collected over a whole run, each with its place, rendered the way rustc renders its own.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use crate::load::Sources;
use crate::node::Span;

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
}

impl Place {
    /// Line and column, both counted from 1; the column counts characters.
    #[must_use]
    pub fn line_and_column(&self) -> (usize, usize) {
        let before = &self.text[..self.span.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    fn snippet(&self) -> Snippet<'_, Annotation<'_>> {
        Snippet::source(&*self.text).path(&*self.file)
    }

    fn mark(&self, kind: AnnotationKind, label: Option<String>) -> Annotation<'_> {
        kind.span(self.first_line()).label(label)
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

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let pointer = (!self.place.pointer.is_empty()).then(|| format!("at `{}`", self.place.pointer));
        let mut snippet = self.place.snippet().annotation(self.place.mark(AnnotationKind::Primary, pointer));
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            self.related.iter().partition(|(place, _)| place.file == self.place.file);
        for (place, label) in here {
            snippet = snippet.annotation(place.mark(AnnotationKind::Context, Some(label.clone())));
        }
        let mut group = Group::with_title(level.primary_title(&*self.message)).element(snippet);
        for (place, label) in elsewhere {
            let mark = place.mark(AnnotationKind::Context, Some(label.clone()));
            group = group.element(place.snippet().annotation(mark));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

/// The complaints of a run while it runs.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

/// A complaint that still points into [`Sources`].
pub(crate) struct Problem {
    severity: Severity,
    message: String,
    span: Span,
    related: Vec<(Span, String)>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
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
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The diagnostics in the order of files and of positions, each once: a schema that two others refer to is read twice.
    pub(crate) fn into_diagnostics(self, sources: &Sources) -> Vec<Diagnostic> {
        let place = |span: Span| {
            let source = sources.get(span.file);
            let pointer = source.root.as_ref().map(|root| root.pointer_of(span)).unwrap_or_default();
            Place { file: source.shown.clone(), span: span.start..span.end, pointer, text: source.text.clone() }
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
        diagnostics
    }

    fn push(&mut self, severity: Severity, span: Span, message: String) -> &mut Problem {
        self.0.push(Problem { severity, message, span, related: Vec::new(), help: None });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

/// "did you mean `x`?", where one of the candidates is near enough to be a slip of the fingers.
pub(crate) fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (distance, best) =
        candidates.into_iter().map(|candidate| (edit_distance(wrong, candidate), candidate)).min()?;
    (distance <= wrong.chars().count().div_ceil(3)).then(|| format!("did you mean `{best}`?"))
}

/// Edit distance that counts two swapped neighbours as one edit (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substituted.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
