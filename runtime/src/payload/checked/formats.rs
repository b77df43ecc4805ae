//! Formats, so that each means one thing everywhere.

use crate::payload::format;

/// The formats that this crate has rules for.
const NAMES: [&str; 13] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "regex",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

/// The formats by name, with the rules that fields of their types keep.
pub(super) fn ours() -> impl Iterator<Item = (&'static str, fn(&str) -> bool)> {
    NAMES.into_iter().filter_map(|name| Some((name, format::check(name)?)))
}
