//! Instances of a schema: valid ones, and ones with something changed.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::contracts::{Documents, Schema};

pub(crate) struct Valid {
    pub(crate) json: Value,
    /// Where in it an enum's value stands.
    pub(crate) words: Vec<String>,
}

pub(crate) fn valid(documents: &Documents, schema: Schema<'_>, rng: &mut Rng) -> Valid {
    let mut maker = Maker { documents, rng, words: Vec::new() };
    let json = maker.make(schema, "");
    Valid { json, words: maker.words }
}

struct Maker<'m> {
    documents: &'m Documents,
    rng: &'m mut Rng,
    words: Vec<String>,
}

impl<'m> Maker<'m> {
    fn make(&mut self, schema: Schema<'m>, pointer: &str) -> Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.make(self.documents.follow(schema, reference), pointer);
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(members) = self.make(schema.at(part), pointer) {
                    whole.extend(members);
                }
            }
            return Value::Object(whole);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let word = words[self.rng.usize(..words.len())].clone();
            if word.is_string() {
                self.words.push(pointer.to_owned());
            }
            return word;
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => panic!("a schema without a type at {pointer}"),
        };
        match types[self.rng.usize(..types.len())] {
            "null" => Value::Null,
            "boolean" => self.rng.bool().into(),
            "integer" => self.integer(schema),
            "string" => self.string(schema).into(),
            "array" => self.array(schema, pointer),
            "object" => self.object(schema, pointer),
            other => panic!("a type that no contract has: {other}"),
        }
    }

    fn integer(&mut self, schema: Schema<'m>) -> Value {
        let low = schema.number("minimum").unwrap_or(-1_000);
        let high = schema.number("maximum").unwrap_or(low.saturating_add(1_000_000));
        let number = match self.rng.u8(0..4) {
            0 => low,
            1 => high,
            _ => self.rng.i64(low..=high),
        };
        // JSON Schema counts 3.0 as an integer
        if self.rng.u8(0..8) == 0 { json!(number as f64) } else { json!(number) }
    }

    fn string(&mut self, schema: Schema<'m>) -> String {
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            return self.matching(pattern);
        }
        match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => self.date_time(),
            Some("date") => self.date(),
            Some("email") => format!("{}@example.com", self.letters(1, 20)),
            Some("uuid") => self.matching("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
            Some(other) => panic!("a format that no contract has: {other}"),
            None => {
                let low = schema.number("minLength").unwrap_or(0) as usize;
                let high = schema.number("maxLength").map_or(low + 30, |high| high as usize);
                let length = if self.rng.u8(0..4) == 0 { high } else { self.rng.usize(low..=high.min(low + 30)) };
                self.text(length)
            }
        }
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: [char; 12] = ['a', 'Z', '0', ' ', '"', '\\', '\n', 'é', 'ß', '漢', '🦀', '\u{7f}'];
        (0..length).map(|_| LETTERS[self.rng.usize(..LETTERS.len())]).collect()
    }

    fn letters(&mut self, low: usize, high: usize) -> String {
        (0..self.rng.usize(low..=high)).map(|_| self.rng.lowercase()).collect()
    }

    fn date(&mut self) -> String {
        format!("{:04}-{:02}-{:02}", self.rng.u16(1..9999), self.rng.u8(1..13), self.rng.u8(1..29))
    }

    fn date_time(&mut self) -> String {
        let (date, rng) = (self.date(), &mut *self.rng);
        let time = format!("{:02}:{:02}:{:02}", rng.u8(0..24), rng.u8(0..60), rng.u8(0..60));
        let fraction = match rng.usize(0..10) {
            0 => String::new(),
            digits => format!(".{}", (0..digits).map(|_| rng.digit(10)).collect::<String>()),
        };
        let offset = match rng.u8(0..3) {
            0 => "Z".to_owned(),
            1 => format!("+{:02}:{:02}", rng.u8(0..15), rng.u8(0..60)),
            _ => format!("-{:02}:{:02}", rng.u8(0..13), rng.u8(0..60)),
        };
        format!("{date}T{time}{fraction}{offset}")
    }

    /// A text for a pattern of literals and classes with counts, anchored at both ends.
    fn matching(&mut self, pattern: &str) -> String {
        let body = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).expect("an anchored pattern");
        let mut rest = body.chars().peekable();
        let mut text = String::new();
        while let Some(first) = rest.next() {
            let choices: Vec<char> = match first {
                '[' => class(&rest.by_ref().take_while(|c| *c != ']').collect::<Vec<_>>()),
                '\\' => vec![rest.next().expect("an escaped character")],
                literal => vec![literal],
            };
            let (low, high) = match rest.peek() {
                Some('{') => {
                    rest.next();
                    let counts: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    let (low, high) = counts.split_once(',').unwrap_or((&counts, &counts));
                    let low: usize = low.parse().expect("a count");
                    (low, high.parse().unwrap_or(low + 5))
                }
                Some('+') => rest.next().map_or((1, 1), |_| (1, 8)),
                Some('*') => rest.next().map_or((1, 1), |_| (0, 8)),
                Some('?') => rest.next().map_or((1, 1), |_| (0, 1)),
                _ => (1, 1),
            };
            for _ in 0..self.rng.usize(low..=high) {
                text.push(choices[self.rng.usize(..choices.len())]);
            }
        }
        text
    }

    fn array(&mut self, schema: Schema<'m>, pointer: &str) -> Value {
        let low = schema.number("minItems").unwrap_or(0) as usize;
        let high = schema.number("maxItems").map_or(low + 3, |high| high as usize);
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let items = schema.at(schema.get("items").expect("items"));
        let mut array = Vec::new();
        let length = self.rng.usize(low..=high.min(low + 3));
        for _ in 0..length * 20 {
            if array.len() == length {
                break;
            }
            let words = self.words.len();
            let item = self.make(items, &format!("{pointer}/{}", array.len()));
            if unique && array.contains(&item) {
                self.words.truncate(words);
                continue;
            }
            array.push(item);
        }
        array.into()
    }

    fn object(&mut self, schema: Schema<'m>, pointer: &str) -> Value {
        let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let properties = schema.get("properties").and_then(Value::as_object).expect("properties");
        let mut object = Map::new();
        for (name, property) in properties {
            if required.contains(&Value::from(name.as_str())) || self.rng.bool() {
                object.insert(name.clone(), self.make(schema.at(property), &format!("{pointer}/{name}")));
            }
        }
        object.into()
    }
}

fn class(members: &[char]) -> Vec<char> {
    let mut choices = Vec::new();
    let mut at = 0;
    while at < members.len() {
        match members[at..] {
            [from, '-', to, ..] => {
                choices.extend(from..=to);
                at += 3;
            }
            [one, ..] => {
                choices.push(one);
                at += 1;
            }
            [] => break,
        }
    }
    choices
}

/// Texts that are nearly right for some format or pattern.
const NASTY: [&str; 40] = [
    "",
    " ",
    "x",
    "USD",
    "usd",
    "94110",
    "9411",
    "94110\n",
    "９４１１０",
    "card",
    "Card",
    "active",
    "2024-02-29",
    "2023-02-29",
    "2024-02-30",
    "2024-13-01",
    "24-01-01",
    "2024-1-1",
    "2024-02-29T12:00:00Z",
    "2024-02-29t12:00:00z",
    "2024-02-29 12:00:00Z",
    "2024-02-29T24:00:00Z",
    "2024-02-29T23:59:60Z",
    "2024-02-29T22:59:60Z",
    "2024-12-31T15:59:60-08:00",
    "2024-02-29T12:00:00",
    "2024-02-29T12:00:00+24:00",
    "2024-02-29T12:00:00+00:60",
    "2024-02-29T12:00Z",
    "2024-02-29T12:00:00.Z",
    "2024-02-29T12:00:00.123456789123Z",
    "2024-02-29T12:00:00,5Z",
    "a@b",
    "a@b.co",
    "@b.co",
    "a@",
    "a b@c.co",
    "a..b@c.co",
    "a@-b.co",
    "per_01a20f3e-ecb6-72da-bebe-a09ea919710f",
];

/// Changes something, somewhere; the result may be valid.
pub(crate) fn mutate(instance: &mut Value, rng: &mut Rng) {
    let mut pointers = vec![String::new()];
    places(instance, "", &mut pointers);
    let pointer = &pointers[rng.usize(..pointers.len())];
    let Some(place) = instance.pointer_mut(pointer) else { return };
    if rng.u8(0..6) == 0 {
        let others = [json!(null), json!(true), json!(3), json!(1.5), json!("x"), json!([]), json!({})];
        *place = others[rng.usize(..others.len())].clone();
        return;
    }
    match place {
        Value::Object(object) if rng.bool() && !object.is_empty() => {
            let name = object.keys().nth(rng.usize(..object.len())).cloned().unwrap_or_default();
            object.remove(&name);
        }
        Value::Object(object) => {
            object.insert("unheard_of".to_owned(), json!(1));
        }
        Value::Array(array) => match rng.u8(0..3) {
            0 => array.clear(),
            1 => array.extend(array.first().cloned()),
            _ => {
                for _ in 0..60 {
                    array.extend(array.first().cloned());
                }
            }
        },
        Value::String(text) => *text = change(text, rng),
        Value::Number(number) => {
            let near = number.as_i64().unwrap_or(0);
            let numbers = [
                json!(near.saturating_add(1)),
                json!(near.saturating_sub(1)),
                json!(0),
                json!(-1),
                json!(1.0),
                json!(1e2),
                json!(0.5),
            ];
            *place = numbers[rng.usize(..numbers.len())].clone();
        }
        Value::Null => *place = json!(NASTY[rng.usize(..NASTY.len())]),
        Value::Bool(_) => *place = json!(0),
    }
}

fn change(text: &str, rng: &mut Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = rng.usize(..=letters.len());
    match rng.u8(0..8) {
        0 => return NASTY[rng.usize(..NASTY.len())].to_owned(),
        1 => letters.push('\n'),
        2 => drop(letters.pop()),
        3 => letters.insert(at, ['z', 'Z', '0', '-', '漢', '\u{0}'][rng.usize(..6)]),
        4 if at < letters.len() => letters[at] = ['g', 'A', '9', '.', 'é'][rng.usize(..5)],
        5 => return text.to_uppercase(),
        6 => return "漢".repeat([200, 201, 255, 256, 1_000, 1_001, 2_000, 2_001][rng.usize(..8)]),
        _ => drop(letters.drain(..at)),
    }
    letters.into_iter().collect()
}

fn places(value: &Value, pointer: &str, into: &mut Vec<String>) {
    let mut place = |name: &str, value: &Value| {
        let pointer = format!("{pointer}/{name}");
        places(value, &pointer, into);
        into.push(pointer);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| place(name, value)),
        Value::Array(array) => array.iter().enumerate().for_each(|(at, value)| place(&at.to_string(), value)),
        _ => {}
    }
}
