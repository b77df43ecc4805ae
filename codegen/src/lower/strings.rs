//! Strings: words, patterns, formats, bounded text.

use eventwright::payload::Pattern;

use super::keywords::{Keywords, wrong_type};
use super::numbers;
use crate::diagnostics::Problems;
use crate::model::{Leaf, Named, Word};
use crate::names;
use crate::node::{Node, Value};

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

/// Takes the keywords of a string that is no enum.
pub(super) fn string(keywords: &mut Keywords<'_>, problems: &mut Problems) -> Option<Text> {
    if let Some(pattern) = keywords.take("pattern") {
        return self::pattern(pattern, keywords, problems);
    }
    if let Some(format) = keywords.take("format") {
        return self::format(format, problems).map(Text::Leaf);
    }
    let (min, max) = numbers::lengths("minLength", "maxLength", keywords, problems)?;
    Some(Text::Leaf(Leaf::Text { min, max }))
}

fn pattern(node: &Node, keywords: &mut Keywords<'_>, problems: &mut Problems) -> Option<Text> {
    let Some(text) = node.as_str() else { return wrong_type("pattern", node, "a string", problems) };
    if let Some(prefix) = text.strip_prefix('^').and_then(|text| text.strip_suffix(UUID_V7)) {
        return Some(Text::Id(prefix.to_owned()));
    }
    match Pattern::parse(text) {
        Ok(_) => {
            let (min, max) = numbers::lengths("minLength", "maxLength", keywords, problems)?;
            Some(Text::Named(Named::Pattern { pattern: text.to_owned(), min, max }))
        }
        Err(error) => {
            problems
                .error(node.span, format!("the pattern is not supported yet: {error}"))
                .help("anchored sequences of characters and classes with counts are: `^[A-Z]{3}-[0-9]+$`");
            None
        }
    }
}

fn format(node: &Node, problems: &mut Problems) -> Option<Leaf> {
    let Some(text) = node.as_str() else { return wrong_type("format", node, "a string", problems) };
    let leaf = match text {
        "date-time" => Leaf::DateTime,
        "date" => Leaf::Date,
        "email" => Leaf::Email,
        "uuid" => Leaf::Uuid,
        _ => {
            problems
                .error(node.span, format!("the format `{text}` is not supported yet"))
                .help("`date-time`, `date`, `email` and `uuid` are");
            return None;
        }
    };
    Some(leaf)
}

/// The words of an `enum` or a `const`, and whether null is among them.
pub(super) fn words(values: &[&Node], problems: &mut Problems) -> Option<(Vec<Word>, bool)> {
    let mut words: Vec<(Word, &Node)> = Vec::new();
    let mut null = false;
    let mut complete = true;
    for value in values {
        match &value.value {
            Value::Null => null = true,
            Value::String(text) => {
                let word = Word { json: text.clone(), rust_name: variant(text) };
                complete &= add(&mut words, word, value, problems);
            }
            _ => {
                problems
                    .error(value.span, format!("{} among the values of an enum is not supported yet", value.kind()))
                    .help("strings and null are");
                complete = false;
            }
        }
    }
    complete.then(|| (words.into_iter().map(|(word, _)| word).collect(), null))
}

fn add<'a>(words: &mut Vec<(Word, &'a Node)>, word: Word, node: &'a Node, problems: &mut Problems) -> bool {
    let clash = words.iter().find(|(other, _)| other.rust_name == word.rust_name);
    if let Some((other, first)) = clash {
        let message = if other.json == word.json {
            format!("the value `{}` occurs twice", word.json)
        } else {
            format!("the values `{}` and `{}` would both be named `{}` in Rust", other.json, word.json, word.rust_name)
        };
        problems.error(node.span, message).related(first.span, "the other one");
        return false;
    }
    words.push((word, node));
    true
}

/// The enums have one variant of their own, for values that this revision of the contract does not know.
fn variant(word: &str) -> String {
    let name = names::upper_camel(word);
    if name == "Unrecognized" { format!("{name}_") } else { name }
}
