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
    let mut scan = Scan { rest: text.as_bytes() };
    let date = scan.date()?;
    scan.one_of(b"Tt")?;
    let (time, is_leap_second) = scan.time()?;
    let offset = scan.offset()?;
    scan.end()?;

    let at = OffsetDateTime::new_in_offset(date, time, offset);
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
    let mut scan = Scan { rest: text.as_bytes() };
    let date = scan.date()?;
    scan.end()?;
    Some(date)
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        bytes.contains(&first).then_some(first)
    }

    fn digits(&mut self, count: usize) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))
    }

    fn two_digits(&mut self) -> Option<u8> {
        self.digits(2)?.try_into().ok()
    }

    fn date(&mut self) -> Option<Date> {
        let year = self.digits(4)?;
        self.one_of(b"-")?;
        let month = self.two_digits()?;
        self.one_of(b"-")?;
        let day = self.two_digits()?;
        Date::from_calendar_date(year.into(), Month::try_from(month).ok()?, day).ok()
    }

    /// A time, and whether it stands for the leap second after it.
    fn time(&mut self) -> Option<(Time, bool)> {
        let hour = self.two_digits()?;
        self.one_of(b":")?;
        let minute = self.two_digits()?;
        self.one_of(b":")?;
        let second = self.two_digits()?;
        let nanosecond = self.fraction()?;
        let is_leap_second = second == 60;
        let second = if is_leap_second { 59 } else { second };
        Some((Time::from_hms_nano(hour, minute, second, nanosecond).ok()?, is_leap_second))
    }

    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.rest.strip_prefix(b".") else {
            return Some(0);
        };
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let (digits, rest) = rest.split_at(count);
        self.rest = rest;
        let mut nanoseconds = 0;
        for place in 0..9 {
            nanoseconds = nanoseconds * 10 + digits.get(place).map_or(0, |digit| u32::from(digit - b'0'));
        }
        Some(nanoseconds)
    }

    fn offset(&mut self) -> Option<UtcOffset> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(UtcOffset::UTC),
        };
        let hour = self.two_digits().filter(|hour| *hour < 24)? as i8;
        self.one_of(b":")?;
        let minute = self.two_digits().filter(|minute| *minute < 60)? as i8;
        UtcOffset::from_hms(sign * hour, sign * minute, 0).ok()
    }
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

    fn number(&mut self, number: u32, digits: u32) {
        for place in (0..digits).rev() {
            self.push(b'0' + (number / 10_u32.pow(place) % 10) as u8);
        }
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
