//! Numbers within bounds, and the counts of `minLength`, `maxItems` and their like.

use super::keywords::Keywords;
use super::types::Numbers;
use crate::config::Integers;
use crate::diagnostics::Problems;
use crate::model::Leaf;
use crate::node::{Node, Span, Value};
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
            let (Some(min), Some(max)) = (keywords.get(lower), keywords.get(upper)) else { continue };
            let (Value::Number(low), Value::Number(high)) = (&min.value, &max.value) else { continue };
            let both_included = (lower, upper) == ("minimum", "maximum");
            if low > high || low == high && !both_included {
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

/// Whether both bounds of each count can hold; the values of the type that they are about must keep both.
pub(super) fn check_counts(keywords: &Keywords<'_>, problems: &mut Problems) -> Option<()> {
    for (lower, upper) in [("minProperties", "maxProperties"), ("minContains", "maxContains")] {
        let (Some(min), Some(max)) = (keywords.get(lower), keywords.get(upper)) else { continue };
        if count(min) > count(max) {
            unordered(min.span, max.span, problems);
            return None;
        }
    }
    Some(())
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
