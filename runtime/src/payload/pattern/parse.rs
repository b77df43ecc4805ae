//! Compiling patterns, also in constants: hence loops instead of iterators, and no `?`.

use std::fmt;

use super::{Class, Element, MOST_ELEMENTS, Pattern};

/// Why a pattern does not compile into straight code, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsupportedPattern {
    /// What is not supported.
    pub kind: Unsupported,
    /// Where, in bytes from 0.
    pub offset: usize,
}

/// What in a pattern is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsupported {
    /// No `^` at the begin: the pattern is to be found anywhere.
    NoBegin,
    /// No `$` at the end.
    NoEnd,
    /// `^` or `$` in the middle.
    Anchor,
    /// `|`.
    Alternation,
    /// `(`.
    Group,
    /// `.`, which leaves out four line terminators.
    AnyCharacter,
    /// `\b`, `\p{…}`, `\1` and other escapes.
    Escape,
    /// A character beyond ASCII.
    NotAscii,
    /// `*?` and other lazy quantifiers.
    Lazy,
    /// An element that repeats, before one that begins with the same character.
    Ambiguous,
    /// More elements than there is room for.
    TooLong,
    /// Not a regular expression by ECMA 262.
    Syntax,
}

impl Unsupported {
    /// What is wrong, as text.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoBegin => "patterns that do not begin with `^` are not supported",
            Self::NoEnd => "patterns that do not end with `$` are not supported",
            Self::Anchor => "`^` and `$` in the middle are not supported",
            Self::Alternation => "alternatives (`|`) are not supported",
            Self::Group => "groups and lookarounds are not supported",
            Self::AnyCharacter => "`.` is not supported; name the characters, as in `[ -~]`",
            Self::Escape => "this escape is not supported",
            Self::NotAscii => "characters beyond ASCII are not supported",
            Self::Lazy => "lazy quantifiers are not supported",
            Self::Ambiguous => "repetition is not supported where what follows can begin with the same character",
            Self::TooLong => "patterns of more than 64 elements are not supported",
            Self::Syntax => "this is not a regular expression by ECMA 262",
        }
    }
}

impl fmt::Display for UnsupportedPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.kind.message(), self.offset)
    }
}

impl std::error::Error for UnsupportedPattern {}

type Parsed<T> = Result<(T, usize), UnsupportedPattern>;

const fn unsupported<T>(kind: Unsupported, offset: usize) -> Result<T, UnsupportedPattern> {
    Err(UnsupportedPattern { kind, offset })
}

/// `?`, which constants lack.
macro_rules! ok {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}

pub(super) const fn parse(pattern: &str) -> Result<Pattern, UnsupportedPattern> {
    let text = pattern.as_bytes();
    if !matches!(byte(text, 0), Some(b'^')) {
        return unsupported(Unsupported::NoBegin, 0);
    }
    let mut elements = [Element { class: Class::EMPTY, min: 0, max: 0 }; MOST_ELEMENTS];
    let mut offsets = [0; MOST_ELEMENTS];
    let mut len = 0;
    let mut at = 1;
    while at < text.len() {
        if text[at] == b'$' && at + 1 == text.len() {
            ok!(check_unambiguous(&elements, &offsets, len));
            return Ok(Pattern { elements, len });
        }
        if len == MOST_ELEMENTS {
            return unsupported(Unsupported::TooLong, at);
        }
        let (class, after) = ok!(parse_class(text, at));
        let ((min, max), after) = ok!(parse_quantifier(text, after));
        elements[len] = Element { class, min, max };
        offsets[len] = at;
        len += 1;
        at = after;
    }
    unsupported(Unsupported::NoEnd, at)
}

/// Matching takes as many characters as an element allows and never goes back. That is right where no text that may follow
/// begins with a character of the element.
const fn check_unambiguous(
    elements: &[Element; MOST_ELEMENTS],
    offsets: &[usize; MOST_ELEMENTS],
    len: usize,
) -> Result<(), UnsupportedPattern> {
    let mut following = Class::EMPTY;
    let mut index = len;
    while index > 0 {
        index -= 1;
        let Element { class, min, max } = elements[index];
        if min != max && class.overlaps(following) {
            return unsupported(Unsupported::Ambiguous, offsets[index]);
        }
        following = if min == 0 { class.union(following) } else { class };
    }
    Ok(())
}

const fn byte(text: &[u8], at: usize) -> Option<u8> {
    if at < text.len() { Some(text[at]) } else { None }
}

/// A character, an escape or a class.
const fn parse_class(text: &[u8], at: usize) -> Parsed<Class> {
    match text[at] {
        b'[' => parse_brackets(text, at),
        b'\\' => parse_escape(text, at),
        b'(' => unsupported(Unsupported::Group, at),
        b'|' => unsupported(Unsupported::Alternation, at),
        b'.' => unsupported(Unsupported::AnyCharacter, at),
        b'^' | b'$' => unsupported(Unsupported::Anchor, at),
        b'*' | b'+' | b'?' | b'{' | b'}' | b')' | b']' => unsupported(Unsupported::Syntax, at),
        literal => parse_literal(literal, at),
    }
}

const fn parse_literal(literal: u8, at: usize) -> Parsed<Class> {
    if literal >= 128 {
        return unsupported(Unsupported::NotAscii, at);
    }
    Ok((single(literal), at + 1))
}

const fn single(byte: u8) -> Class {
    Class { ascii: 1 << byte, others: false }
}

const fn range(first: u8, last: u8) -> Class {
    let mut class = Class::EMPTY;
    let mut byte = first;
    while byte <= last {
        class = class.union(single(byte));
        byte += 1;
    }
    class
}

/// An escape that begins at the backslash.
const fn parse_escape(text: &[u8], at: usize) -> Parsed<Class> {
    let Some(escaped) = byte(text, at + 1) else {
        return unsupported(Unsupported::Syntax, at);
    };
    let class = match escaped {
        b'd' => range(b'0', b'9'),
        b'w' => range(b'0', b'9').union(range(b'A', b'Z')).union(range(b'a', b'z')).union(single(b'_')),
        b't' => single(b'\t'),
        b'n' => single(b'\n'),
        b'v' => single(0x0B),
        b'f' => single(0x0C),
        b'r' => single(b'\r'),
        // SyntaxCharacter and `/`: all that ECMA 262 lets be escaped under the u flag
        b'^' | b'$' | b'\\' | b'.' | b'*' | b'+' | b'?' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'/' => {
            single(escaped)
        }
        // what else is punctuation means itself, which ECMA 262 allows without the u flag and many write
        b'-' | b'_' | b'"' | b'\'' | b'@' | b'#' | b'%' | b'&' | b'!' | b',' | b':' | b';' | b'<' | b'>' | b'='
        | b'~' | b'`' => single(escaped),
        _ => return unsupported(Unsupported::Escape, at),
    };
    Ok((class, at + 2))
}

/// A class in brackets that begins at the opening one.
const fn parse_brackets(text: &[u8], open: usize) -> Parsed<Class> {
    let is_negated = matches!(byte(text, open + 1), Some(b'^'));
    let mut at = if is_negated { open + 2 } else { open + 1 };
    let mut class = Class::EMPTY;
    loop {
        match byte(text, at) {
            None => return unsupported(Unsupported::Syntax, open),
            Some(b']') => break,
            Some(_) => {
                let (atom, after) = ok!(parse_range(text, at));
                class = class.union(atom);
                at = after;
            }
        }
    }
    if is_negated {
        class = Class { ascii: !class.ascii, others: !class.others };
    }
    Ok((class, at + 1))
}

/// One character or escape in brackets, or a range of characters.
const fn parse_range(text: &[u8], at: usize) -> Parsed<Class> {
    let (first, after) = ok!(parse_atom(text, at));
    let is_range = matches!(byte(text, after), Some(b'-')) && !matches!(byte(text, after + 1), None | Some(b']'));
    if !is_range {
        return Ok((first, after));
    }
    let (last, after) = ok!(parse_atom(text, after + 1));
    if first.ascii.count_ones() != 1 || last.ascii.count_ones() != 1 || first.ascii > last.ascii {
        return unsupported(Unsupported::Syntax, at);
    }
    Ok((range(first.ascii.trailing_zeros() as u8, last.ascii.trailing_zeros() as u8), after))
}

const fn parse_atom(text: &[u8], at: usize) -> Parsed<Class> {
    if text[at] == b'\\' { parse_escape(text, at) } else { parse_literal(text[at], at) }
}

/// How often an element comes: once where nothing is said.
const fn parse_quantifier(text: &[u8], at: usize) -> Parsed<(u32, u32)> {
    let (quantity, after) = match byte(text, at) {
        Some(b'?') => ((0, 1), at + 1),
        Some(b'*') => ((0, u32::MAX), at + 1),
        Some(b'+') => ((1, u32::MAX), at + 1),
        Some(b'{') => ok!(parse_braces(text, at)),
        _ => return Ok(((1, 1), at)),
    };
    if let Some(b'?') = byte(text, after) {
        return unsupported(Unsupported::Lazy, after);
    }
    Ok((quantity, after))
}

/// `{2}`, `{2,}` or `{2,4}`, from the opening brace.
const fn parse_braces(text: &[u8], open: usize) -> Parsed<(u32, u32)> {
    let (min, mut at) = ok!(parse_number(text, open + 1));
    let mut max = min;
    if let Some(b',') = byte(text, at) {
        at += 1;
        max = u32::MAX;
        if !matches!(byte(text, at), Some(b'}')) {
            (max, at) = ok!(parse_number(text, at));
        }
    }
    if !matches!(byte(text, at), Some(b'}')) || min > max {
        return unsupported(Unsupported::Syntax, open);
    }
    Ok(((min, max), at + 1))
}

const fn parse_number(text: &[u8], from: usize) -> Parsed<u32> {
    let mut number: u32 = 0;
    let mut at = from;
    while let Some(digit @ b'0'..=b'9') = byte(text, at) {
        number = match number.checked_mul(10) {
            Some(tens) => tens.saturating_add((digit - b'0') as u32),
            None => u32::MAX,
        };
        at += 1;
    }
    if at == from {
        return unsupported(Unsupported::Syntax, from);
    }
    Ok((number, at))
}
