//! Names of members.

use super::Invalid;

/// A string type that names an object's members: the keys of a `BTreeMap` that is read.
///
/// [`String`], [`Text`](super::Text), the formats and what [`derive(Pattern)`](macro@crate::Pattern) makes are keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name members",
    note = "keys are `String`, `Text<MIN, MAX>`, a format's type or what `derive(Pattern)` makes"
)]
pub trait Key: Sized + 'static {
    /// Holds a name against the type's rule.
    ///
    /// # Errors
    /// Where the name breaks it.
    fn check_name(name: &str) -> Result<(), Invalid>;

    /// Makes a key of a name.
    ///
    /// # Errors
    /// Where the name breaks the type's rule.
    fn from_name(name: String) -> Result<Self, Invalid>;

    /// The name.
    fn as_name(&self) -> &str;
}

impl Key for String {
    fn check_name(_: &str) -> Result<(), Invalid> {
        Ok(())
    }

    fn from_name(name: String) -> Result<Self, Invalid> {
        Ok(name)
    }

    fn as_name(&self) -> &str {
        self
    }
}
