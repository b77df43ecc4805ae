//! From the syntax of ECMA 262 under the `u` flag to that of the crate `regex`.
//!
//! The pattern is known to be valid. Whatever means something else to the crate is spelled out: every character but letters and
//! digits is written as `\x{…}`, every set that ECMA 262 defines for itself as its members, every group as one that captures nothing.
//! Only `\p{…}` goes through as it is, since both take it from Unicode.

use std::fmt::Write as _;

use super::UnsupportedRegex;

pub(super) fn translate(pattern: &str) -> Result<String, UnsupportedRegex> {
    let mut translator = Translator { rest: pattern, out: String::with_capacity(2 * pattern.len()) };
    while let Some(c) = translator.next() {
        translator.term(c)?;
    }
    Ok(translator.out)
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
}

/// What stands for characters.
enum Atom {
    One(char),
    /// As the crate writes it.
    Set(String),
}

// ECMA 262 section 22.2.2.7.3, LineTerminator; 22.2.2.9, CharacterClassEscape: `\s` is WhiteSpace and LineTerminator
const NOT_LINE_TERMINATOR: &str = r"[^\n\r\x{2028}\x{2029}]";
const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Z_a-z";
const SPACE: &str = r"\x09-\x0D\x20\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const ANY: &str = r"[\x00-\x{10FFFF}]";
const NONE: &str = r"[^\x00-\x{10FFFF}]";

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What stands before `end`, which is taken too.
    fn until(&mut self, end: char) -> Result<&str, UnsupportedRegex> {
        let (before, rest) = self.rest.split_once(end).ok_or_else(unexpected)?;
        self.rest = rest;
        Ok(before)
    }

    fn term(&mut self, c: char) -> Result<(), UnsupportedRegex> {
        match c {
            '^' => self.out.push_str(r"\A"),
            '$' => self.out.push_str(r"\z"),
            '.' => self.out.push_str(NOT_LINE_TERMINATOR),
            '|' | ')' | '*' | '+' | '?' => self.out.push(c),
            '{' => {
                let times = self.until('}')?.to_owned();
                let _ = write!(self.out, "{{{times}}}");
            }
            '(' => self.group()?,
            '[' => self.class()?,
            // the crate's own \b goes by Unicode, ECMA 262's by \w
            '\\' if self.skip("b") => self.out.push_str(r"(?-u:\b)"),
            '\\' if self.skip("B") => self.out.push_str(r"(?-u:\B)"),
            '\\' => match self.escape()? {
                Atom::One(c) => self.character(c),
                Atom::Set(set) => self.out.push_str(&set),
            },
            other => self.character(other),
        }
        Ok(())
    }

    fn character(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, r"\x{{{:X}}}", u32::from(c));
        }
    }

    fn group(&mut self) -> Result<(), UnsupportedRegex> {
        if self.skip("?=") || self.skip("?!") || self.skip("?<=") || self.skip("?<!") {
            return Err(UnsupportedRegex::Lookaround);
        }
        if self.skip("?<") {
            self.until('>')?;
        } else if !self.skip("?:") && self.rest.starts_with('?') {
            return Err(UnsupportedRegex::Modifier);
        }
        self.out.push_str("(?:");
        Ok(())
    }

    /// What follows `[`.
    fn class(&mut self) -> Result<(), UnsupportedRegex> {
        let is_negated = self.skip("^");
        if self.skip("]") {
            // the crate would take the bracket for a member
            self.out.push_str(if is_negated { ANY } else { NONE });
            return Ok(());
        }
        self.out.push_str(if is_negated { "[^" } else { "[" });
        while !self.skip("]") {
            match self.class_atom()? {
                Atom::Set(set) => self.out.push_str(&set),
                Atom::One(first) => {
                    self.character(first);
                    if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                        self.skip("-");
                        let Atom::One(last) = self.class_atom()? else {
                            return Err(unexpected());
                        };
                        self.out.push('-');
                        self.character(last);
                    }
                }
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn class_atom(&mut self) -> Result<Atom, UnsupportedRegex> {
        match self.next().ok_or_else(unexpected)? {
            '\\' if self.skip("b") => Ok(Atom::One('\u{8}')),
            '\\' => self.escape(),
            other => Ok(Atom::One(other)),
        }
    }

    /// What follows a backslash, the same within a class and outside of one.
    fn escape(&mut self) -> Result<Atom, UnsupportedRegex> {
        let one = |code| char::from_u32(code).map(Atom::One).ok_or(UnsupportedRegex::Surrogate);
        Ok(match self.next().ok_or_else(unexpected)? {
            'd' => Atom::Set(format!("[{DIGIT}]")),
            'D' => Atom::Set(format!("[^{DIGIT}]")),
            'w' => Atom::Set(format!("[{WORD}]")),
            'W' => Atom::Set(format!("[^{WORD}]")),
            's' => Atom::Set(format!("[{SPACE}]")),
            'S' => Atom::Set(format!("[^{SPACE}]")),
            kind @ ('p' | 'P') if self.skip("{") => Atom::Set(format!(r"\{kind}{{{}}}", self.until('}')?)),
            't' => Atom::One('\t'),
            'n' => Atom::One('\n'),
            'v' => Atom::One('\u{B}'),
            'f' => Atom::One('\u{C}'),
            'r' => Atom::One('\r'),
            '0' => Atom::One('\0'),
            '1'..='9' | 'k' => return Err(UnsupportedRegex::Backreference),
            // a letter's last five bits (ECMA 262 section 22.2.1.4)
            'c' => one(u32::from(self.next().ok_or_else(unexpected)?) % 32)?,
            'x' => one(self.hex(2)?)?,
            'u' if self.skip("{") => one(u32::from_str_radix(self.until('}')?, 16).map_err(|_| unexpected())?)?,
            'u' => one(self.four_digits()?)?,
            other => Atom::One(other),
        })
    }

    /// `\u00E9`, or the pair of surrogates that `\uD83E\uDD80` is.
    fn four_digits(&mut self) -> Result<u32, UnsupportedRegex> {
        let high = self.hex(4)?;
        let is_high = (0xD800..0xDC00).contains(&high);
        if !is_high || !self.skip("\\u") {
            return Ok(high);
        }
        match self.hex(4)? {
            low @ 0xDC00..0xE000 => Ok(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)),
            _ => Err(UnsupportedRegex::Surrogate),
        }
    }

    fn hex(&mut self, digits: usize) -> Result<u32, UnsupportedRegex> {
        let (number, rest) = self.rest.split_at_checked(digits).ok_or_else(unexpected)?;
        self.rest = rest;
        u32::from_str_radix(number, 16).map_err(|_| unexpected())
    }
}

/// For what a valid pattern does not have.
fn unexpected() -> UnsupportedRegex {
    UnsupportedRegex::Engine("it is written in a way that is not known here".to_owned())
}
