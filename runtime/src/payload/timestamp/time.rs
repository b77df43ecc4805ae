//! The types of the crate `time`.

use serde::{Deserializer, Serializer};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::parts::{DateParts, DateTimeParts};
use crate::payload::{Read, Reader, Write};

/// `format: date-time`, RFC 3339 section 5.6.
///
/// The offset is kept, and nine digits of a second's fraction. A leap second is read as the second after it.
impl Read for OffsetDateTime {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        super::read_date_time(json, reader, date_time)
    }
}

/// With its offset, `Z` for UTC, and as many digits of the second's fraction as it has.
impl Write for OffsetDateTime {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        super::write_date_time(parts(*self), to)
    }
}

/// `format: date`, the full-date of RFC 3339 section 5.6.
impl Read for Date {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        super::read_date(json, reader, date)
    }
}

impl Write for Date {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        super::write_date(date_parts(*self), to)
    }
}

fn date_time(parts: DateTimeParts) -> Option<OffsetDateTime> {
    let time = Time::from_hms_nano(parts.hour, parts.minute, parts.second, parts.nanosecond).ok()?;
    let offset = UtcOffset::from_whole_seconds(i32::from(parts.offset_minutes) * 60).ok()?;
    Some(OffsetDateTime::new_in_offset(date(parts.date)?, time, offset))
}

fn date(parts: DateParts) -> Option<Date> {
    Date::from_calendar_date(parts.year.into(), Month::try_from(parts.month).ok()?, parts.day).ok()
}

fn parts(at: OffsetDateTime) -> Option<DateTimeParts> {
    // RFC 3339 has offsets of whole minutes only; the instant stays the same
    let minutes = at.offset().whole_minutes();
    let at = at.checked_to_offset(UtcOffset::from_whole_seconds(i32::from(minutes) * 60).ok()?)?;
    Some(DateTimeParts {
        date: date_parts(at.date())?,
        hour: at.hour(),
        minute: at.minute(),
        second: at.second(),
        nanosecond: at.nanosecond(),
        offset_minutes: minutes,
    })
}

fn date_parts(date: Date) -> Option<DateParts> {
    Some(DateParts { year: date.year().try_into().ok()?, month: date.month().into(), day: date.day() })
}
