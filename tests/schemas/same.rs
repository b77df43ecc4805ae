//! When two JSON documents say the same.

use serde_json::Value;

/// Equal as JSON: numbers by value (Core section 4.2.2), times as the same nanosecond, UUIDs whatever the case of their digits (RFC
/// 9562 section 4).
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(_), Value::Number(_)) => match (whole(one), whole(other)) {
            (Some(a), Some(b)) => a == b,
            _ => one == other,
        },
        (Value::String(a), Value::String(b)) => a == b || same_instant(a, b) || same_uuid(a, b),
        _ => one == other,
    }
}

fn whole(number: &Value) -> Option<i128> {
    const EXACT: f64 = i128::MAX as f64;
    let float =
        || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT).map(|float| float as i128);
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    integer.or_else(float)
}

fn same_uuid(one: &str, other: &str) -> bool {
    one.len() == 36 && one.eq_ignore_ascii_case(other) && one.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn same_instant(one: &str, other: &str) -> bool {
    instant(one).is_some_and(|at| Some(at) == instant(other))
}

/// Nanoseconds since 0000-03-01 of a valid RFC 3339 date-time, worked out here so that the reader under test is not its own judge.
fn instant(text: &str) -> Option<i128> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i128>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);

    let rest = text.get(19..)?;
    let offset_at = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, offset) = rest.split_at(offset_at);
    let digits = fraction.trim_start_matches('.');
    let nanoseconds: i128 = format!("{digits:0<9}").get(..9)?.parse().ok()?;

    let offset_minutes = match offset.split_once(':') {
        Some((hours, minutes)) => {
            let minutes: i128 = minutes.parse().ok()?;
            let hours: i128 = hours.get(1..)?.parse().ok()?;
            (hours * 60 + minutes) * if offset.starts_with('-') { -1 } else { 1 }
        }
        None => 0,
    };
    let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1_000_000_000 + nanoseconds)
}

/// Days since 0000-03-01. Years begin in March here, so that the leap day is the last.
fn days(year: i128, month: i128, day: i128) -> i128 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1
}
