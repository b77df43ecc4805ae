//! The string inside of string types.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// A string that stands in the source or was read: what string types hold, so that constants can be made of them.
///
/// It compares, sorts, hashes and prints as the `str` that it is.
///
/// ```
/// use eventwright::payload::Str;
///
/// const WEB: Str = Str::from_static("web");
/// assert_eq!(WEB, Str::from("web".to_owned()));
/// assert_eq!(WEB.len(), 3);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Cow<'static, str>);

impl Str {
    /// A string that stands in the source.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl From<Str> for String {
    fn from(text: Str) -> Self {
        text.0.into_owned()
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
