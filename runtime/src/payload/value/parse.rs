//! From text to [`Json`].
//!
//! serde_json has checked the text against the grammar before, so this is about where things end. Two checks it leaves to us: it
//! skips over a [`RawValue`] without counting levels, and without looking at what an escape in a string stands for.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Json;
use crate::payload::json::TWICE;
use crate::payload::reader::{Broken, MOST_LEVELS, Segment};

/// Makes a value of its text.
pub(crate) fn parse(raw: &RawValue) -> Result<Json, Broken> {
    Parser { rest: raw.get() }.value(MOST_LEVELS)
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn value(&mut self, levels: usize) -> Result<Json, Broken> {
        if levels == 0 {
            return Err(Broken::new(format!("is more than {MOST_LEVELS} levels deep")));
        }
        match self.peek() {
            Some(b'{') => self.object(levels - 1),
            Some(b'[') => self.array(levels - 1),
            Some(b'"') => self.string().map(Json::String),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.bytes().next()
    }

    /// Takes a byte, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    /// Takes as many bytes, none of which is within a character.
    fn take_text(&mut self, bytes: usize) -> &'t str {
        let (text, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        text
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, Broken> {
        self.rest = self.rest.strip_prefix(word).ok_or_else(not_json)?;
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, Broken> {
        let is_part = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = self.rest.bytes().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        self.take_text(end).parse().map(Json::Number).map_err(|invalid| Broken::new(invalid.into_rule()))
    }

    fn string(&mut self) -> Result<String, Broken> {
        let bytes = self.rest.as_bytes();
        let (mut end, mut is_escaped) = (1, false);
        loop {
            match bytes.get(end).ok_or_else(not_json)? {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    end += 2;
                }
                _ => end += 1,
            }
        }
        let quoted = self.take_text(end + 1);
        if !is_escaped {
            return Ok(quoted[1..end].to_owned());
        }
        serde_json::from_str(quoted).map_err(|_| Broken::new("has an escape that is no character"))
    }

    fn array(&mut self, levels: usize) -> Result<Json, Broken> {
        let mut items = Vec::new();
        self.take(b'[');
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            let item = self.value(levels).map_err(|broken| broken.within(Segment::Item(items.len())))?;
            items.push(item);
            if !self.take(b',') {
                break;
            }
        }
        if self.take(b']') { Ok(Json::Array(items)) } else { Err(not_json()) }
    }

    fn object(&mut self, levels: usize) -> Result<Json, Broken> {
        let mut members = BTreeMap::new();
        self.take(b'{');
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(not_json());
            }
            let name = self.string()?;
            if !self.take(b':') {
                return Err(not_json());
            }
            match self.value(levels) {
                Ok(_) if members.contains_key(&name) => {
                    return Err(Broken::new(TWICE).within(Segment::Named(name)));
                }
                Ok(value) => members.insert(name, value),
                Err(broken) => return Err(broken.within(Segment::Named(name))),
            };
            if !self.take(b',') {
                break;
            }
        }
        if self.take(b'}') { Ok(Json::Object(members)) } else { Err(not_json()) }
    }
}

/// What a text that serde_json let through can't be.
#[cold]
fn not_json() -> Broken {
    Broken::new("is not JSON")
}
