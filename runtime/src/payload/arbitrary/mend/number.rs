//! Numbers within bounds, and multiples.

use super::super::{Rejected, Source};
use crate::payload::Number;
use crate::payload::rules::Advice;

/// What is asked of a number.
#[derive(Clone, Default)]
pub(super) struct Bounds {
    least: Option<Bound>,
    most: Option<Bound>,
    /// Multiples of all of these.
    multiples: Vec<Decimal>,
    is_whole: bool,
}

#[derive(Clone)]
struct Bound {
    number: Decimal,
    exclusive: bool,
}

/// Digits, and how many of them follow the point.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    places: u32,
}

/// As many digits after the point as numbers get that nothing says of which they are multiples.
const FINER: u64 = 4;

impl Bounds {
    pub(super) fn learn(&mut self, advice: &Advice) {
        match *advice {
            Advice::AtLeast { bound, exclusive } => {
                learn_bound(&mut self.least, bound, exclusive, |new, old| new > old)
            }
            Advice::AtMost { bound, exclusive } => learn_bound(&mut self.most, bound, exclusive, |new, old| new < old),
            Advice::MultipleOf(divisor) => self.multiples.extend(Decimal::parse(divisor)),
            Advice::Whole => self.is_whole = true,
            _ => {}
        }
    }

    /// A number like another that keeps what is known.
    pub(super) fn sample(&self, like: &Number, source: &mut Source<'_>) -> Result<Number, Rejected> {
        let text = self.text(like, source).ok_or_else(Rejected::new)?;
        text.parse().map_err(|_| Rejected::new())
    }

    /// None where a number is beyond 128 bits, or there is nothing between the bounds.
    fn text(&self, like: &Number, source: &mut Source<'_>) -> Option<String> {
        let one = Decimal { digits: 1, places: 0 };
        // a whole number becomes a whole one, mostly: its type may ask for it
        let is_whole = self.is_whole || like.is_integer() && source.below(4) > 0;
        let whole = is_whole.then_some(one);
        let bounds = [&self.least, &self.most].into_iter().flatten().map(|bound| bound.number);
        let places = bounds.chain(self.multiples.iter().copied()).map(|number| number.places).max().unwrap_or(0);
        let places = if is_whole || !self.multiples.is_empty() { places } else { places + source.below(FINER) as u32 };
        let mut step = None;
        for divisor in self.multiples.iter().copied().chain(whole) {
            step = Some(common_multiple(step.unwrap_or(1), divisor.with_places(places)?)?);
        }
        let step = step.unwrap_or(1);
        let least = self.least.as_ref().map(|bound| {
            let digits = bound.number.with_places(places)?;
            Some(digits.checked_sub(1)?.div_euclid(step) + 1 + i128::from(bound.exclusive && digits % step == 0))
        });
        let most = self.most.as_ref().map(|bound| {
            let digits = bound.number.with_places(places)?;
            Some(digits.div_euclid(step) - i128::from(bound.exclusive && digits % step == 0))
        });
        let small = |source: &mut Source<'_>| match source.below(4) {
            0 => 0,
            1 | 2 => i128::from(source.below(100)),
            _ => i128::from(source.below(1 << 53)),
        };
        let times = match (least, most) {
            (Some(least), Some(most)) => between(least?, most?, source)?,
            (Some(least), None) => least?.checked_add(small(source))?,
            (None, Some(most)) => most?.checked_sub(small(source))?,
            (None, None) => match Decimal::parse(&like.text()).and_then(|like| like.with_places(places)) {
                Some(digits) => digits.div_euclid(step),
                None => small(source),
            },
        };
        Some(Decimal { digits: times.checked_mul(step)?, places }.to_text())
    }
}

fn learn_bound(known: &mut Option<Bound>, text: &str, exclusive: bool, is_stricter: fn(&Number, &Number) -> bool) {
    let Some(number) = Decimal::parse(text) else { return };
    let is_news = match known {
        Some(bound) => {
            let (new, old) = (text.parse::<Number>(), bound.number.to_text().parse::<Number>());
            new.is_ok_and(|new| old.is_ok_and(|old| is_stricter(&new, &old) || new == old && exclusive))
        }
        None => true,
    };
    if is_news {
        *known = Some(Bound { number, exclusive });
    }
}

/// One of the bounds, or something between them.
fn between(least: i128, most: i128, source: &mut Source<'_>) -> Option<i128> {
    let span = u64::try_from(most.checked_sub(least)?).ok();
    if least > most {
        return None;
    }
    Some(match source.below(4) {
        0 => least,
        1 => most,
        _ => least + i128::from(source.below(span.unwrap_or(u64::MAX).saturating_add(1))),
    })
}

fn common_multiple(one: i128, other: i128) -> Option<i128> {
    let (mut divisor, mut rest) = (one, other);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    if divisor == 0 { None } else { (one / divisor).checked_mul(other).map(i128::abs) }
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let places = i64::try_from(fraction.len()).ok()?.checked_sub(exponent.parse().ok()?)?;
        match u32::try_from(places) {
            Ok(places) => Some(Self { digits, places }),
            Err(_) => {
                let zeros = u32::try_from(places.checked_neg()?).ok()?;
                Some(Self { digits: digits.checked_mul(10_i128.checked_pow(zeros)?)?, places: 0 })
            }
        }
    }

    /// The digits, if so many of them followed the point.
    fn with_places(self, places: u32) -> Option<i128> {
        if places < self.places {
            return Some(self.digits.div_euclid(10_i128.checked_pow(self.places - places)?));
        }
        self.digits.checked_mul(10_i128.checked_pow(places - self.places)?)
    }

    fn to_text(self) -> String {
        let Self { mut digits, mut places } = self;
        while places > 0 && digits % 10 == 0 {
            digits /= 10;
            places -= 1;
        }
        if places == 0 {
            return digits.to_string();
        }
        let places = places as usize;
        let (sign, digits) = (if digits < 0 { "-" } else { "" }, digits.unsigned_abs());
        let digits = format!("{digits:0width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{sign}{whole}.{fraction}")
    }
}
