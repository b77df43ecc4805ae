//! Times of day.

use super::format_type;
use crate::payload::Str;

/// `format: time`, the full-time of RFC 3339 section 5.6: `08:30:06.25Z`, `17:45:00+05:30`.
///
/// The offset is required. `z` may be lower case. The second 60 is allowed only where a leap second can be, at 23:59:60 UTC.
///
/// ```
/// use eventwright::FullTime;
///
/// const OPENING: FullTime = FullTime::from_static("09:00:00-05:00");
/// assert_eq!(OPENING, "09:00:00-05:00");
/// assert_eq!(FullTime::new("09:00:00").unwrap_err().to_string(), "the value is not an RFC 3339 full-time");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FullTime(Str);

format_type!(const FullTime, is_full_time, "is not an RFC 3339 full-time");

const MINUTES_OF_A_DAY: i32 = 24 * 60;

const fn is_full_time(text: &str) -> bool {
    let [h0, h1, b':', m0, m1, b':', s0, s1, rest @ ..] = text.as_bytes() else {
        return false;
    };
    let (Some(minute), Some(second)) = (minute_of_day([*h0, *h1, *m0, *m1]), two_digits(*s0, *s1)) else {
        return false;
    };
    let Some(rest) = after_fraction(rest) else {
        return false;
    };
    let Some(offset) = offset_in_minutes(rest) else {
        return false;
    };
    second < 60 || second == 60 && (minute - offset).rem_euclid(MINUTES_OF_A_DAY) == MINUTES_OF_A_DAY - 1
}

const fn two_digits(tens: u8, ones: u8) -> Option<i32> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Some((tens - b'0') as i32 * 10 + (ones - b'0') as i32)
    } else {
        None
    }
}

const fn minute_of_day([h0, h1, m0, m1]: [u8; 4]) -> Option<i32> {
    match (two_digits(h0, h1), two_digits(m0, m1)) {
        (Some(hour @ 0..24), Some(minute @ 0..60)) => Some(hour * 60 + minute),
        _ => None,
    }
}

/// What follows `.123`, if it is there.
const fn after_fraction(text: &[u8]) -> Option<&[u8]> {
    let [b'.', digits @ ..] = text else {
        return Some(text);
    };
    let mut rest = digits;
    while let [b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    if rest.len() < digits.len() { Some(rest) } else { None }
}

/// `Z` or `+05:30`
const fn offset_in_minutes(text: &[u8]) -> Option<i32> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [b'+', h0, h1, b':', m0, m1] => minute_of_day([*h0, *h1, *m0, *m1]),
        [b'-', h0, h1, b':', m0, m1] => match minute_of_day([*h0, *h1, *m0, *m1]) {
            Some(minutes) => Some(-minutes),
            None => None,
        },
        _ => None,
    }
}
