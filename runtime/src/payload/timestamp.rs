//! Dates and times, read and written by RFC 3339 to the letter: date crates are lax, each somewhere else.

use serde::ser::Error as _;
use serde::{Deserializer, Serializer};
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};

use super::{Invalid, Read, Reader, Write, text};

/// `format: date-time`, RFC 3339 section 5.6.
///
/// `t` and `z` may be lower case. The offset is kept. Up to nine digits of a second's fraction are kept, more are cut off. A leap
/// second is read as the second after it, as POSIX counts, and only where it can be: at 23:59:60 UTC. A time
/// whose UTC is beyond the year 9999 is refused.
impl Read for OffsetDateTime {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        text::read(json, reader, |text| parse_date_time(text).ok_or(Invalid::new("is not an RFC 3339 date-time")))
    }
}

/// `format: date`, the full-date of RFC 3339 section 5.6.
impl Read for Date {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        text::read(json, reader, |text| parse_date(text).ok_or(Invalid::new("is not an RFC 3339 full-date")))
    }
}

/// With its offset, `Z` for UTC, and as many digits of the second's fraction as it has.
impl Write for OffsetDateTime {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut out = Text::empty();
        write_date_time(*self, &mut out).ok_or_else(|| S::Error::custom(NO_YEAR))?;
        to.serialize_str(out.as_str())
    }
}

impl Write for Date {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut out = Text::empty();
        write_date(*self, &mut out).ok_or_else(|| S::Error::custom(NO_YEAR))?;
        to.serialize_str(out.as_str())
    }
}

const NO_YEAR: &str = "a year before 0 or after 9999 has no form in RFC 3339";

fn parse_date_time(text: &str) -> Option<OffsetDateTime> {
    let (date, rest) = text.as_bytes().split_first_chunk::<10>()?;
    let (clock, rest) = rest.split_first_chunk::<9>()?;
    let (nanosecond, rest) = fraction(rest)?;
    let (time, is_leap_second) = time(clock, nanosecond)?;
    let at = OffsetDateTime::new_in_offset(self::date(date)?, time, offset(rest)?);

    let utc = at.checked_to_utc()?;
    if !is_leap_second {
        return Some(at);
    }
    if (utc.hour(), utc.minute()) != (23, 59) {
        return None;
    }
    let next = at.checked_add(Duration::SECOND)?;
    next.checked_to_utc().map(|_| next)
}

fn parse_date(text: &str) -> Option<Date> {
    date(text.as_bytes().try_into().ok()?)
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))
}

fn two_digits(first: u8, second: u8) -> Option<u8> {
    number(&[first, second])?.try_into().ok()
}

/// `2024-02-29`
fn date(text: &[u8; 10]) -> Option<Date> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return None;
    };
    let year = number(&[y0, y1, y2, y3])?;
    let month = Month::try_from(two_digits(m0, m1)?).ok()?;
    Date::from_calendar_date(year.into(), month, two_digits(d0, d1)?).ok()
}

/// `T23:59:59`, and whether it stands for the leap second after it.
fn time(text: &[u8; 9], nanosecond: u32) -> Option<(Time, bool)> {
    let &[b'T' | b't', h0, h1, b':', m0, m1, b':', s0, s1] = text else {
        return None;
    };
    let second = two_digits(s0, s1)?;
    let is_leap_second = second == 60;
    let second = if is_leap_second { 59 } else { second };
    let time = Time::from_hms_nano(two_digits(h0, h1)?, two_digits(m0, m1)?, second, nanosecond).ok()?;
    Some((time, is_leap_second))
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

/// `Z` or `+05:30`
fn offset(text: &[u8]) -> Option<UtcOffset> {
    let &[sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] = text else {
        return matches!(text, b"Z" | b"z").then_some(UtcOffset::UTC);
    };
    let hour = two_digits(h0, h1).filter(|hour| *hour < 24)? as i8;
    let minute = two_digits(m0, m1).filter(|minute| *minute < 60)? as i8;
    let sign = if sign == b'-' { -1 } else { 1 };
    UtcOffset::from_hms(sign * hour, sign * minute, 0).ok()
}

/// A date-time being written: `9999-12-31T23:59:59.999999999+23:59` at the longest.
struct Text {
    bytes: [u8; 35],
    len: usize,
}

impl Text {
    fn empty() -> Self {
        Self { bytes: [0; 35], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn number(&mut self, mut number: u32, digits: usize) {
        for place in self.bytes[self.len..][..digits].iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.len += digits;
    }

    fn as_str(&self) -> &str {
        // only ASCII goes in
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

/// None where the year has no form in RFC 3339.
fn write_date(date: Date, out: &mut Text) -> Option<()> {
    let year = u32::try_from(date.year()).ok().filter(|year| *year <= 9999)?;
    out.number(year, 4);
    out.push(b'-');
    out.number(u8::from(date.month()).into(), 2);
    out.push(b'-');
    out.number(date.day().into(), 2);
    Some(())
}

fn write_date_time(at: OffsetDateTime, out: &mut Text) -> Option<()> {
    // RFC 3339 has offsets of whole minutes only; the instant stays the same
    let (hours, minutes, _) = at.offset().as_hms();
    let offset = UtcOffset::from_hms(hours, minutes, 0).ok().filter(|_| hours.abs() < 24)?;
    let at = at.checked_to_offset(offset)?;

    write_date(at.date(), out)?;
    out.push(b'T');
    out.number(at.hour().into(), 2);
    out.push(b':');
    out.number(at.minute().into(), 2);
    out.push(b':');
    out.number(at.second().into(), 2);
    write_fraction(at.nanosecond(), out);
    if offset.is_utc() {
        out.push(b'Z');
        return Some(());
    }
    out.push(if offset.is_negative() { b'-' } else { b'+' });
    out.number(hours.unsigned_abs().into(), 2);
    out.push(b':');
    out.number(minutes.unsigned_abs().into(), 2);
    Some(())
}

fn write_fraction(nanoseconds: u32, out: &mut Text) {
    if nanoseconds == 0 {
        return;
    }
    let (mut fraction, mut digits) = (nanoseconds, 9);
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    out.push(b'.');
    out.number(fraction, digits);
}
