//! What reading says of JSON that it refuses.

use eventwright::Reading;
use eventwright::payload::{Read, decode};

/// What one reading says.
pub(crate) fn error_in<T: Read>(reading: Reading, json: &str) -> String {
    match decode::<T>(json.as_bytes(), reading) {
        Ok(_) => panic!("{json} was read"),
        Err(error) => error.to_string(),
    }
}

/// What both readings say.
pub(crate) fn error<T: Read>(json: &str) -> String {
    let strict = error_in::<T>(Reading::Strict, json);
    assert_eq!(error_in::<T>(Reading::Tolerant, json), strict);
    strict
}
