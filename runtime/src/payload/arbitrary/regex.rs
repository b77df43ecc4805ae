//! Texts that a regular expression matches.

use std::sync::LazyLock;

pub use regex_syntax::hir::Hir;
use regex_syntax::hir::{Class, ClassUnicodeRange, HirKind, Repetition};

use super::text::{text_within, valid};
use super::{Rejected, Source};
use crate::payload::{Invalid, RegexPattern};

/// How often a pattern's part may be repeated beyond what it must be.
const MOST_MORE: u64 = 200;

/// How much longer than it must be a text becomes around what the pattern matches.
const MOST_AROUND: usize = 100;

/// A value of a text that a pattern matches, whose length is within bounds.
///
/// # Errors
/// Where none was found.
pub fn matching<T: 'static>(
    pattern: &LazyLock<Hir>,
    (min, max): (usize, usize),
    make: fn(String) -> Result<T, Invalid>,
    source: &mut Source<'_>,
) -> Result<T, Rejected> {
    source.retry::<T, T>(|source| {
        let more = [2, 0, 1, 4, 8, 16, 64, MOST_MORE][source.index(8)];
        let mut text = String::new();
        append(pattern, more, &mut text, source)?;
        let chars = text.chars().count();
        // a pattern that is not anchored may be found within more
        if chars < min || source.below(4) == 3 {
            let around = source.length(min.saturating_sub(chars), max.saturating_sub(chars), MOST_AROUND);
            let before = source.index(around + 1);
            let after = text_within(around - before, around - before, source);
            text = format!("{}{text}{after}", text_within(before, before, source));
        }
        valid(make(text))
    })
}

/// A pattern that stands in the source, taken apart.
///
/// # Panics
/// Where it is not supported.
#[must_use]
pub fn parsed(pattern: &'static str) -> Hir {
    let pattern = RegexPattern::from_static(pattern);
    regex_syntax::parse(pattern.translated()).expect("the engine parses it in the same way")
}

/// What a part matches, regardless of what is around it: who asks holds the whole against the pattern.
fn append(part: &Hir, more: u64, text: &mut String, source: &mut Source<'_>) -> Result<(), Rejected> {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => Ok(()),
        HirKind::Literal(literal) => {
            text.push_str(str::from_utf8(&literal.0).map_err(|_| Rejected::new())?);
            Ok(())
        }
        HirKind::Class(class) => {
            text.push(char_of(class, source)?);
            Ok(())
        }
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            let most = max.map_or(u64::MAX, u64::from).min(u64::from(*min) + more);
            let count = u64::from(*min) + source.below(most - u64::from(*min) + 1);
            (0..count).try_for_each(|_| append(sub, more, text, source))
        }
        HirKind::Capture(capture) => append(&capture.sub, more, text, source),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| append(part, more, text, source)),
        HirKind::Alternation(parts) => append(&parts[source.index(parts.len())], more, text, source),
    }
}

/// What is taken most often, where it may be.
const PLAIN: &str = "abcxyzABCXYZ0123456789_- .";

fn has(ranges: &[ClassUnicodeRange], char: char) -> bool {
    // they are sorted
    ranges.get(ranges.partition_point(|range| range.end() < char)).is_some_and(|range| range.start() <= char)
}

fn char_of(class: &Class, source: &mut Source<'_>) -> Result<char, Rejected> {
    match class {
        Class::Unicode(class) => {
            let ranges = class.ranges();
            let plain: Vec<char> = PLAIN.chars().filter(|char| has(ranges, *char)).collect();
            if !plain.is_empty() && source.below(3) < 2 {
                return source.pick(&plain);
            }
            let range = ranges.get(source.index(ranges.len())).ok_or_else(Rejected::new)?;
            let (start, end) = (u32::from(range.start()), u32::from(range.end()));
            char::from_u32(start + source.below(u64::from(end - start) + 1) as u32).ok_or_else(Rejected::new)
        }
        Class::Bytes(class) => {
            let ranges = class.ranges();
            let range = ranges.get(source.index(ranges.len())).ok_or_else(Rejected::new)?;
            let byte = range.start() + source.below(u64::from(range.end() - range.start()) + 1) as u8;
            Some(char::from(byte)).filter(char::is_ascii).ok_or_else(Rejected::new)
        }
    }
}
