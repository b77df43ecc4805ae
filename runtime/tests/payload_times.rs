//! Dates and times, by RFC 3339 to the letter.

use eventwright::payload::{decode, encode};
use eventwright::{Date, OffsetDateTime, Reading};
use proptest::prelude::*;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::macros::{date, datetime};
use time::{Duration, UtcOffset};

fn read(text: &str) -> Option<OffsetDateTime> {
    decode(json!(text).to_string().as_bytes(), Reading::Strict).ok()
}

fn write(at: OffsetDateTime) -> String {
    serde_json::from_str(&encode(&at).unwrap()).unwrap()
}

fn is_date_time(text: &str) -> bool {
    let schema = jsonschema::options().should_validate_formats(true).build(&json!({ "format": "date-time" })).unwrap();
    schema.is_valid(&json!(text))
}

#[test]
fn times_keep_offset_and_digits() {
    for text in [
        "2024-02-29T23:59:59Z",
        "2024-02-29T23:59:59.1Z",
        "2024-02-29T23:59:59.000000001+05:30",
        "0000-01-01T00:00:00-00:01",
        "9999-12-31T23:59:59.999999999Z",
        "2024-01-01T00:00:00-23:59",
    ] {
        assert_eq!(write(read(text).unwrap()), text);
    }
    for (text, written) in [
        ("2024-02-29t23:59:59z", "2024-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59.120000Z", "2024-02-29T23:59:59.12Z"),
        ("2024-02-29T23:59:59.1234567899Z", "2024-02-29T23:59:59.123456789Z"),
        ("2024-02-29T23:59:59+00:00", "2024-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59-00:00", "2024-02-29T23:59:59Z"),
    ] {
        assert_eq!(write(read(text).unwrap()), written);
    }
}

#[test]
fn a_leap_second_is_the_second_after_it() {
    for (text, at) in [
        ("2016-12-31T23:59:60Z", datetime!(2017-01-01 00:00:00 UTC)),
        ("2016-12-31T23:59:60.25Z", datetime!(2017-01-01 00:00:00.25 UTC)),
        ("2017-01-01T05:29:60+05:30", datetime!(2017-01-01 00:00:00 UTC)),
        ("2016-12-31T15:59:60-08:00", datetime!(2017-01-01 00:00:00 UTC)),
    ] {
        assert_eq!(read(text), Some(at));
    }
    for text in ["2016-12-31T23:58:60Z", "2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:61Z"] {
        assert_eq!(read(text), None, "{text}");
        assert!(!is_date_time(text));
    }
}

#[test]
fn what_no_date_crate_would_survive_is_refused() {
    for text in ["9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", "9999-12-31T23:59:60+00:00"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn other_forms_are_refused() {
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
        assert_eq!(read(text), None, "{text}");
        assert!(!is_date_time(text), "{text}");
    }
    let error = decode::<OffsetDateTime>(b"\"now\"", Reading::Strict).unwrap_err();
    assert_eq!(error.to_string(), "document: \"now\" is not an RFC 3339 date-time");
}

#[test]
fn dates_are_full_dates() {
    assert_eq!(decode::<Date>(b"\"1815-12-10\"", Reading::Strict).unwrap(), date!(1815 - 12 - 10));
    assert_eq!(encode(&date!(0001 - 02 - 03)).unwrap(), "\"0001-02-03\"");
    for text in ["1815-12-1", "1815-12-100", "1815-13-10", "15-12-10", "1815-12-10Z", "1815/12/10", "1900-02-29"] {
        assert!(decode::<Date>(json!(text).to_string().as_bytes(), Reading::Strict).is_err(), "{text}");
    }
}

#[test]
fn what_has_no_form_is_not_written() {
    let error = encode(&datetime!(-0001-01-01 00:00 UTC)).unwrap_err();
    assert_eq!(error.to_string(), "a year before 0 or after 9999 has no form in RFC 3339");
    assert!(encode(&date!(-1 - 01 - 01)).is_err());
}

#[test]
fn seconds_of_an_offset_go_and_the_instant_stays() {
    for offset in [UtcOffset::from_hms(1, 2, 3), UtcOffset::from_hms(-1, -2, -3), UtcOffset::from_hms(0, 0, -59)] {
        let at = datetime!(2024-02-29 12:00 UTC).to_offset(offset.unwrap());
        assert_eq!(read(&write(at)), Some(at));
    }
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
        let text = write(at);
        prop_assert!(is_date_time(&text), "{}", text);
        let read = read(&text).unwrap();
        prop_assert_eq!((read, read.offset()), (at, at.offset()));
        prop_assert_eq!(OffsetDateTime::parse(&text, &Rfc3339).unwrap(), at);
    }

    /// Where nothing but digits changes, the `time` crate is as strict; only of leap seconds does it think otherwise.
    #[test]
    fn digits_are_judged_as_by_the_time_crate(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])",
    ) {
        let theirs = OffsetDateTime::parse(&text, &Rfc3339).ok().filter(|at| at.checked_to_offset(UtcOffset::UTC).is_some());
        prop_assert_eq!(read(&text), theirs, "{}", text);
    }

    #[test]
    fn near_misses_are_judged_as_by_json_schema(
        text in "20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:(60|[0-5][0-9])(\\.[0-9]{0,11})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|)",
    ) {
        prop_assert_eq!(read(&text).is_some(), is_date_time(&text), "{}", text);
    }
}
