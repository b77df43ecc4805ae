//! The arithmetic of numbers as JSON writes them: on their decimal digits, and never by writing an exponent out.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::iter;

use crate::payload::Invalid;

/// A number taken apart: its digits without zeros at either end, the last of which counts `10^exponent`.
///
/// So equal numbers have equal digits and exponents, however they are written. Zero has no digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal<'a> {
    is_negative: bool,
    /// The digits that stand before the point, and those after it.
    digits: (&'a [u8], &'a [u8]),
    /// Of an `i64` that was written, less the length of a text: `i128` can't overflow.
    exponent: i128,
}

impl<'a> Decimal<'a> {
    /// Reads a number by the grammar of RFC 8259 section 6, to the letter.
    pub(super) fn parse(text: &'a str) -> Result<Self, Invalid> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => (true, mantissa),
            None => (false, mantissa),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return Err(not_a_number()),
            Some((whole, fraction)) => (whole.as_bytes(), fraction.as_bytes()),
            None => (mantissa.as_bytes(), &b""[..]),
        };
        let is_whole = whole.first().is_some_and(|first| *first != b'0' || whole.len() == 1);
        if !is_whole || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return Err(not_a_number());
        }
        Ok(Self::trimmed(is_negative, whole, fraction, i128::from(exponent) - fraction.len() as i128))
    }

    fn trimmed(is_negative: bool, mut whole: &'a [u8], mut fraction: &'a [u8], mut exponent: i128) -> Self {
        while let [rest @ .., b'0'] = fraction {
            fraction = rest;
            exponent += 1;
        }
        if fraction.is_empty() {
            while let [rest @ .., b'0'] = whole {
                whole = rest;
                exponent += 1;
            }
        }
        while let [b'0', rest @ ..] = whole {
            whole = rest;
        }
        if whole.is_empty() {
            while let [b'0', rest @ ..] = fraction {
                fraction = rest;
            }
        }
        if whole.is_empty() && fraction.is_empty() {
            return Self { is_negative: false, digits: (whole, fraction), exponent: 0 };
        }
        Self { is_negative, digits: (whole, fraction), exponent }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + 'a {
        self.digits.0.iter().chain(self.digits.1).map(|digit| digit - b'0')
    }

    fn len(&self) -> usize {
        self.digits.0.len() + self.digits.1.len()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// The number as an integer of 64 bits, signed or not.
    pub(super) fn to_integer<T: TryFrom<i128>>(self) -> Option<T> {
        const MOST_DIGITS: i128 = 20; // 18,446,744,073,709,551,615

        let zeros = u32::try_from(self.exponent).ok()?;
        if self.len() as i128 + self.exponent > MOST_DIGITS {
            return None;
        }
        let absolute = self.digits().fold(0, |number, digit| number * 10 + i128::from(digit)) * 10_i128.pow(zeros);
        T::try_from(if self.is_negative { -absolute } else { absolute }).ok()
    }

    /// Whether the number is a whole number of times another; of zero only zero is.
    ///
    /// `m × 10^e` is a multiple of `n × 10^f` where `n` divides `m × 10^(e - f)`. Without zeros at its end, `m` is not a multiple of
    /// ten, so that can only be where `e >= f`; and of many tens, `n` can use no more than it has bits. What is left is the
    /// remainder of a division on paper.
    pub(super) fn is_multiple_of(self, divisor: Self) -> bool {
        if self.is_zero() || divisor.is_zero() {
            return self.is_zero();
        }
        let Ok(zeros) = usize::try_from(self.exponent - divisor.exponent) else {
            return false;
        };
        const BITS_OF_A_DIGIT: usize = 4;
        let zeros = zeros.min(BITS_OF_A_DIGIT * divisor.len());
        let dividend = self.digits().chain(iter::repeat_n(0, zeros));

        const DIGITS_OF_A_U64: usize = 19;
        if divisor.len() <= DIGITS_OF_A_U64 {
            let divisor = divisor.digits().fold(0, |number, digit| number * 10 + u128::from(digit));
            return dividend.fold(0, |remainder, digit| (remainder * 10 + u128::from(digit)) % divisor) == 0;
        }
        long_remainder_is_zero(dividend, divisor)
    }
}

/// Division on paper by a divisor of any length, digit for digit: the product of both lengths in time.
fn long_remainder_is_zero(dividend: impl Iterator<Item = u8>, divisor: Decimal<'_>) -> bool {
    // from the last digit on, with room for the remainder's digit more
    let mut divisor: Vec<u8> = divisor.digits().collect();
    divisor.reverse();
    divisor.push(0);
    let mut remainder = vec![0; divisor.len()];
    for digit in dividend {
        remainder.rotate_right(1); // the first digit is a zero: it becomes the last
        remainder[0] = digit;
        while remainder.iter().rev().cmp(divisor.iter().rev()) != Ordering::Less {
            subtract(&mut remainder, &divisor);
        }
    }
    remainder.iter().all(|digit| *digit == 0)
}

fn subtract(from: &mut [u8], what: &[u8]) {
    let mut borrowed = 0;
    for (digit, less) in from.iter_mut().zip(what) {
        let less = less + borrowed;
        borrowed = u8::from(*digit < less);
        *digit = *digit + 10 * borrowed - less;
    }
}

fn parse_exponent(text: &str) -> Result<i64, Invalid> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_a_number());
    }
    text.parse().map_err(|_| Invalid::new("has an exponent beyond 64 bits, which are the limit here"))
}

#[cold]
fn not_a_number() -> Invalid {
    Invalid::new("is not a number as JSON writes them")
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| if number.is_zero() { 0 } else { 1 - 2 * i8::from(number.is_negative) };
        let magnitude = |number: &Self| number.len() as i128 + number.exponent;

        let signs = sign(self).cmp(&sign(other));
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        let absolute = magnitude(self).cmp(&magnitude(other)).then_with(|| self.digits().cmp(other.digits()));
        if self.is_negative { absolute.reverse() } else { absolute }
    }
}

impl Hash for Decimal<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_negative.hash(state);
        self.exponent.hash(state);
        // one at a time, as the point may be anywhere among them
        self.digits().for_each(|digit| digit.hash(state));
    }
}
