//! Dates and times, as text that is read: so all crates' types get the same.

use uuid::Uuid;

use super::objects::again;
use super::{Rejected, Sample, Source};
use crate::payload::Read;

/// `2024-02-29`
pub(super) fn date(source: &mut Source<'_>) -> Result<String, Rejected> {
    const EDGES: [&str; 7] =
        ["1970-01-01", "2000-02-29", "2024-02-29", "2023-12-31", "9999-12-31", "0001-01-01", "0000-01-01"];

    if source.below(3) == 2 {
        return source.pick(&EDGES).map(str::to_owned);
    }
    let year = match source.below(4) {
        3 => source.below(10_000),
        _ => 1970 + source.below(80),
    };
    Ok(format!("{year:04}-{:02}-{:02}", 1 + source.below(12), 1 + source.below(28)))
}

/// `23:59:59.123+05:30`
pub(super) fn time(source: &mut Source<'_>) -> Result<String, Rejected> {
    const EDGES: [&str; 2] = ["00:00:00", "23:59:59"];

    let clock = match source.below(3) {
        0 => source.pick(&EDGES)?.to_owned(),
        _ => format!("{:02}:{:02}:{:02}", source.below(24), source.below(60), source.below(60)),
    };
    let fraction = match source.below(4) {
        0 | 1 => String::new(),
        2 => format!(".{:03}", source.below(1000)),
        _ => format!(".{:09}", source.below(1_000_000_000)),
    };
    let offset = match source.below(4) {
        0 | 1 => "Z".to_owned(),
        2 => source.pick(&["+05:30", "-08:00", "+14:00", "-00:01", "+23:59", "-23:59"])?.to_owned(),
        _ => format!("{}{:02}:{:02}", source.pick(&['+', '-'])?, source.below(15), source.below(60)),
    };
    Ok(format!("{clock}{fraction}{offset}"))
}

/// `2024-02-29T23:59:59.123+05:30`
pub(super) fn date_time(source: &mut Source<'_>) -> Result<String, Rejected> {
    Ok(format!("{}T{}", date(source)?, time(source)?))
}

/// A value of its text. A time just before the year 10000 may have a UTC beyond it.
fn read<T: Read>(
    text: fn(&mut Source<'_>) -> Result<String, Rejected>,
    source: &mut Source<'_>,
) -> Result<T, Rejected> {
    source.retry::<T, T>(|source| again(&text(source)?))
}

macro_rules! read_from {
    ($($text:ident: $type:ty),+) => {
        $(impl Sample for $type {
            fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
                read($text, source)
            }
        })+
    };
}

read_from!(date_time: time::OffsetDateTime, date: time::Date, uuid: Uuid);
#[cfg(feature = "chrono")]
read_from!(date_time: chrono::DateTime<chrono::FixedOffset>, date: chrono::NaiveDate);
#[cfg(feature = "jiff")]
read_from!(date: jiff::civil::Date);
#[cfg(feature = "jiff")]
crate::__arbitrary!(crate::payload::JiffDateTime, |source| read(date_time, source));

/// A UUID of any version, or of none.
pub(super) fn uuid(source: &mut Source<'_>) -> Result<String, Rejected> {
    let bits = u128::from(source.bits()) << 64 | u128::from(source.bits());
    let version = [4, 7, 1, 5][source.index(4)];
    let uuid = match source.below(8) {
        7 => source.pick(&[Uuid::nil(), Uuid::max()])?,
        _ => uuid::Builder::from_u128(bits).with_version(version_of(version)).into_uuid(),
    };
    Ok(uuid.to_string())
}

fn version_of(number: u8) -> uuid::Version {
    match number {
        1 => uuid::Version::Mac,
        5 => uuid::Version::Sha1,
        7 => uuid::Version::SortRand,
        _ => uuid::Version::Random,
    }
}
