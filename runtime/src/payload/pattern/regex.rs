//! Patterns that are matched by an engine, in time linear in the text.

mod ends;
mod translate;

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

/// A regular expression of ECMA 262, as JSON Schema's `pattern` is, that needs no going back to be matched: all but backreferences, and
/// lookarounds other than lookaheads right after a pattern's `^` and lookbehinds right before its `$`.
///
/// It is found anywhere in a text unless it is anchored (JSON Schema Validation section 6.3.3). It runs on the crate `regex`, in time
/// linear in the text, into whose syntax it is translated; as with ECMA's `u` flag, a character is a code point. What `\p{…}` knows of
/// characters is of the version of Unicode that the crate carries.
///
/// ```
/// use eventwright::payload::RegexPattern;
///
/// let channel = RegexPattern::parse("^(web|phone)(-\\d+)?$")?;
/// assert!(channel.matches("web-12"));
/// assert!(!channel.matches("web-"));
///
/// let password = RegexPattern::parse("^(?=.*[0-9])(?!.*password).{8,}$")?;
/// assert!(password.matches("correct 4 horses"));
/// assert!(!password.matches("correct horses"));
///
/// let error = RegexPattern::parse("web(?!-)").unwrap_err();
/// assert_eq!(error.to_string(), "lookarounds are supported right after `^` and right before `$` only");
/// # Ok::<(), eventwright::payload::UnsupportedRegex>(())
/// ```
#[derive(Debug, Clone)]
pub struct RegexPattern {
    regex: Regex,
    /// What must be found besides, or must not.
    conditions: Vec<(Regex, bool)>,
}

/// Why a regular expression can't be matched in linear time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsupportedRegex {
    /// Not a regular expression by ECMA 262 under the `u` flag.
    #[error("this is not a regular expression by ECMA 262: {0}")]
    Syntax(String),
    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`, where they can't be matched in linear time.
    #[error("lookarounds are supported right after `^` and right before `$` only")]
    Lookaround,
    /// `\1`, `\k<name>`.
    #[error("backreferences are not supported: they can't be matched in linear time")]
    Backreference,
    /// `(?i:…)` and other modifiers.
    #[error("modifiers such as `(?i:…)` are not supported")]
    Modifier,
    /// `\uD800`, which no JSON text that is well-formed Unicode has.
    #[error("a lone surrogate is not supported: no text has one")]
    Surrogate,
    /// Longer, or of more alternatives, than is safe to parse.
    #[error("patterns of more than {MOST_KIB} KiB or {MOST_BARS} alternatives are not supported")]
    TooLong,
    /// Too large once its repetitions are written out.
    #[error("the pattern takes more than {MOST_MIB} MiB once compiled")]
    TooLarge,
    /// Refused by the engine, such as a property of characters that it does not know.
    #[error("the pattern is not supported: {0}")]
    Engine(String),
}

/// Whether a pattern can be matched by a type of `#[pattern("…", regex)]`, which would panic otherwise when it is first used.
///
/// ```
/// use eventwright::payload::supports_regex;
///
/// assert!(supports_regex("^\\p{Lu}\\w*$").is_ok());
/// assert_eq!(
///     supports_regex("(a)\\1").unwrap_err().to_string(),
///     "backreferences are not supported: they can't be matched in linear time",
/// );
/// ```
///
/// # Errors
/// Where it can't, and why.
pub fn supports_regex(pattern: &str) -> Result<(), UnsupportedRegex> {
    RegexPattern::parse(pattern).map(drop)
}

/// Most that a compiled pattern may take. Repetitions are written out, so a short pattern may become large: a name of up to 200
/// letters, `^\p{L}{1,200}$`, takes more than 8 MiB.
const MOST_MIB: usize = 16;

/// Longest pattern: regress 0.12 takes time that is quadratic in the members of a class.
const MOST_KIB: usize = 16;

/// Most `|` in a pattern. regress 0.12 takes an alternative within the one before, each on the stack, which 2,500 of them fill where
/// threads have 2 MiB and nothing is optimized. The depth of groups it limits itself.
const MOST_BARS: usize = 1000;

impl RegexPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Where it is no pattern by ECMA 262, or can't be matched in linear time.
    pub fn parse(pattern: &str) -> Result<Self, UnsupportedRegex> {
        check_ecma_262(pattern)?;
        let ends::Parts { body, conditions } = ends::split(&without_idle_escapes(pattern));
        let size = (MOST_MIB << 20) / (1 + conditions.len());
        let conditions = conditions.iter().map(|(pattern, wanted)| Ok((compile(pattern, size)?, *wanted)));
        Ok(Self { conditions: conditions.collect::<Result<_, _>>()?, regex: compile(&body, size)? })
    }

    /// Compiles a pattern that stands in the source, for derives.
    ///
    /// # Panics
    /// Where it is not supported.
    #[doc(hidden)]
    #[must_use]
    pub fn from_static(pattern: &'static str) -> Self {
        match Self::parse(pattern) {
            Ok(compiled) => compiled,
            // unreachable from generated code: the generator refuses patterns that this crate does not support
            Err(error) => panic!("pattern {pattern}: {error}"),
        }
    }

    /// The pattern as the engine's crate spells it, without lookarounds.
    #[cfg(feature = "proptest")]
    pub(crate) fn translated(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether the pattern is found in the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text) && self.conditions.iter().all(|(regex, wanted)| regex.is_match(text) == *wanted)
    }
}

fn compile(pattern: &str, size: usize) -> Result<Regex, UnsupportedRegex> {
    match RegexBuilder::new(&translate::translate(pattern)?).size_limit(size).build() {
        Ok(regex) => Ok(regex),
        Err(regex::Error::CompiledTooBig(_)) => Err(UnsupportedRegex::TooLarge),
        Err(error) => Err(UnsupportedRegex::Engine(last_line(&error))),
    }
}

/// What the engine has to say, without the translated pattern that it shows before.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Holds a pattern against the grammar of ECMA 262 under the `u` flag.
///
/// # Errors
/// Where it breaks the grammar, or is too much for its parser.
pub(crate) fn check_ecma_262(pattern: &str) -> Result<(), UnsupportedRegex> {
    let bars = pattern.bytes().filter(|byte| *byte == b'|').count();
    if pattern.len() > MOST_KIB << 10 || bars > MOST_BARS {
        return Err(UnsupportedRegex::TooLong);
    }
    if has_signed_escape(pattern) {
        return Err(UnsupportedRegex::Syntax("Invalid unicode escape".to_owned()));
    }
    match regress::Regex::with_flags(&without_idle_escapes(pattern), "u") {
        Ok(_) => Ok(()),
        Err(error) => Err(UnsupportedRegex::Syntax(error.text)),
    }
}

/// The pattern without backslashes before what is no letter and no digit and means itself anyway, such as `\"` and, outside of a class, `\-`. ECMA 262 allows
/// them without the `u` flag (Annex B.1.2), and many write them.
fn without_idle_escapes(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains('\\') {
        return pattern.into();
    }
    let mut plain = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        match char {
            '[' => in_class = true,
            ']' => in_class = false,
            '\\' => {
                if let Some(escaped) = chars.next() {
                    let is_idle = !escaped.is_alphanumeric() && !"^$\\.*+?()[]{}|/".contains(escaped);
                    plain.push('\\');
                    if is_idle && !(escaped == '-' && in_class) {
                        // by its code, which has no other meaning whatever is around it
                        let code = u32::from(escaped);
                        plain.push_str(&if code < 0x100 { format!("x{code:02x}") } else { format!("u{{{code:x}}}") });
                    } else {
                        plain.push(escaped);
                    }
                    continue;
                }
            }
            _ => {}
        }
        plain.push(char);
    }
    plain.into()
}

/// `\u{+61}`, which is no escape, but which regress 0.12 reads as one.
fn has_signed_escape(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some((_, escape)) = rest.split_once('\\') {
        if escape.starts_with("u+") || escape.starts_with("u{+") {
            return true;
        }
        // the character escaped may be a backslash itself
        let mut chars = escape.chars();
        chars.next();
        rest = chars.as_str();
    }
    false
}

/// Matches a text against a pattern that is compiled once.
#[doc(hidden)]
#[macro_export]
macro_rules! __regex_matches {
    ($pattern:literal, $text:expr) => {{
        static PATTERN: ::std::sync::LazyLock<$crate::payload::RegexPattern> =
            ::std::sync::LazyLock::new(|| $crate::payload::RegexPattern::from_static($pattern));
        PATTERN.matches($text)
    }};
}

/// Makes a value of a text that a pattern matches.
#[cfg(feature = "proptest")]
#[doc(hidden)]
#[macro_export]
macro_rules! __regex_sample {
    ($pattern:literal, $length:expr, $make:expr, $source:expr) => {{
        static PARSED: ::std::sync::LazyLock<$crate::payload::arbitrary::Hir> =
            ::std::sync::LazyLock::new(|| $crate::payload::arbitrary::parsed($pattern));
        $crate::payload::arbitrary::matching(&PARSED, $length, $make, $source)
    }};
}
