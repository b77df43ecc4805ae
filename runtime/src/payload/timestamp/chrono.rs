//! The types of the crate `chrono`.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use super::parts::{DateParts, DateTimeParts};

super::read_and_write!(DateTime<FixedOffset>, NaiveDate);

fn date_time(parts: DateTimeParts) -> Option<DateTime<FixedOffset>> {
    let [hour, minute, second] = [parts.hour, parts.minute, parts.second].map(u32::from);
    let local = date(parts.date)?.and_hms_nano_opt(hour, minute, second, parts.nanosecond)?;
    local.and_local_timezone(offset(parts.offset_minutes)?).single()
}

fn date(parts: DateParts) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(parts.year.into(), parts.month.into(), parts.day.into())
}

fn offset(minutes: i16) -> Option<FixedOffset> {
    FixedOffset::east_opt(i32::from(minutes) * 60)
}

fn parts(at: DateTime<FixedOffset>) -> Option<DateTimeParts> {
    // RFC 3339 has offsets of whole minutes only; the instant stays the same
    let offset_minutes = (at.offset().local_minus_utc() / 60).try_into().ok()?;
    let at = after_leap_second(at.naive_utc())?.checked_add_offset(offset(offset_minutes)?)?;
    Some(DateTimeParts {
        date: date_parts(at.date())?,
        hour: at.hour().try_into().ok()?,
        minute: at.minute().try_into().ok()?,
        second: at.second().try_into().ok()?,
        nanosecond: at.nanosecond(),
        offset_minutes,
    })
}

/// Chrono lets any minute have a leap second, as further nanoseconds of the second before: it is written as the second after.
fn after_leap_second(at: NaiveDateTime) -> Option<NaiveDateTime> {
    match at.nanosecond().checked_sub(1_000_000_000) {
        Some(nanosecond) => at.with_nanosecond(nanosecond)?.checked_add_signed(TimeDelta::seconds(1)),
        None => Some(at),
    }
}

fn date_parts(date: NaiveDate) -> Option<DateParts> {
    Some(DateParts {
        year: date.year().try_into().ok()?,
        month: date.month().try_into().ok()?,
        day: date.day().try_into().ok()?,
    })
}
