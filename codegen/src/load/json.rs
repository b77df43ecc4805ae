//! JSON text to [`Node`]s.
//!
//! `serde_json` decides whether the text is JSON, so that what passes here is what every strict reader takes, to a depth of 127
//! (deeper is an error, not a stack overflow). `jsonc-parser` then says where each value stands.

use std::collections::HashMap;

use jsonc_parser::ast;
use jsonc_parser::common::Range;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::diagnostics::Problems;
use crate::node::{FileId, Member, Node, Span, Value};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The document, or none and a problem on record.
pub(super) fn parse(file: FileId, text: &str, problems: &mut Problems) -> Option<Node> {
    if text.starts_with(BYTE_ORDER_MARK) {
        let span = Span { file, start: 0, end: BYTE_ORDER_MARK.len_utf8() };
        problems
            .error(span, "the file begins with a byte order mark")
            .help("save it as UTF-8 without one; JSON texts must not have it (RFC 8259, section 8.1)");
        return None;
    }
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        return not_json(at(file, text, &error), &error, problems);
    }
    match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed.value.and_then(|value| Builder { file, problems }.node(value)),
        Err(error) => {
            let span = Span { file, start: error.range().start, end: error.range().end };
            not_json(span, error.kind(), problems)
        }
    }
}

pub(super) fn not_utf8(file: FileId, offset: usize, problems: &mut Problems) {
    let span = Span { file, start: offset, end: offset };
    problems.error(span, "the file is not UTF-8").help("save it as UTF-8 (RFC 8259, section 8.1)");
}

fn not_json(span: Span, reason: &dyn std::fmt::Display, problems: &mut Problems) -> Option<Node> {
    let reason = reason.to_string();
    // the position is in the span already
    let reason = reason.split(" at line ").next().unwrap_or(&reason);
    problems.error(span, format!("not JSON: {reason}")).help("contracts are strict JSON (RFC 8259), without comments");
    None
}

/// `serde_json` counts lines from 1 and the column in bytes up to and including the one that it stopped at.
fn at(file: FileId, text: &str, error: &serde_json::Error) -> Span {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut start = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let end = text[start..].chars().next().map_or(start, |char| start + char.len_utf8());
    Span { file, start, end }
}

struct Builder<'a> {
    file: FileId,
    problems: &'a mut Problems,
}

impl Builder<'_> {
    fn node(&mut self, value: ast::Value<'_>) -> Option<Node> {
        let (range, value) = match value {
            ast::Value::NullKeyword(null) => (null.range, Value::Null),
            ast::Value::BooleanLit(boolean) => (boolean.range, Value::Bool(boolean.value)),
            ast::Value::NumberLit(number) => (number.range, Value::Number(number.value.parse().ok()?)),
            ast::Value::StringLit(string) => (string.range, Value::String(string.value.into_owned())),
            ast::Value::Array(array) => {
                let items: Vec<_> = array.elements.into_iter().map(|item| self.node(item)).collect();
                (array.range, Value::Array(items.into_iter().collect::<Option<_>>()?))
            }
            ast::Value::Object(object) => (object.range, Value::Object(self.members(object.properties)?)),
        };
        Some(Node { span: self.span(range), value })
    }

    /// Of a key that occurs twice the first counts on, so that what else is wrong is found too.
    fn members(&mut self, properties: Vec<ast::ObjectProp<'_>>) -> Option<Vec<Member>> {
        let mut members: Vec<Member> = Vec::with_capacity(properties.len());
        let mut seen: HashMap<String, Span> = HashMap::with_capacity(properties.len());
        for property in properties {
            let key_span = self.span(jsonc_parser::common::Ranged::range(&property.name));
            let key = match property.name {
                ast::ObjectPropName::String(name) => name.value.into_owned(),
                ast::ObjectPropName::Word(name) => name.value.to_owned(),
            };
            let value = self.node(property.value)?;
            match seen.get(&key) {
                Some(first) => {
                    self.problems
                        .error(key_span, format!("the key `{key}` occurs twice in this object"))
                        .related(*first, "first here")
                        .help("remove one of them; readers disagree on which one counts");
                }
                None => {
                    seen.insert(key.clone(), key_span);
                    members.push(Member { key, key_span, value });
                }
            }
        }
        Some(members)
    }

    fn span(&self, range: Range) -> Span {
        Span { file: self.file, start: range.start, end: range.end }
    }
}
