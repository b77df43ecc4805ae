//! Dates and times, read and written by RFC 3339 to the letter: date crates are lax, each somewhere else. So texts are taken apart
//! and put together here, and what a crate's types have to do with it is their parts.
//!
//! A `date-time` is as in section 5.6: `t` and `z` may be lower case, and the offset is kept. Up to nine digits of a second's
//! fraction are kept, more are cut off. A leap second is read as the second after it, as POSIX counts, and only where it can be: at
//! 23:59:60 UTC. A time whose UTC is beyond the year 9999 is refused. It is written with its offset, `Z` for UTC, and as many digits
//! of the second's fraction as it has.
//!
//! A `date` is the full-date of the same section.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
mod parts;
mod scan;
mod time;
mod write;

#[cfg(feature = "jiff")]
pub use self::jiff::JiffDateTime;

use serde::ser::Error;
use serde::{Deserializer, Serialize, Serializer};

use self::parts::{DateParts, DateTimeParts};
use super::encoder::Plain;
use super::{Invalid, Reader, text};

/// `format: date-time`
pub(super) fn is_date_time(text: &str) -> bool {
    scan::date_time(text).is_some()
}

/// `format: date`
pub(super) fn is_date(text: &str) -> bool {
    scan::date(text).is_some()
}

fn read_date_time<'de, D: Deserializer<'de>, T>(
    json: D,
    reader: &Reader,
    make: impl FnOnce(DateTimeParts) -> Option<T>,
) -> Result<T, D::Error> {
    text::read(json, reader, |text| {
        scan::date_time(text).and_then(make).ok_or(Invalid::new("is not an RFC 3339 date-time"))
    })
}

fn read_date<'de, D: Deserializer<'de>, T>(
    json: D,
    reader: &Reader,
    make: impl FnOnce(DateParts) -> Option<T>,
) -> Result<T, D::Error> {
    text::read(json, reader, |text| scan::date(text).and_then(make).ok_or(Invalid::new("is not an RFC 3339 full-date")))
}

const NO_YEAR: &str = "a year before 0 or after 9999 has no form in RFC 3339";

/// `parts` are none where a number is too big or too small for them.
fn write_date_time<S: Serializer>(parts: Option<DateTimeParts>, to: S) -> Result<S::Ok, S::Error> {
    let text = parts.and_then(write::date_time).ok_or_else(|| S::Error::custom(NO_YEAR))?;
    Plain(text.as_str()).serialize(to)
}

fn write_date<S: Serializer>(parts: Option<DateParts>, to: S) -> Result<S::Ok, S::Error> {
    let text = parts.and_then(write::date).ok_or_else(|| S::Error::custom(NO_YEAR))?;
    Plain(text.as_str()).serialize(to)
}

/// What `format: date-time` and `format: date` mean for a crate's types, by the functions `date_time`, `parts`, `date` and
/// `date_parts` beside them.
macro_rules! read_and_write {
    ($date_time:ty, $date:ty) => {
        /// `format: date-time`, RFC 3339 section 5.6.
        ///
        /// The offset is kept, and nine digits of a second's fraction. A leap second is read as the second after it.
        impl $crate::payload::Read for $date_time {
            fn read<'de, D: serde::Deserializer<'de>>(
                json: D,
                reader: &$crate::payload::Reader,
            ) -> Result<Self, D::Error> {
                super::read_date_time(json, reader, date_time)
            }
        }

        /// With its offset, `Z` for UTC, and as many digits of the second's fraction as it has.
        impl $crate::payload::Write for $date_time {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                super::write_date_time(parts(*self), to)
            }
        }

        /// `format: date`, the full-date of RFC 3339 section 5.6.
        impl $crate::payload::Read for $date {
            fn read<'de, D: serde::Deserializer<'de>>(
                json: D,
                reader: &$crate::payload::Reader,
            ) -> Result<Self, D::Error> {
                super::read_date(json, reader, date)
            }
        }

        impl $crate::payload::Write for $date {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                super::write_date(date_parts(*self), to)
            }
        }
    };
}
use read_and_write;
