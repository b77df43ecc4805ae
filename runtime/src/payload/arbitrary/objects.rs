//! What the derives of objects, unions, words and ids ask for.

use std::fmt;

use super::collections::value_or_none;
use super::json::member_name;
use super::{Rejected, Sample, Source};
use crate::JsonObject;
use crate::payload::union::Union;
use crate::payload::{Id, Json, Maybe, Object, Read, Reading, Words, Write, decode, encode};

/// How often a variant is drawn, for each that there is, until one that has a value must have been among them.
const TRIES: usize = 8;

/// An optional property.
pub trait SampleOptional: Sized {
    /// Draws one that may be absent.
    ///
    /// # Errors
    /// Where what was drawn leads to none.
    fn sample_optional(source: &mut Source<'_>) -> Result<Self, Rejected>;
}

/// Absent or a value.
impl<T: Sample> SampleOptional for Option<T> {
    fn sample_optional(source: &mut Source<'_>) -> Result<Self, Rejected> {
        Ok(value_or_none(source))
    }
}

impl<T: Sample + Write> SampleOptional for Maybe<T> {
    fn sample_optional(source: &mut Source<'_>) -> Result<Self, Rejected> {
        Self::sample(source)
    }
}

/// Members that an open object does not name: mostly none.
///
/// # Errors
/// Where what was drawn leads to none.
pub fn rest<T: Object>(source: &mut Source<'_>) -> Result<JsonObject, Rejected> {
    let mut rest = JsonObject::new();
    let count = if source.is_deep() { 0 } else { source.below(6).saturating_sub(3) };
    for _ in 0..count {
        let name = member_name(source)?;
        let value = Json::sample(source)?;
        let is_named = T::position(&name).is_some() || T::CONSTANTS.iter().any(|(constant, _)| *constant == name);
        if !is_named {
            rest.insert(name, value);
        }
    }
    Ok(rest)
}

/// How a value is drawn.
type Draw<T> = fn(&mut Source<'_>) -> Result<T, Rejected>;

/// A value of one of the variants. It is the one that its JSON is read as, for a variant may hold what an earlier one reads.
///
/// # Errors
/// Where what was drawn leads to none.
pub fn union<T>(source: &mut Source<'_>, variants: &[Draw<T>]) -> Result<T, Rejected>
where
    T: Union + Read + Write + fmt::Debug,
{
    source.shallow(|source| {
        source.within(|source| {
            // a variant may have none: a type within itself that has become too deep, or what is another variant's too
            let mut failed = vec![false; variants.len()];
            for _ in 0..TRIES * variants.len() {
                let value = source.attempt(|source| {
                    let index = source.index(variants.len());
                    if std::mem::replace(&mut failed[index], true) {
                        return Err(Rejected::new());
                    }
                    again(&variants[index](source)?)
                });
                if value.is_ok() {
                    return value;
                }
            }
            Err(Rejected::new())
        })
    })
}

/// The value as it is read once it is written.
pub(super) fn again<T: Read>(value: &impl Write) -> Result<T, Rejected> {
    let json = encode(value).map_err(|_| Rejected::new())?;
    decode(json.as_bytes(), Reading::Strict).map_err(|_| Rejected::new())
}

/// One of the words that an enum names.
///
/// # Errors
/// Where it names none.
pub fn word<T: Words>(source: &mut Source<'_>) -> Result<T, Rejected> {
    let word = T::ALL.get(source.index(T::ALL.len())).ok_or_else(Rejected::new)?;
    T::named(word.as_str()).ok_or_else(Rejected::new)
}

/// An id of any time.
///
/// # Errors
/// None.
pub fn id<T: Id>(source: &mut Source<'_>) -> Result<T, Rejected> {
    let bits = u128::from(source.bits()) << 64 | u128::from(source.bits());
    // RFC 9562 section 5.7
    let (version, variant) = (7 << 76, 2 << 62);
    T::from_uuid(uuid::Uuid::from_u128(bits & !(0xf << 76 | 3 << 62) | version | variant)).map_err(|_| Rejected::new())
}
