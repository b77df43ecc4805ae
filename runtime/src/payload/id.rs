//! Ids: a prefix and a UUID version 7.

mod canonical;

use std::fmt::Display;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::{Uuid, Variant};

use super::Invalid;
use super::encoder::Plain;

/// An id: a prefix that says of what, and a UUID version 7 (RFC 9562), which sorts by the time at which it was made.
///
/// [`derive(Id)`](macro@crate::Id) implements it.
pub trait Id: Copy + Eq + Ord + Display + FromStr<Err = Invalid> {
    /// What the text begins with.
    const PREFIX: &'static str;

    /// Makes an id of a UUID.
    ///
    /// # Errors
    /// Where it is not an RFC 9562 UUID of version 7.
    fn from_uuid(uuid: Uuid) -> Result<Self, Invalid>;

    /// The UUID.
    fn as_uuid(&self) -> Uuid;
}

/// An event.
///
/// ```
/// use eventwright::EventId;
///
/// let id: EventId = "evt_01890a5d-ac96-774b-bcce-b302099a8057".parse()?;
/// assert_eq!(id.as_uuid().get_version_num(), 7);
/// assert_eq!(format!("{id:?}"), "evt_01890a5d-ac96-774b-bcce-b302099a8057");
/// assert!(EventId::new() > id);
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, crate::Id)]
#[id(prefix = "evt_")]
pub struct EventId(Uuid);

/// Reads an id's text: the prefix, then a UUID version 7 in canonical form, lower case.
///
/// # Errors
/// Where the text has another form.
#[doc(hidden)]
#[inline]
pub fn parse(text: &str, prefix: &'static str) -> Result<Uuid, Invalid> {
    // inlined for the sake of this comparison, which is a single one for a prefix that is known
    match text.strip_prefix(prefix) {
        Some(uuid) => parse_v7(uuid),
        None => Err(lacks_prefix(prefix)),
    }
}

#[cold]
fn lacks_prefix(prefix: &str) -> Invalid {
    Invalid::new(format!("does not begin with `{prefix}`"))
}

fn parse_v7(text: &str) -> Result<Uuid, Invalid> {
    match canonical::parse(text.as_bytes()) {
        Some(uuid) => check_version(uuid),
        None => Err(Invalid::new("is not a prefix and a lower-case UUID")),
    }
}

/// Lets a UUID through that may be part of an id.
///
/// # Errors
/// Where it is not an RFC 9562 UUID of version 7.
#[doc(hidden)]
pub fn check_version(uuid: Uuid) -> Result<Uuid, Invalid> {
    if uuid.get_version_num() != 7 || uuid.get_variant() != Variant::RFC4122 {
        return Err(Invalid::new("is not of a UUID version 7"));
    }
    Ok(uuid)
}

/// The longest text of an id: derives refuse longer prefixes.
const LONGEST: usize = 64;

/// Shows an id's text to a function, without use of the heap.
#[doc(hidden)]
pub fn with_text<T>(prefix: &str, uuid: Uuid, show: impl FnOnce(&str) -> T) -> T {
    let mut buffer = [0; LONGEST];
    let end = prefix.len() + uuid::fmt::Hyphenated::LENGTH;
    buffer[..prefix.len()].copy_from_slice(prefix.as_bytes());
    uuid.hyphenated().encode_lower(&mut buffer[prefix.len()..end]);
    // both halves are text
    show(str::from_utf8(&buffer[..end]).unwrap_or_default())
}

/// Writes an id.
///
/// # Errors
/// Where the serializer can't.
pub fn write<S: Serializer>(prefix: &str, uuid: Uuid, to: S) -> Result<S::Ok, S::Error> {
    // a prefix is of letters, digits, `_` and `-`
    with_text(prefix, uuid, |text| Plain(text).serialize(to))
}
