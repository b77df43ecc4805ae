//! Objects: what [`derive(Object)`](macro@crate::Object) implements, and what its expansion calls.
//!
//! A struct's fields are read into, and built in, a struct of options beside it ([`Object::Fields`]): reading and the builder end
//! in the same place, [`Object::assemble`].

mod builder;
mod debug;
mod read;
mod write;

pub use serde::de::MapAccess;
pub use serde::ser::SerializeMap;

use super::Steps;
use crate::JsonObject;

pub use self::builder::{IntoField, Set, Unset, built, taken};
pub use self::debug::{Names, REDACTED, Redacted};
pub use self::read::beneath_sensitive;
pub use self::read::{Member, read};
pub(crate) use self::write::at;
pub use self::write::{Members, Odd, write};

/// A struct that is read from and written as a JSON object.
pub trait Object: Sized {
    /// The properties that the schema names, as declared.
    const FIELDS: &'static [Field];

    /// The properties that are always the same string, with that string. They have no fields.
    const CONSTANTS: &'static [(&'static str, &'static str)] = &[];

    /// The struct's fields, not all of which may be set.
    type Fields: Default;

    /// Where in [`FIELDS`](Self::FIELDS) the property of a name is.
    fn position(name: &str) -> Option<usize>;

    /// Reads the property at `index` of [`FIELDS`](Self::FIELDS).
    ///
    /// # Errors
    /// As [`Read::read`](super::Read::read), and where the property is set already.
    fn read_field<'de, A: MapAccess<'de>>(
        fields: &mut Self::Fields,
        index: usize,
        member: Member<'_, A>,
    ) -> Result<(), A::Error>;

    /// Where properties that the schema does not name are kept; none for a closed object.
    fn rest(fields: &mut Self::Fields) -> Option<&mut JsonObject> {
        let _ = fields;
        None
    }

    /// How many of the steps into the property at `index` of [`FIELDS`](Self::FIELDS) lie beneath a sensitive one.
    #[doc(hidden)]
    fn beneath_sensitive_in(index: usize, steps: Steps<'_>) -> Option<usize> {
        let _ = (index, steps);
        None
    }

    /// Makes the struct of its fields.
    ///
    /// # Errors
    /// Where a required property is not set: its name.
    fn assemble(fields: Self::Fields) -> Result<Self, Missing>;

    /// Writes the properties.
    ///
    /// # Errors
    /// As [`Write::write`](super::Write::write).
    fn write_fields<M: SerializeMap>(&self, to: &mut Members<'_, M>) -> Result<(), M::Error>;
}

/// A property that a schema names.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) sensitive: bool,
    pub(crate) required: bool,
}

impl Field {
    /// A property.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, sensitive: false, required: false }
    }

    /// A property whose value `Debug` and errors must not show.
    #[must_use]
    pub const fn sensitive(name: &'static str) -> Self {
        Self { name, sensitive: true, required: false }
    }

    /// The same, which must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// The name of a required property that is not set.
#[derive(Debug, Clone, Copy)]
pub struct Missing(pub &'static str);
