//! The types of JSON, each a bit of a set.

use super::Json;

/// `null`
pub const NULL: u8 = 1;
/// `true` and `false`
pub const BOOLEAN: u8 = 2;
/// Numbers.
pub const NUMBER: u8 = 4;
/// Strings.
pub const STRING: u8 = 8;
/// Arrays.
pub const ARRAY: u8 = 16;
/// Objects.
pub const OBJECT: u8 = 32;

/// The bit of a value's type.
#[must_use]
pub fn of(value: &Json) -> u8 {
    match value {
        Json::Null => NULL,
        Json::Bool(_) => BOOLEAN,
        Json::Number(_) => NUMBER,
        Json::String(_) => STRING,
        Json::Array(_) => ARRAY,
        Json::Object(_) => OBJECT,
    }
}
