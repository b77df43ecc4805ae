//! Regular expressions.

use super::format_type;
use crate::payload::Str;
use crate::payload::pattern::check_ecma_262;

/// `format: regex`, a regular expression by ECMA 262 under the `u` flag, which JSON Schema asks for (core section 6.4), but that
/// punctuation may have a backslash though it means itself (`\-`), as without the flag.
///
/// Lookarounds and backreferences are part of ECMA 262, so this type takes more than can be matched in linear time; for that see
/// [`supports_regex`](crate::payload::supports_regex). Texts come with the data, so those that would take a parser long or fill the
/// stack are refused: of more than 16 KiB, more than 1,000 alternatives, or groups more than 200 deep.
///
/// ```
/// use eventwright::EcmaRegex;
///
/// assert_eq!(EcmaRegex::new("^(?=a)\\p{L}+$")?, "^(?=a)\\p{L}+$");
/// let error = EcmaRegex::new("(?P<name>a)").unwrap_err();
/// assert_eq!(error.to_string(), "the value is not an ECMA 262 regular expression");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EcmaRegex(Str);

format_type!(EcmaRegex, is_regex, "is not an ECMA 262 regular expression");

fn is_regex(text: &str) -> bool {
    check_ecma_262(text).is_ok()
}
