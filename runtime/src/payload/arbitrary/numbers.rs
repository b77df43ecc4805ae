//! Numbers.

use super::text::valid;
use super::{Rejected, Sample, Source};
use crate::payload::{Int, Integer, Number};

crate::__arbitrary!([const MIN: i64, const MAX: i64] Int<MIN, MAX>, |source| {
    valid(Self::new(integer(MIN, MAX, source)?))
});

impl Sample for i64 {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        integer(i64::MIN, i64::MAX, source)
    }
}

/// A number within bounds: often one of them, else often a small one.
pub(super) fn integer(min: i64, max: i64, source: &mut Source<'_>) -> Result<i64, Rejected> {
    if min > max {
        return Err(Rejected::new());
    }
    let simplest = 0.clamp(min, max);
    let (up, down) = (max.abs_diff(simplest), simplest.abs_diff(min));
    // the first two can be any number, so that any other shrinks to them
    let kind = source.below(8);
    let reach = match kind {
        0 => up,
        1 => down,
        2 => up.min(1000),
        3 => down.min(1000),
        _ => max.abs_diff(min).min(16),
    };
    let distance = source.below(reach.saturating_add(1));
    Ok(match kind {
        0 | 2 => simplest.saturating_add_unsigned(distance),
        1 | 3 => simplest.saturating_sub_unsigned(distance),
        4 => min,
        5 => max,
        6 => min.saturating_add_unsigned(distance),
        _ => max.saturating_sub_unsigned(distance),
    })
}

impl Sample for f64 {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        const EDGES: [f64; 9] = [0.0, 1.0, -1.0, 0.1, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON];

        let number = match source.below(4) {
            0 => source.pick(&EDGES)?,
            1 => integer(-1000, 1000, source)? as f64,
            2 => integer(-1_000_000, 1_000_000, source)? as f64 / 100.0,
            _ => f64::from_bits(source.bits()),
        };
        if number.is_finite() { Ok(number) } else { Ok(0.5) }
    }
}

crate::__arbitrary!(Number, |source| {
    const EDGES: [&str; 8] = ["0", "-0", "0.1", "1.50", "1e400", "-1E-7", "123456789012345678901234567890", "2.0"];

    let text = match source.below(4) {
        0 => source.pick(&EDGES)?.to_owned(),
        1 | 2 => i64::sample(source)?.to_string(),
        _ => format!("{}.{}", integer(-1000, 1000, source)?, source.below(1000)),
    };
    valid(text.parse())
});

crate::__arbitrary!(Integer, |source| {
    const EDGES: [&str; 5] = ["18446744073709551616", "-9223372036854775809", "2.0", "1e2", "1e400"];

    let text = match source.below(4) {
        0 => source.pick(&EDGES)?.to_owned(),
        _ => i64::sample(source)?.to_string(),
    };
    valid(text.parse())
});
