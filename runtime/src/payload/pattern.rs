//! Patterns that compile into straight code.

mod parse;
#[cfg(feature = "regex")]
mod regex;

pub use self::parse::{Unsupported, UnsupportedPattern};
#[cfg(feature = "regex")]
pub(crate) use self::regex::check_ecma_262;
#[cfg(feature = "regex")]
pub use self::regex::{RegexPattern, UnsupportedRegex, supports_regex};

/// Says why there is no engine.
#[cfg(not(feature = "regex"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __regex_matches {
    ($pattern:literal, $text:expr) => {
        compile_error!("`#[pattern(\"…\", regex)]` needs the feature `regex` of eventwright")
    };
}

/// Nothing: why is said already.
#[cfg(all(feature = "proptest", not(feature = "regex")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __regex_sample {
    ($pattern:literal, $length:expr, $make:expr, $source:expr) => {
        Err($crate::payload::arbitrary::Rejected::new())
    };
}

/// A regular expression of ECMA 262, as JSON Schema's `pattern` is, simple enough to be matched without going back.
///
/// That is `^`, elements, `$`, each element a character, an escape (`\.`, `\d`, `\w`, `\t`, …) or a class (`[0-9a-f_-]`, `[^"]`),
/// once or as often as `?`, `*`, `+`, `{2}`, `{2,}` or `{2,4}` says. Where an element may repeat a different number of times,
/// what follows must not begin with a character that the element takes as well: then taking as many as there are is right.
/// As with ECMA's `u` flag, a character is a code point. `$` without `m` matches at the very end only.
///
/// ```
/// use eventwright::Pattern;
///
/// const ZIP: Pattern = Pattern::from_static("^[0-9]{5}$");
/// assert!(ZIP.matches("12345"));
/// assert!(!ZIP.matches("12345\n"));
///
/// let error = Pattern::parse("^(web|phone)$").unwrap_err();
/// assert_eq!(error.to_string(), "groups and lookarounds are not supported, at byte 1");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    elements: [Element; MOST_ELEMENTS],
    len: usize,
}

/// How many elements a pattern can have: room for an id's with a long prefix.
const MOST_ELEMENTS: usize = 64;

/// A set of characters, and how often one of them comes.
#[derive(Debug, Clone, Copy)]
struct Element {
    class: Class,
    min: u32,
    max: u32,
}

/// A set of characters: a bit for each ASCII character, and all others or none of them.
#[derive(Debug, Clone, Copy)]
struct Class {
    ascii: u128,
    others: bool,
}

impl Class {
    const EMPTY: Self = Self { ascii: 0, others: false };

    const fn overlaps(self, other: Self) -> bool {
        self.ascii & other.ascii != 0 || self.others && other.others
    }

    const fn union(self, other: Self) -> Self {
        Self { ascii: self.ascii | other.ascii, others: self.others || other.others }
    }

    const fn has(self, first_byte: u8) -> bool {
        if first_byte < 128 { self.ascii >> first_byte & 1 == 1 } else { self.others }
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Where it is not one of the simple ones, or not a pattern at all.
    pub const fn parse(pattern: &str) -> Result<Self, UnsupportedPattern> {
        parse::parse(pattern)
    }

    /// Compiles a pattern that stands in the source.
    ///
    /// # Panics
    /// Where the pattern is not supported; in a constant, that is a compile error.
    #[must_use]
    pub const fn from_static(pattern: &'static str) -> Self {
        match parse::parse(pattern) {
            Ok(pattern) => pattern,
            // unreachable from the derive, which calls this in a static: there it stops the compile
            Err(error) => panic!("{}", error.kind.message()),
        }
    }

    /// Of each element which characters it takes, and how many at least and at most.
    #[cfg(feature = "proptest")]
    pub(crate) fn elements(&self) -> impl Iterator<Item = (impl Fn(char) -> bool, usize, usize)> {
        self.elements[..self.len].iter().map(|Element { class, min, max }| {
            let has = |char: char| class.has(char.encode_utf8(&mut [0; 4]).as_bytes()[0]);
            (has, *min as usize, *max as usize)
        })
    }

    /// Whether the pattern matches.
    #[must_use]
    pub const fn matches(&self, text: &str) -> bool {
        let mut rest = text.as_bytes();
        let mut index = 0;
        while index < self.len {
            let Element { class, min, max } = self.elements[index];
            let mut count = 0;
            while count < max
                && let Some(after) = taken(class, rest)
            {
                rest = after;
                count += 1;
            }
            if count < min {
                return false;
            }
            index += 1;
        }
        rest.is_empty()
    }
}

/// What is left once one character of the class is taken.
const fn taken(class: Class, text: &[u8]) -> Option<&[u8]> {
    let [first, rest @ ..] = text else {
        return None;
    };
    if !class.has(*first) {
        return None;
    }
    let mut rest = rest;
    if *first >= 128 {
        // the bytes of UTF-8 that continue a character
        while let [0x80..=0xBF, after @ ..] = rest {
            rest = after;
        }
    }
    Some(rest)
}
