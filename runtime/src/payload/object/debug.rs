//! `Debug` that shows no personal data.

use std::fmt;

use crate::JsonObject;

/// Stands for the value of a property that is marked sensitive.
pub const REDACTED: Redacted = Redacted;

/// Prints as `<redacted>`.
#[derive(Clone, Copy)]
pub struct Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Prints the names of members that the schema does not name. Their values may be sensitive in a later revision.
pub struct Names<'a>(pub &'a JsonObject);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, REDACTED))).finish()
    }
}
