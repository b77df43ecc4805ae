//! What `derive(Checked)` asks for: values of the type inside that keep the rules.

use super::mend::mended;
use super::text::valid;
use super::{Rejected, Sample, Source};
use crate::payload::rules::Rules;
use crate::payload::{Invalid, Read, Reader, Reading, Write};

/// A value that keeps rules.
///
/// # Errors
/// Where none was found.
pub fn ruled<T, I>(rules: &Rules, make: fn(I) -> Result<T, Invalid>, source: &mut Source<'_>) -> Result<T, Rejected>
where
    T: 'static,
    I: Sample + Read + Write,
{
    source.within(|source| {
        source.retry::<T, T>(|source| {
            let check = |value: &_| rules.check(value, &Reader::new(Reading::Strict));
            valid(make(mended(&check, source)?))
        })
    })
}

/// A value that a schema allows.
///
/// # Errors
/// Where none was found.
#[cfg(feature = "jsonschema")]
pub fn judged<T, I>(make: fn(I) -> Result<T, Invalid>, source: &mut Source<'_>) -> Result<T, Rejected>
where
    T: 'static,
    I: Sample,
{
    source.within(|source| source.retry::<T, T>(|source| valid(make(I::sample(source)?))))
}

/// A value that only has another name.
///
/// # Errors
/// Where there is none.
pub fn named<T: 'static, I: Sample>(make: fn(I) -> T, source: &mut Source<'_>) -> Result<T, Rejected> {
    source.within(|source| I::sample(source).map(make))
}
