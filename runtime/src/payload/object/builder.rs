//! What builders are made of.
//!
//! A builder has one type parameter for each required field: [`Unset`] at first, [`Set`] from then on.

use super::{Missing, Object};
use crate::payload::Maybe;

/// Stands in a builder's type for a required field that is set.
#[derive(Debug, Clone, Copy)]
pub struct Set;

/// Stands in a builder's type for a required field that is not set.
#[derive(Debug, Clone, Copy)]
pub struct Unset;

/// A value that a builder's setter takes for a field of type `F`.
///
/// Besides a value of the field's own type: a `&str` where there is a `String`; a `T` where there is an `Option<T>` or a
/// [`Maybe<T>`]; an `Option<T>` where there is a `Maybe<T>`, `None` being null; a `T` where there is a `Box<T>`, alone or in one of
/// these; an array where there is a `Vec`.
#[diagnostic::on_unimplemented(message = "expected `{F}`, found `{Self}`", label = "expected `{F}`, found `{Self}`")]
pub trait IntoField<F> {
    /// The field's value.
    fn into_field(self) -> F;
}

impl<T> IntoField<T> for T {
    fn into_field(self) -> T {
        self
    }
}

impl IntoField<String> for &str {
    fn into_field(self) -> String {
        self.to_owned()
    }
}

impl<T> IntoField<Option<T>> for T {
    fn into_field(self) -> Option<T> {
        Some(self)
    }
}

impl IntoField<Option<String>> for &str {
    fn into_field(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl<T> IntoField<Maybe<T>> for T {
    fn into_field(self) -> Maybe<T> {
        Maybe::Value(self)
    }
}

impl IntoField<Maybe<String>> for &str {
    fn into_field(self) -> Maybe<String> {
        Maybe::Value(self.to_owned())
    }
}

impl<T> IntoField<Maybe<T>> for Option<T> {
    fn into_field(self) -> Maybe<T> {
        self.into()
    }
}

impl<T> IntoField<Box<T>> for T {
    fn into_field(self) -> Box<T> {
        Box::new(self)
    }
}

impl<T> IntoField<Option<Box<T>>> for T {
    fn into_field(self) -> Option<Box<T>> {
        Some(Box::new(self))
    }
}

impl<T> IntoField<Maybe<Box<T>>> for T {
    fn into_field(self) -> Maybe<Box<T>> {
        Maybe::Value(Box::new(self))
    }
}

impl<T, const N: usize> IntoField<Vec<T>> for [T; N] {
    fn into_field(self) -> Vec<T> {
        self.into()
    }
}

/// Takes a required field.
///
/// # Errors
/// Where it is not set.
pub fn taken<T>(field: Option<T>, name: &'static str) -> Result<T, Missing> {
    field.ok_or(Missing(name))
}

/// Ends a builder.
///
/// # Panics
/// Where a required field is not set, which the builder's type rules out.
pub fn built<T: Object>(fields: T::Fields) -> T {
    T::assemble(fields).expect("`build` is there only where the builder's type says that all required fields are set")
}
