//! Instances with something changed, to what the schema speaks of or next to it. The result may be valid.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::instance::{anything, json_number, letters};
use super::words::{FORMATS, LONG, NAMES, WORDS};

/// What a schema speaks of.
#[derive(Default)]
pub(crate) struct Vocabulary {
    values: Vec<Value>,
    names: Vec<String>,
    numbers: Vec<f64>,
    lengths: Vec<usize>,
    texts: Vec<&'static str>,
}

impl Vocabulary {
    pub(crate) fn of(schema: &Value) -> Self {
        let mut vocabulary = Self::default();
        vocabulary.collect(schema);
        vocabulary
    }

    fn collect(&mut self, json: &Value) {
        match json {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(members) => members.iter().for_each(|(name, value)| self.keyword(name, value)),
            _ => {}
        }
    }

    fn keyword(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("const", value) => self.values.push(value.clone()),
            ("enum", Value::Array(values)) => self.values.extend(values.iter().cloned()),
            ("format", Value::String(format)) => {
                let known = FORMATS.iter().filter(|known| known.0 == format);
                self.texts.extend(known.flat_map(|(_, right, wrong)| right.iter().chain(*wrong)));
            }
            ("properties" | "patternProperties" | "dependentSchemas", Value::Object(members)) => {
                self.names.extend(members.keys().cloned());
                members.values().for_each(|schema| self.collect(schema));
            }
            (_, Value::Number(number))
                if name.contains("Length") || name.contains("Items") || name.contains("Prop") =>
            {
                self.lengths.extend(number.as_u64().and_then(|length| usize::try_from(length).ok()));
            }
            (_, Value::Number(number)) => self.numbers.extend(number.as_f64()),
            (_, value) => self.collect(value),
        }
    }

    /// Changes something, somewhere.
    pub(crate) fn mutate(&self, instance: &mut Value, rng: &mut Rng) {
        let mut places = Vec::new();
        pointers(instance, String::new(), &mut places);
        let place = &places[rng.usize(..places.len())];
        let Some(value) = instance.pointer_mut(place) else { return };
        *value = match value.take() {
            _ if rng.u8(0..10) == 0 => Value::Null,
            _ if rng.u8(0..10) == 0 => self.value(rng),
            _ if rng.u8(0..14) == 0 => anything(rng),
            Value::Object(members) => self.object(members, rng),
            Value::Array(items) => self.array(items, rng),
            Value::String(text) => self.string(text, rng),
            Value::Number(number) => self.number(number.as_f64().unwrap_or(0.0), rng),
            Value::Bool(truth) => json!(!truth),
            Value::Null => self.value(rng),
        };
    }

    /// Adds what a later revision may allow: a member, or a word.
    pub(crate) fn grow(instance: &mut Value, rng: &mut Rng) {
        let mut places = Vec::new();
        pointers(instance, String::new(), &mut places);
        places.retain(|place| instance.pointer(place).is_some_and(|value| value.is_object() || value.is_string()));
        match rng.choice(&places).and_then(|place| instance.pointer_mut(place)) {
            Some(Value::Object(members)) => drop(members.insert("added later".to_owned(), json!([1]))),
            Some(word) => *word = json!("added later"),
            None => {}
        }
    }

    fn value(&self, rng: &mut Rng) -> Value {
        rng.choice(&self.values).cloned().unwrap_or_else(|| anything(rng))
    }

    fn name(&self, rng: &mut Rng) -> String {
        let known = rng.choice(&self.names).filter(|_| rng.bool());
        known.cloned().unwrap_or_else(|| NAMES[rng.usize(..NAMES.len())].to_owned())
    }

    fn object(&self, mut members: Map<String, Value>, rng: &mut Rng) -> Value {
        let member = rng.choice(members.keys()).cloned();
        match (rng.u8(0..8), member) {
            (0..3, Some(member)) => drop(members.remove(&member)),
            (3, Some(member)) => {
                let value = members.remove(&member).unwrap_or_default();
                members.insert(self.name(rng), value);
            }
            (4, Some(member)) => {
                let value = members[&member].clone();
                members.insert(self.name(rng), value);
            }
            (5, Some(member)) => {
                members.insert(member, self.value(rng));
            }
            (_, _) => {
                members.insert(self.name(rng), self.value(rng));
            }
        }
        members.into()
    }

    fn array(&self, mut items: Vec<Value>, rng: &mut Rng) -> Value {
        let at = rng.usize(..=items.len());
        match (rng.u8(0..6), rng.choice(&items).cloned()) {
            (0, Some(_)) => drop(items.pop()),
            (1, Some(_)) => drop(items.remove(at.min(items.len() - 1))),
            (2, Some(again)) => items.insert(at, again),
            (3, Some(_)) => rng.shuffle(&mut items),
            _ => items.insert(at, self.value(rng)),
        }
        items.into()
    }

    fn string(&self, text: String, rng: &mut Rng) -> Value {
        let sample = rng.choice(&self.texts).copied();
        match (rng.u8(0..8), sample) {
            (0..3, Some(sample)) => sample.into(),
            (3, _) => {
                let length = rng.choice(&self.lengths).copied().unwrap_or(2);
                let length = rng.choice([length.saturating_sub(1), length, length + 1]).unwrap_or(length);
                letters(length, rng).into()
            }
            (4, _) => WORDS[rng.usize(..WORDS.len())].into(),
            // near a format there is much that validators disagree on; what the format's table has is beyond doubt
            (5, None) => (text + "🦀").into(),
            (6, None) => text.chars().skip(1).collect::<String>().into(),
            _ => self.value(rng),
        }
    }

    fn number(&self, number: f64, rng: &mut Rng) -> Value {
        let known = rng.choice(&self.numbers).copied().unwrap_or(number);
        match rng.u8(0..8) {
            0..3 => json_number(known + rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0]).unwrap_or(0.0)),
            3 => json_number(number + 1.0),
            4 => json_number(-number),
            5 => json!(LONG[rng.usize(..LONG.len())].0),
            6 => json!(rng.choice([i64::MAX, i64::MIN, 1 << 53, 100]).unwrap_or(0)),
            _ => json_number(number + 0.25),
        }
    }
}

fn pointers(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), places);
            }
            // they are few, and have more rules than what they consist of
            places.extend([at.clone(), at.clone()]);
        }
        _ => {}
    }
    places.push(at);
}
