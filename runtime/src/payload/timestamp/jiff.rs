//! The types of the crate `jiff`, and the one that it lacks.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Error, SignedDuration, Timestamp, ZonedDateTime};

use super::parts::{DateParts, DateTimeParts};

/// A time and its offset from UTC, of jiff's parts: a `format: date-time`.
///
/// It is not jiff's [`ZonedDateTime`] because that ends 26 hours before the year 9999 does, so that any time has a form in any time zone. But
/// `9999-12-31T23:59:59Z` is a date-time as good as any, and what many write for "never".
///
/// A [`ZonedDateTime`] and a [`Timestamp`] go into one and, but for those 26 hours, come out again. Two are equal where they are the same
/// instant.
///
/// ```
/// use eventwright::payload::{decode, encode};
/// use eventwright::{JiffDateTime, Reading, jiff};
///
/// let at: JiffDateTime = decode(br#""2024-02-29T23:59:59.25+05:30""#, Reading::Strict)?;
/// let zoned = at.to_zoned_datetime()?;
/// assert_eq!(zoned.timestamp().to_string(), "2024-02-29T18:29:59.25Z");
/// assert_eq!(encode(&JiffDateTime::from(&zoned))?, r#""2024-02-29T23:59:59.25+05:30""#);
///
/// let never: JiffDateTime = decode(br#""9999-12-31T23:59:59Z""#, Reading::Strict)?;
/// assert!(never > at && never.to_zoned_datetime().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct JiffDateTime {
    local: DateTime,
    offset: Offset,
}

impl JiffDateTime {
    /// The time at which a clock with this offset from UTC shows `local`.
    #[must_use]
    pub const fn new(local: DateTime, offset: Offset) -> Self {
        Self { local, offset }
    }

    /// What a clock with the offset shows.
    #[must_use]
    pub const fn local(self) -> DateTime {
        self.local
    }

    /// The offset from UTC.
    #[must_use]
    pub const fn offset(self) -> Offset {
        self.offset
    }

    /// The time in a time zone that always has the offset.
    ///
    /// # Errors
    /// Where the time is beyond [`Timestamp::MAX`] or before [`Timestamp::MIN`].
    pub fn to_zoned_datetime(self) -> Result<ZonedDateTime, Error> {
        Ok(self.to_timestamp()?.to_zoned_datetime(TimeZone::fixed(self.offset)))
    }

    /// The instant.
    ///
    /// # Errors
    /// Where the time is beyond [`Timestamp::MAX`] or before [`Timestamp::MIN`].
    pub fn to_timestamp(self) -> Result<Timestamp, Error> {
        self.offset.to_timestamp(self.local)
    }

    /// Since the beginning of 1970 in UTC; other than a [`Timestamp`] this has no end.
    fn since_epoch(self) -> SignedDuration {
        const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        self.local.duration_since(EPOCH) - SignedDuration::from_secs(self.offset.seconds().into())
    }
}

/// In UTC.
impl From<Timestamp> for JiffDateTime {
    fn from(at: Timestamp) -> Self {
        Self::new(Offset::UTC.to_datetime(at), Offset::UTC)
    }
}

/// The offset stays, the time zone's name is lost.
impl From<&ZonedDateTime> for JiffDateTime {
    fn from(at: &ZonedDateTime) -> Self {
        Self::new(at.datetime(), at.offset())
    }
}

impl From<ZonedDateTime> for JiffDateTime {
    fn from(at: ZonedDateTime) -> Self {
        Self::from(&at)
    }
}

impl TryFrom<JiffDateTime> for Timestamp {
    type Error = Error;

    fn try_from(at: JiffDateTime) -> Result<Self, Error> {
        at.to_timestamp()
    }
}

impl TryFrom<JiffDateTime> for ZonedDateTime {
    type Error = Error;

    fn try_from(at: JiffDateTime) -> Result<Self, Error> {
        at.to_zoned_datetime()
    }
}

impl PartialEq for JiffDateTime {
    fn eq(&self, other: &Self) -> bool {
        self.since_epoch() == other.since_epoch()
    }
}

impl Eq for JiffDateTime {}

impl PartialOrd for JiffDateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for JiffDateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.since_epoch().cmp(&other.since_epoch())
    }
}

impl Hash for JiffDateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.since_epoch().hash(state);
    }
}

impl fmt::Debug for JiffDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.local, self.offset)
    }
}

super::read_and_write!(JiffDateTime, Date);

fn date_time(parts: DateTimeParts) -> Option<JiffDateTime> {
    // none is above 59
    let [hour, minute, second] = [parts.hour, parts.minute, parts.second].map(|number| number as i8);
    let local = date(parts.date)?.at(hour, minute, second, parts.nanosecond.try_into().ok()?);
    Some(JiffDateTime::new(local, Offset::from_seconds(i32::from(parts.offset_minutes) * 60).ok()?))
}

fn date(parts: DateParts) -> Option<Date> {
    Date::new(parts.year.try_into().ok()?, parts.month.try_into().ok()?, parts.day.try_into().ok()?).ok()
}

fn parts(at: JiffDateTime) -> Option<DateTimeParts> {
    // RFC 3339 has offsets of whole minutes only; the instant stays the same
    let local = match at.offset.seconds() % 60 {
        0 => at.local,
        seconds => at.local.checked_sub(SignedDuration::from_secs(seconds.into())).ok()?,
    };
    Some(DateTimeParts {
        date: date_parts(local.date())?,
        hour: local.hour().try_into().ok()?,
        minute: local.minute().try_into().ok()?,
        second: local.second().try_into().ok()?,
        nanosecond: local.subsec_nanosecond().try_into().ok()?,
        offset_minutes: (at.offset.seconds() / 60).try_into().ok()?,
    })
}

fn date_parts(date: Date) -> Option<DateParts> {
    Some(DateParts {
        year: date.year().try_into().ok()?,
        month: date.month().try_into().ok()?,
        day: date.day().try_into().ok()?,
    })
}
