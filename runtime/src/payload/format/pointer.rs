//! JSON pointers.

use super::format_type;
use crate::payload::Str;

/// `format: json-pointer`, the string form of RFC 6901 section 5: empty for the whole document, or `/items/0`.
///
/// `~` stands only before `0` and `1`. The form for URI fragments, `#/items/0`, is another.
///
/// ```
/// use eventwright::JsonPointer;
///
/// const ZIP: JsonPointer = JsonPointer::from_static("/address/zip");
/// assert_eq!(ZIP, "/address/zip");
/// assert_eq!(JsonPointer::new("address").unwrap_err().to_string(), "the value is not a JSON pointer");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonPointer(Str);

format_type!(const JsonPointer, is_pointer, "is not a JSON pointer");

const fn is_pointer(text: &str) -> bool {
    let mut rest = text.as_bytes();
    if !matches!(rest, [] | [b'/', ..]) {
        return false;
    }
    while let [first, after @ ..] = rest {
        rest = match (*first, after) {
            (b'~', [b'0' | b'1', after @ ..]) => after,
            (b'~', _) => return false,
            _ => after,
        };
    }
    true
}
