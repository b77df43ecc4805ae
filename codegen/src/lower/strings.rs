//! Strings: words, patterns, formats, bounded text.

use std::collections::BTreeSet;

use eventwright::payload::{Pattern, supports_regex};

use super::keywords::Keywords;
use super::numbers;
use crate::diagnostics::Problems;
use crate::model::{Leaf, Named, Word};
use crate::names::{self, FreeNames};
use crate::node::{Node, Value};
use crate::settings::Formats;

/// What a string schema becomes, before shared types and ids are looked up.
#[derive(Debug)]
pub(super) enum Text {
    Leaf(Leaf),
    Named(Named),
    /// The pattern of an id, by its prefix.
    Id(String),
}

/// The part of an id's pattern that follows the prefix: a canonical lower-case UUID version 7 (RFC 9562).
const UUID_V7: &str = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// Takes the keywords of a string that is no enum. What the one type can't enforce beside another keyword is left.
pub(super) fn string(keywords: &mut Keywords<'_>, formats: Formats, problems: &mut Problems) -> Option<Text> {
    keywords.take_if("format", |format| is_annotation(format, formats));
    if let Some(pattern) = keywords.get("pattern").and_then(Node::as_str)
        && let Some(text) = self::pattern(pattern, keywords, problems)?
    {
        keywords.take("pattern");
        return Some(text);
    }
    if let Some(leaf) = keywords.get("format").and_then(Node::as_str).and_then(self::format) {
        keywords.take("format");
        return Some(Text::Leaf(leaf));
    }
    let (min, max) = numbers::lengths("minLength", "maxLength", keywords, problems)?;
    Some(Text::Leaf(Leaf::Text { min, max }))
}

/// The type for a pattern, where there is one.
fn pattern(text: &str, keywords: &mut Keywords<'_>, problems: &mut Problems) -> Option<Option<Text>> {
    if let Some(prefix) =
        text.strip_prefix('^').and_then(|text| text.strip_suffix(UUID_V7)).filter(|text| is_prefix(text))
    {
        return Some(Some(Text::Id(prefix.to_owned())));
    }
    let Some(is_simple) = is_simple(text) else { return Some(None) };
    let (min, max) = numbers::lengths("minLength", "maxLength", keywords, problems)?;
    Some(Some(Text::Named(Named::Pattern { pattern: text.to_owned(), is_simple, min, max })))
}

/// Whether straight code matches the pattern, or else a regular expression in linear time; none where neither does.
pub(super) fn is_simple(pattern: &str) -> Option<bool> {
    match Pattern::parse(pattern) {
        Ok(_) => Some(true),
        Err(_) => supports_regex(pattern).ok().map(|()| false),
    }
}

/// Whether a `format` asks nothing.
pub(super) fn is_annotation(format: &Node, formats: Formats) -> bool {
    formats == Formats::Annotate || !format.as_str().is_some_and(is_asserted)
}

/// Whether it is text that stands for itself in a regular expression, and an id can begin with it.
fn is_prefix(text: &str) -> bool {
    (1..=LONGEST_PREFIX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// What the derive takes.
const LONGEST_PREFIX: usize = 28;

/// The formats that assert something here; any other is an annotation (JSON Schema validation, section 7.2.3).
fn is_asserted(format: &str) -> bool {
    eventwright::payload::format::check(format).is_some()
}

/// The type for a format, where there is one.
fn format(text: &str) -> Option<Leaf> {
    Some(match text {
        "date-time" => Leaf::DateTime,
        "date" => Leaf::Date,
        "uuid" => Leaf::Uuid,
        "email" => Leaf::Format("Email"),
        "time" => Leaf::Format("FullTime"),
        "duration" => Leaf::Format("IsoDuration"),
        "hostname" => Leaf::Format("Hostname"),
        "ipv4" => Leaf::Format("Ipv4Addr"),
        "ipv6" => Leaf::Format("Ipv6"),
        "uri" => Leaf::Format("Uri"),
        "uri-reference" => Leaf::Format("UriReference"),
        "json-pointer" => Leaf::Format("JsonPointer"),
        _ => return None,
    })
}

/// The words of an `enum` or a `const`, and whether null is among them; none where there is something else among them, or no word.
pub(super) fn words(values: &[&Node]) -> Option<(Vec<Word>, bool)> {
    let mut words: Vec<Word> = Vec::new();
    let (mut seen, mut free) = (BTreeSet::new(), FreeNames::default());
    let numbered = |name: &str, number: u32| format!("{name}{number}");
    // the enums have one variant of their own, for values that this revision of the contract does not know
    free.take("Unrecognized".to_owned(), numbered);
    let null = are_words(values.iter().copied())?;
    for text in values.iter().filter_map(|value| value.as_str()).filter(|text| seen.insert(*text)) {
        let rust_name = free.take(names::upper_camel(text), numbered);
        words.push(Word { json: text.to_owned(), rust_name });
    }
    Some((words, null))
}

/// Whether null is among values that are words otherwise; none where there is something else among them, or no word.
pub(super) fn are_words<'n>(values: impl IntoIterator<Item = &'n Node>) -> Option<bool> {
    let (mut word, mut null) = (false, false);
    for value in values {
        match &value.value {
            Value::Null => null = true,
            Value::String(_) => word = true,
            _ => return None,
        }
    }
    word.then_some(null)
}
