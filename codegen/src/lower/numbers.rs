//! Numbers within bounds, and the counts of `minLength`, `maxItems` and their like.

use super::keywords::Keywords;
use super::types::Numbers;
use crate::diagnostics::Problems;
use crate::model::Leaf;
use crate::node::{Node, Span, Value};
use crate::settings::Integers;
use crate::vocabulary;

/// Takes the keywords of a number that its type enforces.
pub(super) fn number(
    numbers: Numbers,
    integers: Integers,
    keywords: &mut Keywords<'_>,
    problems: &mut Problems,
) -> Option<Leaf> {
    check_order(keywords, problems)?;
    if numbers == Numbers::All {
        return Some(Leaf::Number);
    }
    let (low, above) = (bound("minimum", 0, keywords), bound("exclusiveMinimum", 1, keywords));
    let (high, below) = (bound("maximum", 0, keywords), bound("exclusiveMaximum", -1, keywords));
    let (Some(low), Some(above), Some(high), Some(below)) = (low, above, high, below) else {
        return Some(Leaf::Integer);
    };
    let (min, max) = (low.max(above), [high, below].into_iter().flatten().min());
    if integers == Integers::Exact && (min.is_none() || max.is_none()) {
        return Some(Leaf::Integer);
    }
    for keyword in BOUNDS {
        keywords.take(keyword);
    }
    Some(Leaf::Int { min, max })
}

const BOUNDS: [&str; 4] = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"];

/// A bound that is made inclusive by moving it `step` further in; none where it is no 64-bit integer.
fn bound(keyword: &str, step: i64, keywords: &Keywords<'_>) -> Option<Option<i64>> {
    let Some(node) = keywords.get(keyword) else { return Some(None) };
    let Value::Number(number) = &node.value else { return None };
    number.as_i64().and_then(|value| value.checked_add(step)).map(Some)
}

fn check_order(keywords: &Keywords<'_>, problems: &mut Problems) -> Option<()> {
    for lower in ["minimum", "exclusiveMinimum"] {
        for upper in ["maximum", "exclusiveMaximum"] {
            if let Some((min, max)) = crossed(keywords, lower, upper) {
                unordered(min.span, max.span, problems);
                return None;
            }
        }
    }
    Some(())
}

/// Takes a lower and an upper bound of a length.
pub(super) fn lengths(
    lower: &str,
    upper: &str,
    keywords: &mut Keywords<'_>,
    problems: &mut Problems,
) -> Option<(u64, Option<u64>)> {
    let (min, max) = (keywords.take(lower), keywords.take(upper));
    let (low, high) = (min.and_then(count).unwrap_or(0), max.and_then(count));
    if let (Some(min), Some(max)) = (min, max)
        && high.is_some_and(|high| low > high)
    {
        unordered(min.span, max.span, problems);
        return None;
    }
    Some((low, high))
}

/// Complains where both bounds of a count can't hold: values of the one type that they are about must keep both.
pub(super) fn check_counts(keywords: &Keywords<'_>, problems: &mut Problems) -> Option<()> {
    let counts = [("minProperties", "maxProperties"), ("minContains", "maxContains")];
    match counts.iter().find_map(|(lower, upper)| crossed(keywords, lower, upper)) {
        Some((min, max)) => {
            unordered(min.span, max.span, problems);
            None
        }
        None => Some(()),
    }
}

/// Whether no value of the one type that the keywords are about can keep them.
pub(super) fn contradict(keywords: &Keywords<'_>) -> bool {
    const PAIRS: [(&str, &str); 8] = [
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
        ("minContains", "maxContains"),
        ("minProperties", "maxProperties"),
        ("minimum", "maximum"),
        ("minimum", "exclusiveMaximum"),
        ("exclusiveMinimum", "maximum"),
        ("exclusiveMinimum", "exclusiveMaximum"),
    ];
    PAIRS.iter().any(|(lower, upper)| crossed(keywords, lower, upper).is_some())
}

/// The two bounds, where the lower is above the upper, or at it though one of them is excluded.
fn crossed<'n>(keywords: &Keywords<'n>, lower: &str, upper: &str) -> Option<(&'n Node, &'n Node)> {
    let (min, max) = (keywords.get(lower)?, keywords.get(upper)?);
    let (Value::Number(low), Value::Number(high)) = (&min.value, &max.value) else { return None };
    let excluded = lower.starts_with("exclusive") || upper.starts_with("exclusive");
    (low > high || low == high && excluded).then_some((min, max))
}

fn count(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Number(number) => vocabulary::count(number),
        _ => None,
    }
}

fn unordered(min: Span, max: Span, problems: &mut Problems) {
    problems
        .error(min, "nothing can satisfy this: the lower bound is above the upper bound")
        .related(max, "the upper bound")
        .help("lower the one or raise the other");
}
