//! The types of the crate `time`.

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::parts::{DateParts, DateTimeParts};

super::read_and_write!(OffsetDateTime, Date);

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
