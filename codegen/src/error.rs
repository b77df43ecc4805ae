//! What can go wrong.

use std::path::PathBuf;
use std::{fmt, io};

use crate::diagnostics::Diagnostic;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing was generated.
///
/// `Debug` shows what `Display` shows, because cargo prints the `Debug` form of what a build script's `main` returns.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The contracts are wrong: correct the places that the diagnostics point to. Warnings are among them.
    #[error("{}", render(.0))]
    Contracts(Vec<Diagnostic>),
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The configuration lacks something, or names something that the contracts don't have.
    #[error("{0}")]
    Config(String),
    /// The generator made text that is not Rust: a bug of the generator, with the item's text.
    #[error("generated an item that does not parse ({reason}); please report it: {item}")]
    Unparsable {
        /// The item's tokens.
        item: String,
        /// What the parser says.
        reason: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { path, source }
    }
}

fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::from("the contracts have errors");
    for diagnostic in diagnostics {
        text.push_str("\n\n");
        text.push_str(&diagnostic.to_string());
    }
    text.push('\n');
    text
}
