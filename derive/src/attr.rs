//! What the derives ask of their input alike.

use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Result};

/// The one attribute of a name, such as `#[id(...)]`.
pub(crate) fn only<'a>(attrs: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attrs.iter().find(|attr| attr.path().is_ident(name))
}

/// The field of a struct such as `struct Zip(String);`.
pub(crate) fn only_field<'a>(input: &'a DeriveInput, example: &str) -> Result<&'a Field> {
    no_generics(input)?;
    if let Data::Struct(data) = &input.data
        && let Fields::Unnamed(fields) = &data.fields
        && fields.unnamed.len() == 1
    {
        return Ok(&fields.unnamed[0]);
    }
    Err(Error::new_spanned(&input.ident, format!("expected a struct like `{example}`")))
}

pub(crate) fn no_generics(input: &DeriveInput) -> Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    Err(Error::new_spanned(&input.generics, "payload types have no generic parameters"))
}
