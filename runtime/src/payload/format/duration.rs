//! Durations.

use super::format_type;
use crate::payload::Str;

/// `format: duration`, RFC 3339 appendix A: `P3Y6M4DT12H30M5S`, or weeks alone, `P2W`.
///
/// Units come in their order, and none between two others may be left out: `PT1H0M5S`, not `PT1H5S`. Numbers are whole, of any
/// length. Letters may be lower case, as in all ABNF (RFC 5234 section 2.3). It is kept as written: how long a
/// month is, only the reader knows.
///
/// ```
/// use eventwright::IsoDuration;
///
/// const GRACE: IsoDuration = IsoDuration::from_static("P1DT12H");
/// assert_eq!(GRACE, "P1DT12H");
/// assert_eq!(IsoDuration::new("PT0.5S").unwrap_err().to_string(), "the value is not an RFC 3339 duration");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsoDuration(Str);

format_type!(const IsoDuration, is_duration, "is not an RFC 3339 duration");

const fn is_duration(text: &str) -> bool {
    let [b'P' | b'p', units @ ..] = text.as_bytes() else {
        return false;
    };
    if let Some([]) = after_unit(units, b'W') {
        return true;
    }
    match after_units(units, [b'Y', b'M', b'D']) {
        [] => !units.is_empty(),
        [b'T' | b't', units @ ..] => !units.is_empty() && after_units(units, [b'H', b'M', b'S']).is_empty(),
        _ => false,
    }
}

/// What follows units in this order, from any of them on, none left out.
const fn after_units(text: &[u8], [first, second, third]: [u8; 3]) -> &[u8] {
    if let Some(rest) = after_unit(text, first) {
        return match after_unit(rest, second) {
            Some(rest) => or(after_unit(rest, third), rest),
            None => rest,
        };
    }
    match after_unit(text, second) {
        Some(rest) => or(after_unit(rest, third), rest),
        None => or(after_unit(text, third), text),
    }
}

/// What follows `12Y`.
const fn after_unit(text: &[u8], unit: u8) -> Option<&[u8]> {
    let mut rest = text;
    while let [b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    match rest {
        [letter, after @ ..] if rest.len() < text.len() && letter.to_ascii_uppercase() == unit => Some(after),
        _ => None,
    }
}

/// `unwrap_or`, which constants lack.
const fn or<'a>(rest: Option<&'a [u8]>, otherwise: &'a [u8]) -> &'a [u8] {
    match rest {
        Some(rest) => rest,
        None => otherwise,
    }
}
