//! Punycode, RFC 3492.

// section 5
const BASE: u32 = 36;
const TMIN: u32 = 1;
const TMAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// Decodes lower-case text, section 6.2. No two texts decode alike, so nothing has to be encoded again to compare.
pub(super) fn decode(text: &[u8]) -> Option<Vec<char>> {
    let (basic, mut rest) = match text.iter().rposition(|byte| *byte == b'-') {
        // a hyphen at the very begin delimits nothing, it is one digit too much
        Some(at) if at > 0 => (&text[..at], &text[at + 1..]),
        _ => (&text[..0], text),
    };
    let mut label: Vec<char> = basic.iter().copied().map(char::from).collect();
    let (mut n, mut index, mut bias) = (INITIAL_N, 0, INITIAL_BIAS);
    while !rest.is_empty() {
        let (delta, after) = number(rest, bias)?;
        rest = after;
        let len = u32::try_from(label.len()).ok()? + 1;
        bias = adapt(delta, len, label.len() == basic.len());
        index = delta.checked_add(index)?;
        n = n.checked_add(index / len)?;
        index %= len;
        label.insert(index as usize, char::from_u32(n)?);
        index += 1;
    }
    Some(label)
}

/// A variable-length integer, section 3.3, and what follows.
fn number(mut text: &[u8], bias: u32) -> Option<(u32, &[u8])> {
    let (mut number, mut weight) = (0_u32, 1_u32);
    let mut k = BASE;
    loop {
        let (first, rest) = text.split_first()?;
        text = rest;
        let digit = digit(*first)?;
        number = digit.checked_mul(weight)?.checked_add(number)?;
        let threshold = k.saturating_sub(bias).clamp(TMIN, TMAX);
        if digit < threshold {
            return Some((number, text));
        }
        weight = weight.checked_mul(BASE - threshold)?;
        k += BASE;
    }
}

fn digit(byte: u8) -> Option<u32> {
    match byte {
        b'a'..=b'z' => Some((byte - b'a').into()),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 26),
        _ => None,
    }
}

/// Section 6.1.
fn adapt(delta: u32, len: u32, is_first: bool) -> u32 {
    let mut delta = delta / if is_first { DAMP } else { 2 };
    delta += delta / len;
    let mut k = 0;
    while delta > (BASE - TMIN) * TMAX / 2 {
        delta /= BASE - TMIN;
        k += BASE;
    }
    k + (BASE - TMIN + 1) * delta / (delta + SKEW)
}
