//! Times as operators write and read them.

use std::time::Duration;

use eventwright::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in RFC 3339, or an age: `90s`, `15m`, `24h`, `7d`.
pub(crate) fn parse(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    age(text)
        .ok()
        .and_then(|age| OffsetDateTime::now_utc().checked_sub(age.try_into().ok()?))
        .ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z, or an age such as 90s, 15m, 24h or 7d".to_owned())
}

/// An age: `90s`, `15m`, `24h`, `7d`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let parse = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 24 * 3600,
            _ => return None,
        };
        Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
    };
    parse().ok_or_else(|| "expected a time such as 90s, 15m, 24h or 7d".to_owned())
}

/// RFC 3339, as JSON has it.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    // years before 0 and after 9999 have no such form; then as it is
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// To the second, in UTC, as a table has room for.
pub(crate) fn brief(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02}Z", time.date(), time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::{OffsetDateTime, brief, parse, rfc3339};

    #[test]
    fn a_time_is_rfc_3339_or_an_age() {
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Ok(OffsetDateTime::UNIX_EPOCH));
        let then = parse("2h").unwrap();
        let ago = OffsetDateTime::now_utc() - then;
        assert_eq!(ago.whole_minutes(), 120);
        for wrong in ["", "h", "yesterday", "2w", "-1h", "99999999999999999999d", "9999999999999999d", "5€"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(rfc3339(OffsetDateTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
        assert_eq!(brief(parse("2026-01-31T01:02:03.9+01:00").unwrap()), "2026-01-31 00:02:03Z");
    }
}
