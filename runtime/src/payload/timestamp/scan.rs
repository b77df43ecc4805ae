//! Texts to parts.

use super::parts::{DateParts, DateTimeParts};

/// `2024-02-29T23:59:59.123+05:30`
pub(super) fn date_time(text: &str) -> Option<DateTimeParts> {
    let (day, rest) = text.as_bytes().split_first_chunk::<10>()?;
    let (clock, rest) = rest.split_first_chunk::<9>()?;
    let (nanosecond, rest) = fraction(rest)?;
    let [hour, minute, second] = time(clock)?;
    let parts =
        DateTimeParts { date: full_date(day)?, hour, minute, second, nanosecond, offset_minutes: offset(rest)? };
    let parts = if second == 60 { parts.after_leap_second()? } else { parts };
    parts.has_form().then_some(parts)
}

/// `2024-02-29`
pub(super) fn date(text: &str) -> Option<DateParts> {
    full_date(text.as_bytes().try_into().ok()?)
}

fn full_date(text: &[u8; 10]) -> Option<DateParts> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return None;
    };
    let year = u16::from(two_digits(y0, y1)?) * 100 + u16::from(two_digits(y2, y3)?);
    let date = DateParts { year, month: two_digits(m0, m1)?, day: two_digits(d0, d1)? };
    date.exists().then_some(date)
}

/// `T23:59:59`: hour, minute and second, which may be 60.
fn time(text: &[u8; 9]) -> Option<[u8; 3]> {
    let &[b'T' | b't', h0, h1, b':', m0, m1, b':', s0, s1] = text else {
        return None;
    };
    let (hour, minute) = hour_and_minute([h0, h1, m0, m1])?;
    let second = two_digits(s0, s1).filter(|second| *second <= 60)?;
    Some([hour, minute, second])
}

/// `.123`, if it is there, as nanoseconds, and what follows.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let (digits, rest) = text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count());
    if digits.is_empty() {
        return None;
    }
    let mut nanoseconds = 0;
    for place in 0..9 {
        nanoseconds = nanoseconds * 10 + digits.get(place).map_or(0, |digit| u32::from(digit - b'0'));
    }
    Some((nanoseconds, rest))
}

/// `Z` or `+05:30`, in minutes.
fn offset(text: &[u8]) -> Option<i16> {
    let &[sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] = text else {
        return matches!(text, b"Z" | b"z").then_some(0);
    };
    let (hour, minute) = hour_and_minute([h0, h1, m0, m1])?;
    let minutes = i16::from(hour) * 60 + i16::from(minute);
    Some(if sign == b'-' { -minutes } else { minutes })
}

fn hour_and_minute([h0, h1, m0, m1]: [u8; 4]) -> Option<(u8, u8)> {
    let hour = two_digits(h0, h1).filter(|hour| *hour < 24)?;
    let minute = two_digits(m0, m1).filter(|minute| *minute < 60)?;
    Some((hour, minute))
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}
