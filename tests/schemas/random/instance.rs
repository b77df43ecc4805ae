//! Instances that a schema allows, as far as that shows from its parts: the judge has the last word.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::references::References;
use super::words::{FORMATS, NAMES, PATTERNS, WORDS};

/// How deep values stand in each other before only what is required is made.
const DEPTH: u8 = 4;

pub(crate) struct Maker<'s> {
    pub(crate) references: &'s References<'s>,
    pub(crate) rng: &'s mut Rng,
}

/// Keywords that hold for a value, from one schema.
type Part<'s> = &'s Map<String, Value>;

impl<'s> Maker<'s> {
    /// A value for all of the schemas.
    pub(crate) fn make(&mut self, schemas: &[&'s Value], depth: u8) -> Value {
        // what requires another of itself has no instance
        if depth > 2 * DEPTH {
            return Value::Null;
        }
        let mut parts = Vec::new();
        for schema in schemas {
            self.flatten(schema, &mut parts);
        }
        if let Some(value) = self.listed(&parts) {
            return value;
        }
        match self.kind(&parts) {
            "object" => self.object(&mut parts, depth),
            "array" => self.array(&parts, depth),
            "string" => self.string(&parts).into(),
            "integer" => self.number(&parts, true),
            "number" => {
                let whole = self.rng.u8(0..3) == 0;
                self.number(&parts, whole)
            }
            "boolean" => self.rng.bool().into(),
            _ => Value::Null,
        }
    }

    /// The keywords of a schema and of what it applies to the same value; of alternatives, one.
    fn flatten(&mut self, schema: &'s Value, parts: &mut Vec<Part<'s>>) {
        let Some(keywords) = schema.as_object() else { return };
        parts.push(keywords);
        let reference = keywords.get("$ref").and_then(Value::as_str);
        if let Some(target) = reference.and_then(|reference| self.references.follow(reference)) {
            self.flatten(target, parts);
        }
        for branch in list(keywords, "allOf") {
            self.flatten(branch, parts);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(branch) = self.rng.choice(list(keywords, choice)) {
                self.flatten(branch, parts);
            }
        }
        if let Some(condition) = keywords.get("if") {
            let holds = self.rng.bool();
            if holds {
                self.flatten(condition, parts);
            }
            if let Some(branch) = keywords.get(if holds { "then" } else { "else" }) {
                self.flatten(branch, parts);
            }
        }
    }

    /// One of the values that the parts list, where they do.
    fn listed(&mut self, parts: &[Part<'s>]) -> Option<Value> {
        let values = |part: Part<'s>| {
            part.get("const").map(std::slice::from_ref).or_else(|| part.get("enum")?.as_array().map(Vec::as_slice))
        };
        let lists: Vec<&[Value]> = parts.iter().copied().filter_map(values).collect();
        let first = lists.first()?;
        let common: Vec<&Value> = first.iter().filter(|value| lists.iter().all(|list| list.contains(value))).collect();
        self.rng.choice(if common.is_empty() { first.iter().collect() } else { common }).cloned()
    }

    fn kind(&mut self, parts: &[Part<'s>]) -> &'static str {
        const KINDS: [&str; 7] = ["object", "array", "string", "integer", "number", "boolean", "null"];
        let mut kinds: Vec<&str> = KINDS.to_vec();
        for part in parts {
            let allows = |kind: &str| match part.get("type") {
                Some(Value::String(name)) => name == kind || name == "number" && kind == "integer",
                Some(Value::Array(names)) => names.iter().any(|name| name == kind),
                _ => true,
            };
            kinds.retain(|kind| allows(kind));
        }
        let spoken_of: Vec<&str> =
            kinds.iter().copied().filter(|kind| parts.iter().any(|part| speaks_of(part, kind))).collect();
        let choices = if spoken_of.is_empty() || self.rng.u8(0..12) == 0 { kinds } else { spoken_of };
        self.rng.choice(choices).unwrap_or("null")
    }

    fn object(&mut self, parts: &mut Vec<Part<'s>>, depth: u8) -> Value {
        let mut names: BTreeSet<&str> = self.choose_names(parts, depth).into_iter().collect();
        let mut unseen: Vec<&str> = names.iter().copied().collect();
        while let Some(name) = unseen.pop() {
            unseen.extend(self.brought_by(name, parts).into_iter().filter(|name| names.insert(name)));
        }
        let mut object = Map::new();
        for name in names {
            let schemas = self.of_member(parts, name);
            let is_required = parts.iter().any(|part| list(part, "required").contains(&json!(name)));
            if schemas.contains(&&Value::Bool(false)) && !is_required {
                continue;
            }
            let value = if schemas.is_empty() { anything(self.rng) } else { self.make(&schemas, depth + 1) };
            object.insert(name.to_owned(), value);
        }
        object.into()
    }

    /// The names that a name brings with it. What schemas it brings are parts from then on.
    fn brought_by(&mut self, name: &str, parts: &mut Vec<Part<'s>>) -> Vec<&'s str> {
        let mut names = Vec::new();
        for part in parts.clone() {
            let needs = part.get("dependentRequired").and_then(|needs| needs.get(name)).and_then(Value::as_array);
            names.extend(needs.into_iter().flatten().filter_map(Value::as_str));
            if let Some(schema) = part.get("dependentSchemas").and_then(|schemas| schemas.get(name)) {
                let before = parts.len();
                self.flatten(schema, parts);
                names.extend(parts[before..].iter().flat_map(|part| list(part, "required")).filter_map(Value::as_str));
            }
        }
        names
    }

    fn choose_names(&mut self, parts: &[Part<'s>], depth: u8) -> Vec<&'s str> {
        let required = parts.iter().flat_map(|part| list(part, "required")).filter_map(Value::as_str);
        let mut names: Vec<&str> = required.collect();
        names.sort_unstable();
        names.dedup();

        let declared = parts.iter().filter_map(|part| part.get("properties")?.as_object()).flat_map(Map::keys);
        let mut declared: Vec<&str> = declared.map(String::as_str).collect();
        self.rng.shuffle(&mut declared);
        let least = parts.iter().filter_map(|part| count(part, "minProperties")).max().unwrap_or(0);
        let most = parts.iter().filter_map(|part| count(part, "maxProperties")).min().unwrap_or(usize::MAX);
        for name in declared {
            let is_wanted = names.len() < least || depth < DEPTH && self.rng.u8(0..5) < 3;
            if is_wanted && names.len() < most && !names.contains(&name) {
                names.push(name);
            }
        }

        let is_closed = parts.iter().any(|part| part.get("additionalProperties") == Some(&Value::Bool(false)));
        let more = usize::from(!is_closed && self.rng.u8(0..4) == 0);
        let wanted = (names.len() + more).max(least).min(most);
        while names.len() < wanted.min(NAMES.len()) {
            let name = NAMES[self.rng.usize(..NAMES.len())];
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The schemas that hold for a member.
    fn of_member(&self, parts: &[Part<'s>], name: &str) -> Vec<&'s Value> {
        let mut schemas = Vec::new();
        for part in parts {
            let before = schemas.len();
            schemas.extend(part.get("properties").and_then(|properties| properties.get(name)));
            let patterns = part.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
            schemas.extend(
                patterns.filter(|(pattern, _)| self.references.matches(pattern, name)).map(|(_, schema)| schema),
            );
            if schemas.len() == before {
                schemas.extend(part.get("additionalProperties"));
            }
        }
        if schemas.is_empty() {
            schemas.extend(parts.iter().filter_map(|part| part.get("unevaluatedProperties")));
        }
        schemas
    }

    fn array(&mut self, parts: &[Part<'s>], depth: u8) -> Value {
        let least = parts.iter().filter_map(|part| count(part, "minItems")).max().unwrap_or(0);
        let most = parts.iter().filter_map(|part| count(part, "maxItems")).min().unwrap_or(least + 4);
        let prefix = parts.iter().map(|part| list(part, "prefixItems").len()).max().unwrap_or(0);
        let enough = if depth < DEPTH { least.max(prefix) + 2 } else { least };
        let length = self.rng.usize(least..=enough.min(most).max(least));
        let is_unique = parts.iter().any(|part| part.get("uniqueItems") == Some(&Value::Bool(true)));

        let mut wanted: Vec<Option<&Value>> = vec![None; length];
        for part in parts {
            let Some(contains) = part.get("contains") else { continue };
            let times = count(part, "minContains").unwrap_or(1);
            let most = count(part, "maxContains").unwrap_or(times + 1).max(times);
            for _ in 0..self.rng.usize(times..=most) {
                let at = self.rng.usize(..=wanted.len());
                match wanted.get_mut(at) {
                    Some(place) => *place = Some(contains),
                    None => wanted.push(Some(contains)),
                }
            }
        }
        let mut array: Vec<Value> = Vec::new();
        for (index, contains) in wanted.into_iter().enumerate() {
            let mut schemas = of_item(parts, index);
            if schemas.contains(&&Value::Bool(false)) && index >= least {
                break;
            }
            schemas.extend(contains);
            let make = |maker: &mut Self| match schemas.is_empty() {
                true => anything(maker.rng),
                false => maker.make(&schemas, depth + 1),
            };
            let mut item = make(self);
            for _ in 0..8 {
                if is_unique && array.contains(&item) {
                    item = make(self);
                }
            }
            array.push(item);
        }
        array.into()
    }

    fn string(&mut self, parts: &[Part<'s>]) -> String {
        let least = parts.iter().filter_map(|part| count(part, "minLength")).max().unwrap_or(0);
        let most = parts.iter().filter_map(|part| count(part, "maxLength")).min().unwrap_or(least + 8).max(least);
        let fits = |text: &&str| (least..=most).contains(&text.chars().count());
        let text = |keyword: &str| parts.iter().find_map(|part| part.get(keyword)?.as_str());
        let pattern =
            text("pattern").and_then(|pattern| PATTERNS.iter().find(|known| known.0 == pattern).map(|known| known.1));
        let format =
            text("format").and_then(|format| FORMATS.iter().find(|known| known.0 == format).map(|known| known.1));
        if let Some(samples) = pattern.or(format) {
            let samples: Vec<&str> = samples.iter().copied().filter(fits).collect();
            if let Some(sample) = self.rng.choice(samples) {
                return sample.to_owned();
            }
        }
        if self.rng.bool()
            && let Some(word) = self.rng.choice(WORDS.iter().copied().filter(fits).collect::<Vec<_>>())
        {
            return word.to_owned();
        }
        let between = self.rng.usize(least..=most);
        let length = self.rng.choice([least, most, between]).unwrap_or(least);
        letters(length, self.rng)
    }

    fn number(&mut self, parts: &[Part<'s>], whole: bool) -> Value {
        let numbers = |keyword: &'static str| parts.iter().filter_map(move |part| part.get(keyword)?.as_f64());
        let step = if whole { 1.0 } else { 0.5 };
        let low = numbers("minimum").chain(numbers("exclusiveMinimum").map(|low| low + step)).fold(f64::NAN, f64::max);
        let high =
            numbers("maximum").chain(numbers("exclusiveMaximum").map(|high| high - step)).fold(f64::NAN, f64::min);
        let (low, high) = match (low.is_nan(), high.is_nan()) {
            (true, true) => (-3.0, 120.0),
            (true, false) => (high - 100.0, high),
            (false, true) => (low, low + 100.0),
            (false, false) => (low, high.max(low)),
        };
        let any = low + self.rng.f64() * (high - low).min(1000.0);
        let number = self.rng.choice([low, high, any, any]).unwrap_or(any);
        match numbers("multipleOf").next() {
            Some(divisor) if divisor < 1.0 => {
                let parts = (1.0 / divisor).round();
                json_number((number * parts).ceil() / parts)
            }
            Some(divisor) => json_number((number / divisor).ceil() * divisor),
            None if whole => json_number(number.ceil()),
            None => json_number((number * 4.0).ceil() / 4.0),
        }
    }
}

/// Whether a part has keywords for values of a kind.
fn speaks_of(part: Part<'_>, kind: &str) -> bool {
    let keywords: &[&str] = match kind {
        "object" => {
            &["properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"]
        }
        "array" => &["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"],
        "string" => &["minLength", "maxLength", "pattern", "format"],
        "integer" | "number" => &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        _ => &[],
    };
    keywords.iter().any(|keyword| part.contains_key(*keyword))
}

/// The schemas that hold for an item.
fn of_item<'s>(parts: &[Part<'s>], index: usize) -> Vec<&'s Value> {
    let of_part = |part: &Part<'s>| list(part, "prefixItems").get(index).or_else(|| part.get("items"));
    let mut schemas: Vec<_> = parts.iter().filter_map(of_part).collect();
    if schemas.is_empty() {
        schemas.extend(parts.iter().filter_map(|part| part.get("unevaluatedItems")));
    }
    schemas
}

fn list<'s>(part: &'s Map<String, Value>, keyword: &str) -> &'s [Value] {
    part.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn count(part: &Map<String, Value>, keyword: &str) -> Option<usize> {
    part.get(keyword)?.as_u64()?.try_into().ok()
}

/// Whole numbers as integers, as most writers do.
pub(crate) fn json_number(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT { json!(number as i64) } else { json!(number) }
}

pub(crate) fn letters(length: usize, rng: &mut Rng) -> String {
    let letters = ['a', 'b', 'Z', '0', '-', ' ', 'é', '漢', '🦀', '"', '\\', '\n'];
    (0..length).map(|_| letters[rng.usize(..letters.len())]).collect()
}

pub(crate) fn anything(rng: &mut Rng) -> Value {
    match rng.u8(0..12) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => json!([]),
        3 => json!({}),
        4 => json!([anything(rng)]),
        5 => json!({ NAMES[rng.usize(..NAMES.len())]: anything(rng) }),
        6 => json!(1.5),
        7 | 8 => json!(rng.i8(-2..5)),
        _ => WORDS[rng.usize(..WORDS.len())].into(),
    }
}
