//! Names of contracts to Rust identifiers, each by itself: no name depends on which other names there are.

use std::collections::{BTreeMap, BTreeSet};

/// `lead.created` -> `LeadCreated`
pub(crate) fn upper_camel(name: &str) -> String {
    identifier(&words(name).iter().map(|word| capitalized(word)).collect::<String>())
}

/// `leadId` -> `lead_id`, `type` -> `r#type`
pub(crate) fn snake(name: &str) -> String {
    identifier(&words(name).join("_"))
}

/// `lead.created` -> `LEAD_CREATED`
pub(crate) fn screaming(name: &str) -> String {
    identifier(&words(name).join("_").to_uppercase())
}

/// Names of which each is given once.
#[derive(Default)]
pub(crate) struct FreeNames {
    taken: BTreeSet<String>,
    /// The last number that a name got.
    numbers: BTreeMap<String, u32>,
}

impl FreeNames {
    /// The name, or where it was given before, the name with the first number that makes it another, as `numbered` writes it. So who
    /// comes later renames nobody.
    pub(crate) fn take(&mut self, name: String, numbered: impl Fn(&str, u32) -> String) -> String {
        let plain = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        let number = self.numbers.entry(plain.clone()).or_insert(1);
        let mut free = name;
        while !self.taken.insert(free.clone()) {
            *number += 1;
            free = numbered(&plain, *number);
        }
        free
    }
}

/// Of a list's name, the name of one item, by the regular rules of English; any other name stays.
pub(crate) fn singular(name: &str) -> String {
    let cut = |count: usize| name[..name.len() - count].to_owned();
    if name.ends_with("ies") && name.len() > 4 {
        format!("{}y", cut(3))
    } else if ["sses", "xes", "ches", "shes"].iter().any(|ending| name.ends_with(ending)) {
        cut(2)
    } else if name.ends_with('s') && !["ss", "us", "is"].iter().any(|ending| name.ends_with(ending)) {
        cut(1)
    } else {
        name.to_owned()
    }
}

/// Whether the text can stand in Rust source as an identifier: raw (`r#type`) or not.
pub(crate) fn is_identifier(text: &str) -> bool {
    text != "_" && syn::parse_str::<syn::Ident>(text).is_ok()
}

/// Words in lower case: runs of letters and digits, split where a capital follows a small letter or a digit, or begins the last
/// word of a run of capitals (`HTTPCode`). A name without any letter or digit is spelt by its code points.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    for (index, &char) in chars.iter().enumerate() {
        if !char.is_alphanumeric() {
            inside = false;
            continue;
        }
        let before = index.checked_sub(1).map(|index| chars[index]);
        let after = chars.get(index + 1);
        let starts = char.is_uppercase()
            && before.is_some_and(|before| !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()));
        match words.last_mut().filter(|_| inside && !starts) {
            Some(word) => word.extend(char.to_lowercase()),
            None => words.push(char.to_lowercase().collect()),
        }
        inside = true;
    }
    if words.is_empty() {
        words.extend(chars.iter().map(|char| format!("u{:x}", u32::from(*char))));
    }
    if words.is_empty() {
        words.push("empty".to_owned());
    }
    words
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Makes the text an identifier: a keyword is written raw, a digit gets a `_` before it.
fn identifier(text: &str) -> String {
    let text = if text.starts_with(|first: char| first.is_numeric()) { format!("_{text}") } else { text.to_owned() };
    let raw = format!("r#{text}");
    let candidates = [text.clone(), raw, format!("{text}_")];
    candidates.into_iter().find(|candidate| is_identifier(candidate)).unwrap_or_else(|| ascii(&text))
}

/// Letters that Rust takes in no identifier are spelt by their code points.
fn ascii(text: &str) -> String {
    text.chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || char == '_' {
                char.to_string()
            } else {
                format!("u{:x}", u32::from(char))
            }
        })
        .collect()
}
