//! Prose of contracts to doc comments that rustdoc shows as they were meant, without a warning.

use proc_macro2::TokenStream;
use quote::quote;

/// Columns of a line of prose.
const WIDTH: usize = 100;

/// A doc comment of paragraphs that are Markdown already.
pub(super) fn doc(paragraphs: &[String]) -> TokenStream {
    let lines = lines(paragraphs);
    let lines = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote! { #(#[doc = #lines])* }
}

/// The lines of paragraphs, with an empty line between two.
pub(crate) fn lines(paragraphs: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        paragraph.lines().for_each(|line| wrap(line, &mut lines));
    }
    lines
}

/// Prose of a contract as Markdown for rustdoc.
///
/// What a contract's author writes is text with code in backticks and links in `<>` perhaps. Rustdoc would take brackets for links
/// to Rust items, `<T>` for HTML, an indented or fenced block for a test to compile: all that is escaped.
pub(super) fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(language) = line.strip_prefix("```") {
            fenced = !fenced;
            lines.push(if fenced && language.is_empty() { "```text".to_owned() } else { line.to_owned() });
        } else if fenced {
            lines.push(line.to_owned());
        } else {
            lines.push(escaped(line));
        }
    }
    if fenced {
        lines.push("```".to_owned());
    }
    lines.join("\n")
}

/// A name of a contract as code.
pub(super) fn code(name: &str) -> String {
    let shown: String = name
        .chars()
        .flat_map(|char| if char.is_control() { char.escape_unicode().collect() } else { vec![char] })
        .collect();
    if shown.contains('`') { format!("`` {shown} ``") } else { format!("`{shown}`") }
}

/// A paragraph without the full stop at its end, to go on with.
pub(super) fn clause(text: &str) -> String {
    let text = prose(text);
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    // text and code take turns; a last backtick without its partner is text
    let parts: Vec<&str> = line.split('`').collect();
    let balanced = parts.len() % 2 == 1;
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        if index % 2 == 1 && (balanced || !is_last) {
            out.push('`');
            out.push_str(part);
            out.push('`');
        } else {
            if index % 2 == 1 {
                out.push_str("\\`");
            }
            words_escaped(part, &mut out);
        }
    }
    if line.starts_with("~~~") { format!("\\{out}") } else { out }
}

fn words_escaped(text: &str, out: &mut String) {
    for word in text.split_inclusive(' ') {
        match url(word) {
            Some((before, url, after)) => {
                escape(before, out);
                out.push('<');
                out.push_str(url);
                out.push('>');
                escape(after, out);
            }
            None => escape(word, out),
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for char in text.chars() {
        if matches!(char, '[' | ']' | '<' | '>' | '\\') {
            out.push('\\');
        }
        out.push(if char.is_control() { ' ' } else { char });
    }
}

/// The URL in a word, without what encloses it or ends the sentence.
fn url(word: &str) -> Option<(&str, &str, &str)> {
    let start = word.find("https://").or_else(|| word.find("http://"))?;
    let (before, rest) = word.split_at(start);
    let end = rest.find(['<', '>', '"', ' ']).unwrap_or(rest.len());
    let url = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
    let after = &rest[url.len()..];
    let before = before.strip_suffix('<').unwrap_or(before);
    Some((before, url, after.strip_prefix('>').unwrap_or(after)))
}

/// Breaks a line between words, never so that a word at the start of a line would become a heading, a list or a quote.
fn wrap(line: &str, lines: &mut Vec<String>) {
    let mut current = String::new();
    for word in line.split(' ') {
        let full = current.chars().count() + 1 + word.chars().count() > WIDTH;
        if full && !current.is_empty() && !opens_a_block(word) {
            lines.push(std::mem::take(&mut current));
        } else if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
}

fn opens_a_block(word: &str) -> bool {
    let number = word.trim_end_matches(['.', ')']);
    word.starts_with(['#', '-', '+', '*', '=', '>', '|', '~'])
        || word.starts_with("```")
        || (number.len() < word.len() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
