//! Dates and times, by RFC 3339 to the letter, whichever crate's types they are.

use std::fmt::Debug;

use eventwright::chrono::{self, FixedOffset, NaiveDate};
use eventwright::jiff::{self, SignedDuration, Timestamp};
use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{Date, JiffDateTime, OffsetDateTime, Reading};
use proptest::prelude::*;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::macros::{date, datetime};
use time::{Duration, UtcOffset};

/// The types that a crate has for the two formats.
trait Library {
    type DateTime: Read + Write + Debug + PartialEq + Copy;
    type Date: Read + Write + Debug;

    /// The instant, in nanoseconds since 1970 in UTC, and the offset in seconds.
    fn told(at: Self::DateTime) -> (i128, i32);
    /// What [`told`](Library::told) tells, made a time.
    fn at(nanoseconds: i128, offset: i32) -> Option<Self::DateTime>;
}

struct InTime;
struct InChrono;
struct InJiff;

impl Library for InTime {
    type DateTime = OffsetDateTime;
    type Date = Date;

    fn told(at: OffsetDateTime) -> (i128, i32) {
        (at.unix_timestamp_nanos(), at.offset().whole_seconds())
    }

    fn at(nanoseconds: i128, offset: i32) -> Option<OffsetDateTime> {
        let utc = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?;
        utc.checked_to_offset(UtcOffset::from_whole_seconds(offset).ok()?)
    }
}

impl Library for InChrono {
    type DateTime = chrono::DateTime<FixedOffset>;
    type Date = NaiveDate;

    fn told(at: Self::DateTime) -> (i128, i32) {
        let nanoseconds = i128::from(at.timestamp()) * SECOND + i128::from(at.timestamp_subsec_nanos());
        (nanoseconds, at.offset().local_minus_utc())
    }

    fn at(nanoseconds: i128, offset: i32) -> Option<Self::DateTime> {
        let (seconds, rest) = seconds_and_rest(nanoseconds);
        let utc = chrono::DateTime::from_timestamp(seconds, rest)?;
        Some(utc.with_timezone(&FixedOffset::east_opt(offset)?))
    }
}

impl Library for InJiff {
    type DateTime = JiffDateTime;
    type Date = jiff::civil::Date;

    fn told(at: JiffDateTime) -> (i128, i32) {
        let local = at.local().duration_since(EPOCH).as_nanos();
        (local - i128::from(at.offset().seconds()) * SECOND, at.offset().seconds())
    }

    fn at(nanoseconds: i128, offset: i32) -> Option<JiffDateTime> {
        let (seconds, rest) = seconds_and_rest(nanoseconds + i128::from(offset) * SECOND);
        let local = EPOCH.checked_add(SignedDuration::new(seconds, rest as i32)).ok()?;
        Some(JiffDateTime::new(local, jiff::tz::Offset::from_seconds(offset).ok()?))
    }
}

const SECOND: i128 = 1_000_000_000;
const EPOCH: jiff::civil::DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

fn seconds_and_rest(nanoseconds: i128) -> (i64, u32) {
    ((nanoseconds.div_euclid(SECOND)) as i64, nanoseconds.rem_euclid(SECOND) as u32)
}

fn read<L: Library>(text: &str) -> Option<L::DateTime> {
    decode(json!(text).to_string().as_bytes(), Reading::Strict).ok()
}

fn write<T: Write>(value: &T) -> String {
    serde_json::from_str(&encode(value).unwrap()).unwrap()
}

fn is_date_time(text: &str) -> bool {
    let schema = jsonschema::options().should_validate_formats(true).build(&json!({ "format": "date-time" })).unwrap();
    schema.is_valid(&json!(text))
}

/// Runs each test for all libraries.
macro_rules! with_all {
    ($($test:ident)*) => {
        mod all {
            $(
                #[test]
                fn $test() {
                    super::$test::<super::InTime>();
                    super::$test::<super::InChrono>();
                    super::$test::<super::InJiff>();
                }
            )*
        }
    };
}

with_all! {
    times_keep_offset_and_digits
    a_leap_second_is_the_second_after_it
    what_no_date_crate_would_survive_is_refused
    other_forms_are_refused
    dates_are_full_dates
    what_has_no_form_is_not_written
    seconds_of_an_offset_go_and_the_instant_stays
}

fn times_keep_offset_and_digits<L: Library>() {
    for text in [
        "2024-02-29T23:59:59Z",
        "2024-02-29T23:59:59.1Z",
        "2024-02-29T23:59:59.000000001+05:30",
        "0000-01-01T00:00:00-00:01",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59.999999999+23:59",
        "2024-01-01T00:00:00-23:59",
    ] {
        assert_eq!(write(&read::<L>(text).unwrap()), text);
    }
    for (text, written) in [
        ("2024-02-29t23:59:59z", "2024-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59.120000Z", "2024-02-29T23:59:59.12Z"),
        ("2024-02-29T23:59:59.1234567899Z", "2024-02-29T23:59:59.123456789Z"),
        ("2024-02-29T23:59:59+00:00", "2024-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59-00:00", "2024-02-29T23:59:59Z"),
    ] {
        assert_eq!(write(&read::<L>(text).unwrap()), written);
    }
}

fn a_leap_second_is_the_second_after_it<L: Library>() {
    for (text, written) in [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.25Z"),
        ("2017-01-01T05:29:60+05:30", "2017-01-01T05:30:00+05:30"),
        ("2016-12-31T15:59:60-08:00", "2016-12-31T16:00:00-08:00"),
        ("2016-12-31T19:29:60-04:30", "2016-12-31T19:30:00-04:30"),
        ("2016-02-28T23:59:60Z", "2016-02-29T00:00:00Z"),
        ("2100-02-28T23:59:60Z", "2100-03-01T00:00:00Z"),
        ("2017-06-30T23:59:60Z", "2017-07-01T00:00:00Z"),
    ] {
        assert_eq!(write(&read::<L>(text).unwrap()), written);
    }
    for text in ["2016-12-31T23:58:60Z", "2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:61Z"] {
        assert_eq!(read::<L>(text), None, "{text}");
        assert!(!is_date_time(text));
    }
}

fn what_no_date_crate_would_survive_is_refused<L: Library>() {
    for text in [
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T00:01:00-23:59",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:60+00:00",
        "9999-12-31T23:58:60-00:01",
    ] {
        assert_eq!(read::<L>(text), None, "{text}");
    }
    assert!(read::<L>("9999-12-31T00:00:59-23:59").is_some());
}

fn other_forms_are_refused<L: Library>() {
    for text in [
        "",
        "2024-02-29",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00Z",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+00:60",
        "2024-01-01T00:00:00+0000",
        "2024-01-01T00:00:00+00",
        "2024-01-01T00:00:00ZZ",
        "+2024-01-01T00:00:00Z",
        "20240-01-01T00:00:00Z",
        "2024-1-1T00:00:00Z",
        "２024-01-01T00:00:00Z",
        "2024-01-01T00:00:00é",
    ] {
        assert_eq!(read::<L>(text), None, "{text}");
        assert!(!is_date_time(text), "{text}");
    }
    let error = decode::<L::DateTime>(b"\"now\"", Reading::Strict).unwrap_err();
    assert_eq!(error.to_string(), "document: \"now\" is not an RFC 3339 date-time");
    let error = decode::<L::Date>(b"\"now\"", Reading::Strict).unwrap_err();
    assert_eq!(error.to_string(), "document: \"now\" is not an RFC 3339 full-date");
}

fn dates_are_full_dates<L: Library>() {
    for text in ["1815-12-10", "0001-02-03", "0000-01-01", "9999-12-31", "2000-02-29"] {
        let date: L::Date = decode(json!(text).to_string().as_bytes(), Reading::Strict).unwrap();
        assert_eq!(write(&date), text);
    }
    for text in ["1815-12-1", "1815-12-100", "1815-13-10", "15-12-10", "1815-12-10Z", "1815/12/10", "1900-02-29"] {
        assert!(decode::<L::Date>(json!(text).to_string().as_bytes(), Reading::Strict).is_err(), "{text}");
    }
}

fn what_has_no_form_is_not_written<L: Library>() {
    let year_0 = InTime::told(datetime!(0000-01-01 00:00 UTC)).0;
    let error = encode(&L::at(year_0 - 1, 0).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "a year before 0 or after 9999 has no form in RFC 3339");
    assert!(encode(&L::at(year_0, 0).unwrap()).is_ok());
}

fn seconds_of_an_offset_go_and_the_instant_stays<L: Library>() {
    let noon = InTime::told(datetime!(2024-02-29 12:00 UTC)).0;
    for offset in [3723, -3723, -59, 59] {
        let at = L::at(noon, offset).unwrap();
        let back = read::<L>(&write(&at)).unwrap();
        assert_eq!((back, L::told(back)), (at, (noon, offset / 60 * 60)));
    }
}

#[test]
fn what_only_some_crates_can_say_is_not_written() {
    assert!(encode(&date!(-1 - 01 - 01)).is_err());
    assert!(encode(&NaiveDate::MAX).is_err());
    assert!(encode(&jiff::civil::Date::MIN).is_err());
    assert!(encode(&chrono::DateTime::<chrono::Utc>::MAX_UTC.fixed_offset()).is_err());
    assert!(
        encode(&chrono::DateTime::<chrono::Utc>::MIN_UTC.with_timezone(&FixedOffset::west_opt(60).unwrap())).is_err()
    );
    // of UTC's year 10000, which nobody would read
    let last = jiff::civil::DateTime::MAX;
    assert!(encode(&JiffDateTime::new(last, jiff::tz::offset(-1))).is_err());
    assert!(encode(&JiffDateTime::new(last, jiff::tz::offset(24))).is_err());
    assert!(encode(&JiffDateTime::new(last, jiff::tz::offset(23))).is_ok());
    assert!(encode(&JiffDateTime::new(jiff::civil::DateTime::MIN, jiff::tz::Offset::MAX)).is_err());
}

#[test]
fn a_leap_second_of_chrono_is_written_as_the_second_after_it() {
    let leap = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap().and_hms_nano_opt(23, 59, 59, 1_250_000_000).unwrap();
    assert_eq!(write(&leap.and_utc().fixed_offset()), "2017-01-01T00:00:00.25Z");
}

#[test]
fn jiffs_own_times_go_in_and_come_out() {
    let at: Timestamp = "2024-02-29T12:00:00.5Z".parse().unwrap();
    assert_eq!(JiffDateTime::from(at).to_timestamp().unwrap(), at);
    let zoned = at.to_zoned_datetime(jiff::tz::TimeZone::fixed(jiff::tz::offset(-5)));
    let ours = JiffDateTime::from(&zoned);
    assert_eq!(format!("{ours:?}"), "2024-02-29T07:00:00.5-05");
    assert_eq!(ours.to_zoned_datetime().unwrap(), zoned);
    assert_eq!(ours, JiffDateTime::from(at));
    for end in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(Timestamp::try_from(JiffDateTime::from(end)).unwrap(), end);
    }
    let (first, last) = (jiff::civil::DateTime::MIN, jiff::civil::DateTime::MAX);
    let beyond = JiffDateTime::new(last, jiff::tz::Offset::MIN);
    assert!(beyond > JiffDateTime::new(first, jiff::tz::Offset::MAX));
    assert!(beyond.to_timestamp().is_err());
}

proptest! {
    #[test]
    fn every_time_survives_its_text(
        seconds in -62_167_132_800_i64..=253_402_214_400,
        nanosecond in prop_oneof![Just(0), Just(500_000_000), 0..1_000_000_000_i64],
        offset_minutes in -1439..=1439_i32,
    ) {
        let utc = OffsetDateTime::from_unix_timestamp(seconds).unwrap() + Duration::nanoseconds(nanosecond);
        let at = utc.to_offset(UtcOffset::from_whole_seconds(offset_minutes * 60).unwrap());
        let text = write(&at);
        prop_assert!(is_date_time(&text), "{}", text);
        prop_assert_eq!(OffsetDateTime::parse(&text, &Rfc3339).unwrap(), at);

        let told = InTime::told(at);
        prop_assert_eq!(InTime::told(read::<InTime>(&text).unwrap()), told);
        prop_assert_eq!(InChrono::told(read::<InChrono>(&text).unwrap()), told);
        prop_assert_eq!(InJiff::told(read::<InJiff>(&text).unwrap()), told);
        prop_assert_eq!(&write(&InChrono::at(told.0, told.1).unwrap()), &text);
        prop_assert_eq!(&write(&InJiff::at(told.0, told.1).unwrap()), &text);
    }

    #[test]
    fn all_libraries_are_of_one_mind(
        text in "(0000|[0-9]{4}|20[0-9]{2}|9999)-(12|[01][0-9])-(28|31|[0-3][0-9])[Tt](23|[0-2][0-9]):(59|[0-6][0-9]):(60|[0-5][0-9])(\\.[0-9]{0,11})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9])",
    ) {
        let time = read::<InTime>(&text);
        let chrono = read::<InChrono>(&text);
        let jiff = read::<InJiff>(&text);
        prop_assert_eq!(chrono.map(InChrono::told), time.map(InTime::told), "{}", text);
        prop_assert_eq!(jiff.map(InJiff::told), time.map(InTime::told), "{}", text);
        if let (Some(time), Some(chrono), Some(jiff)) = (time, chrono, jiff) {
            let written = write(&time);
            prop_assert_eq!(&write(&chrono), &written);
            prop_assert_eq!(&write(&jiff), &written);
        }
    }

    #[test]
    fn all_libraries_have_one_calendar(text in "([0-9]{4}|[0-9]{2}00)-[01][0-9]-(28|29|[0-3][0-9])") {
        let json = json!(text).to_string();
        let date = decode::<Date>(json.as_bytes(), Reading::Strict).ok().map(|date| write(&date));
        let chrono = decode::<NaiveDate>(json.as_bytes(), Reading::Strict).ok().map(|date| write(&date));
        let jiff = decode::<jiff::civil::Date>(json.as_bytes(), Reading::Strict).ok().map(|date| write(&date));
        prop_assert_eq!(date.is_some(), text.parse::<jiff::civil::Date>().is_ok(), "{}", text);
        prop_assert!(date.as_ref().is_none_or(|date| *date == text));
        prop_assert_eq!((&chrono, &jiff), (&date, &date), "{}", text);
    }

    /// Where nothing but digits changes, the `time` crate is as strict; only of leap seconds does it think otherwise.
    #[test]
    fn digits_are_judged_as_by_the_time_crate(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])",
    ) {
        let theirs = OffsetDateTime::parse(&text, &Rfc3339).ok().filter(|at| at.checked_to_offset(UtcOffset::UTC).is_some());
        prop_assert_eq!(read::<InTime>(&text), theirs, "{}", text);
    }

    #[test]
    fn near_misses_are_judged_as_by_json_schema(
        text in "20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:(60|[0-5][0-9])(\\.[0-9]{0,11})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|)",
    ) {
        prop_assert_eq!(read::<InTime>(&text).is_some(), is_date_time(&text), "{}", text);
    }
}
