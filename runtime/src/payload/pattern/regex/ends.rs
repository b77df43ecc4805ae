//! Lookarounds at a pattern's ends, which are patterns of their own.
//!
//! `^(?!a)b` is found in a text in which `^b` is found and `^a` is not, since there is one place only where both can begin; and likewise
//! with `b(?<!a)$`, where they end. So no engine has to look around. People write these: `^(?=.*[0-9])`, `^(?!x-)`, `(?<!-)$`.

/// A pattern in the parts that a text has to match, each for itself.
pub(super) struct Parts {
    /// What is left without the lookarounds.
    pub(super) body: String,
    /// Patterns that must be found, or must not.
    pub(super) conditions: Vec<(String, bool)>,
}

/// Takes the lookarounds off a valid pattern's ends. Where it has alternatives, each has ends of its own, and it is left as it is.
pub(super) fn split(pattern: &str) -> Parts {
    let terms = terms(pattern);
    let mut conditions = Vec::new();
    let (mut begin, mut end) = (0, terms.len());
    if !terms.contains(&"|") {
        if let Some((_, rest)) = terms.split_first().filter(|(first, _)| **first == "^") {
            let ahead = rest.iter().map_while(|term| content(term, ["(?=", "(?!"]));
            conditions.extend(ahead.map(|(content, wanted)| (format!("^(?:{content})"), wanted)));
            begin = conditions.len();
        }
        if let Some((_, rest)) = terms.split_last().filter(|(last, _)| **last == "$") {
            let before = conditions.len();
            let behind = rest.iter().rev().map_while(|term| content(term, ["(?<=", "(?<!"]));
            conditions.extend(behind.map(|(content, wanted)| (format!("(?:{content})$"), wanted)));
            end -= conditions.len() - before;
        }
    }
    if conditions.is_empty() {
        return Parts { body: pattern.to_owned(), conditions };
    }
    // the anchors stay: they are what is left at both ends
    let (head, tail) = (if begin > 0 { "^" } else { "" }, if end < terms.len() { "$" } else { "" });
    let from = if begin > 0 { begin + 1 } else { 0 };
    let to = if end < terms.len() { end - 1 } else { end };
    Parts { body: format!("{head}{}{tail}", terms[from..to].concat()), conditions }
}

/// What is in a group that begins in one of two ways, and whether that is the first of them.
fn content<'p>(term: &'p str, [wanted, unwanted]: [&str; 2]) -> Option<(&'p str, bool)> {
    let inner = term.strip_suffix(')')?;
    inner.strip_prefix(wanted).map(|content| (content, true)).or_else(|| Some((inner.strip_prefix(unwanted)?, false)))
}

/// The characters, escapes, classes and groups that the pattern is a row of. Put together, they are the pattern.
fn terms(pattern: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let mut begin = 0;
    let (mut depth, mut in_class) = (0_usize, false);
    let mut chars = pattern.char_indices();
    while let Some((at, char)) = chars.next() {
        let mut end = at + char.len_utf8();
        match char {
            '\\' => end = chars.next().map_or(end, |(at, escaped)| at + escaped.len_utf8()),
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !in_class {
            terms.push(&pattern[begin..end]);
            begin = end;
        }
    }
    terms
}
