//! Strings.

use super::{Rejected, Sample, Source};
use crate::payload::{Invalid, Pattern, Str, Text};

/// How much longer than it must be a text becomes to reach its longest.
const MOST_MORE: usize = 4096;

/// Beyond so many characters a text repeats itself.
const FRESH: usize = 64;

impl Sample for String {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        let length = match source.below(16) {
            15 => source.index(300),
            _ => source.index(12),
        };
        Ok(text(length, source))
    }
}

impl Sample for Str {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        String::sample(source).map(Self::from)
    }
}

crate::__arbitrary!([const MIN: usize, const MAX: usize] Text<MIN, MAX>, |source| {
    valid(Self::new(text_within(MIN, MAX, source)))
});

pub(super) fn valid<T>(value: Result<T, Invalid>) -> Result<T, Rejected> {
    value.map_err(|_| Rejected::new())
}

/// A text whose length in characters is within bounds.
pub(super) fn text_within(min: usize, max: usize, source: &mut Source<'_>) -> String {
    let length = source.length(min, max, MOST_MORE);
    text(length, source)
}

fn text(length: usize, source: &mut Source<'_>) -> String {
    let fresh: Vec<char> = (0..length.min(FRESH)).map(|_| char(source)).collect();
    fresh.into_iter().cycle().take(length).collect()
}

/// Characters that are more than one byte or UTF-16 unit, that JSON escapes, that are not seen, or that combine.
const NASTY: [char; 16] = [
    '"',
    '\\',
    '/',
    '\n',
    '\t',
    '\'',
    'é',
    'ß',
    '漢',
    '🦀',
    '\u{301}',
    '\u{7f}',
    '\u{200d}',
    '\u{2028}',
    '\u{feff}',
    '\u{10ffff}',
];

fn char(source: &mut Source<'_>) -> char {
    let scalar = |from: u32, count: u64, source: &mut Source<'_>| char::from_u32(from + source.below(count) as u32);
    match source.below(12) {
        0..=5 => scalar('a'.into(), 26, source),
        6 => scalar('0'.into(), 10, source),
        7 => scalar(' '.into(), 95, source),
        8 => scalar('A'.into(), 26, source),
        9 => scalar(0, 0x20, source),
        10 => scalar(0x80, 0x10_ff80, source),
        _ => source.pick(&NASTY).ok(),
    }
    // a surrogate is no character
    .unwrap_or('\u{fffd}')
}

/// A value of a text that a simple pattern matches, whose length is within bounds.
///
/// # Errors
/// Where there is none.
pub fn pattern<T>(
    pattern: &Pattern,
    min: usize,
    max: usize,
    make: fn(String) -> Result<T, Invalid>,
    source: &mut Source<'_>,
) -> Result<T, Rejected> {
    valid(make(matching(pattern, min, max, source)?))
}

fn matching(pattern: &Pattern, min: usize, max: usize, source: &mut Source<'_>) -> Result<String, Rejected> {
    let least = pattern.elements().map(|(_, min, _)| min).fold(0, usize::saturating_add);
    let most = pattern.elements().map(|(_, _, max)| max).fold(0, usize::saturating_add);
    // `*` and `+` have no end
    let is_endless = most >= u32::MAX as usize;
    let (min, max) = (min.max(least), if is_endless { max } else { max.min(most) });
    if min > max {
        return Err(Rejected::new());
    }
    let length = source.length(min, max, MOST_MORE);
    let mut more = length - least;
    let mut room = most - least;
    let mut text = String::new();
    for (has, min, max) in pattern.elements() {
        room -= max - min;
        // what the elements after it have no room for, it has to take
        let (least, most) = (more.saturating_sub(room), more.min(max - min));
        let count = least + source.index(most - least + 1);
        more -= count;
        let those = chars_of(has);
        for _ in 0..min + count {
            text.push(source.pick(&those)?);
        }
    }
    Ok(text)
}

/// Characters of a class, the simplest first: all that are ASCII, and some others.
fn chars_of(has: impl Fn(char) -> bool) -> Vec<char> {
    const BEYOND_ASCII: [char; 6] = ['é', 'ß', '漢', '🦀', '\u{301}', '\u{10ffff}'];

    let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(' '..='/').chain(':'..='@');
    let others = ('['..='`').chain('{'..='\u{7f}').chain('\0'..='\u{1f}').chain(BEYOND_ASCII);
    letters.chain(others).filter(|char| has(*char)).collect()
}
