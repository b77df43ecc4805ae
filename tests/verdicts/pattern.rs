//! Texts for the patterns that contracts have.

use fastrand::Rng;

/// How often a text repeats what its pattern lets it repeat.
#[derive(Clone, Copy)]
pub(crate) enum Times {
    Least,
    Any,
    Most,
}

/// A text for a pattern of literals and classes with counts, anchored at both ends.
pub(crate) fn matching(pattern: &str, times: Times, rng: &mut Rng) -> String {
    let body = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).expect("an anchored pattern");
    let mut rest = body.chars().peekable();
    let mut text = String::new();
    while let Some(first) = rest.next() {
        let choices: Vec<char> = match first {
            '[' => class(&rest.by_ref().take_while(|c| *c != ']').collect::<Vec<_>>()),
            '\\' => vec![rest.next().expect("an escaped character")],
            literal => vec![literal],
        };
        let (low, high) = match rest.peek() {
            Some('{') => {
                rest.next();
                let counts: String = rest.by_ref().take_while(|c| *c != '}').collect();
                let (low, high) = counts.split_once(',').unwrap_or((&counts, &counts));
                let low: usize = low.parse().expect("a count");
                (low, high.parse().unwrap_or(low + 5))
            }
            Some('+') => rest.next().map_or((1, 1), |_| (1, 8)),
            Some('*') => rest.next().map_or((1, 1), |_| (0, 8)),
            Some('?') => rest.next().map_or((1, 1), |_| (0, 1)),
            _ => (1, 1),
        };
        let count = match times {
            Times::Least => low,
            Times::Any => rng.usize(low..=high),
            Times::Most => high,
        };
        text.extend((0..count).map(|_| choices[rng.usize(..choices.len())]));
    }
    text
}

fn class(members: &[char]) -> Vec<char> {
    let mut choices = Vec::new();
    let mut at = 0;
    while at < members.len() {
        match members[at..] {
            [from, '-', to, ..] => {
                choices.extend(from..=to);
                at += 3;
            }
            [one, ..] => {
                choices.push(one);
                at += 1;
            }
            [] => break,
        }
    }
    choices
}
