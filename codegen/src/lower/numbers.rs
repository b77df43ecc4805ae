//! Integers within bounds, and the counts of `minLength`, `maxItems` and their like.

use super::keywords::{Keywords, wrong_type};
use crate::diagnostics::Problems;
use crate::model::Leaf;
use crate::node::{Node, Span, Value};

/// Takes the keywords of an integer.
pub(super) fn integer(keywords: &mut Keywords<'_>, problems: &mut Problems) -> Option<Leaf> {
    let low = bound("minimum", 0, keywords, problems)?;
    let above = bound("exclusiveMinimum", 1, keywords, problems)?;
    let high = bound("maximum", 0, keywords, problems)?;
    let below = bound("exclusiveMaximum", -1, keywords, problems)?;
    let min = [low, above].into_iter().flatten().max_by_key(|(value, _)| *value);
    let max = [high, below].into_iter().flatten().min_by_key(|(value, _)| *value);
    ordered(min, max, problems)?;
    Some(Leaf::Int { min: min.map(|(value, _)| value), max: max.map(|(value, _)| value) })
}

/// Takes a lower and an upper bound of a length.
pub(super) fn lengths(
    lower: &str,
    upper: &str,
    keywords: &mut Keywords<'_>,
    problems: &mut Problems,
) -> Option<(u64, Option<u64>)> {
    let min = length(lower, keywords, problems)?;
    let max = length(upper, keywords, problems)?;
    ordered(min, max, problems)?;
    Some((min.map_or(0, |(value, _)| value), max.map(|(value, _)| value)))
}

/// A bound that is made inclusive by moving it `step` further in.
fn bound(
    keyword: &str,
    step: i64,
    keywords: &mut Keywords<'_>,
    problems: &mut Problems,
) -> Option<Option<(i64, Span)>> {
    let Some(node) = keywords.take(keyword) else { return Some(None) };
    match integral(node).and_then(|value| value.checked_add(step)) {
        Some(value) => Some(Some((value, node.span))),
        None if matches!(node.value, Value::Number(_)) => {
            problems
                .error(node.span, format!("`{keyword}` of an integer must be a 64-bit integer here"))
                .help("round it to the next integer inside the bound");
            None
        }
        None => wrong_type(keyword, node, "a number", problems),
    }
}

fn length(keyword: &str, keywords: &mut Keywords<'_>, problems: &mut Problems) -> Option<Option<(u64, Span)>> {
    let Some(node) = keywords.take(keyword) else { return Some(None) };
    // the types count in `usize`, on every platform
    match integral(node).and_then(|value| u32::try_from(value).ok()) {
        Some(value) => Some(Some((u64::from(value), node.span))),
        None => {
            problems.error(node.span, format!("`{keyword}` must be an integer from 0 to {}", u32::MAX));
            None
        }
    }
}

/// `1.0` is an integer (JSON Schema core, section 4.2.3); past 2^53 a float no longer says which.
fn integral(node: &Node) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Value::Number(number) = &node.value else { return None };
    #[expect(clippy::cast_possible_truncation, reason = "an integer within 2^53")]
    let from_float = |float: f64| (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(from_float))
}

fn ordered<T: PartialOrd + Copy>(
    min: Option<(T, Span)>,
    max: Option<(T, Span)>,
    problems: &mut Problems,
) -> Option<()> {
    if let (Some((min, min_span)), Some((max, max_span))) = (min, max)
        && min > max
    {
        problems
            .error(min_span, "nothing can satisfy this: the lower bound is above the upper bound")
            .related(max_span, "the upper bound")
            .help("lower the one or raise the other");
        return None;
    }
    Some(())
}
