//! Valid instances of a schema, from the schema.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::contracts::{Documents, Schema};
use super::pattern::{Times, matching};
use super::texts;

pub(crate) struct Valid<'d> {
    pub(crate) json: Value,
    pub(crate) places: Vec<Place<'d>>,
}

/// Where a value stands in an instance, and the schema that it comes from.
#[derive(Clone)]
pub(crate) struct Place<'d> {
    pub(crate) pointer: String,
    pub(crate) schema: Schema<'d>,
}

pub(crate) fn valid<'d>(documents: &'d Documents, schema: Schema<'d>, rng: &mut Rng) -> Valid<'d> {
    let mut maker = Maker { documents, rng, places: Vec::new() };
    let json = maker.make(schema, "");
    Valid { json, places: maker.places }
}

struct Maker<'d, 'r> {
    documents: &'d Documents,
    rng: &'r mut Rng,
    places: Vec<Place<'d>>,
}

impl<'d> Maker<'d, '_> {
    fn make(&mut self, schema: Schema<'d>, pointer: &str) -> Value {
        if let Some(reference) = schema.text("$ref") {
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
        self.places.push(Place { pointer: pointer.to_owned(), schema });
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words[self.rng.usize(..words.len())].clone();
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

    fn integer(&mut self, schema: Schema<'d>) -> Value {
        const EXACT_AS_FLOAT: i64 = 1 << 53;

        let low = schema.number("minimum").unwrap_or(i64::MIN);
        let high = schema.number("maximum").unwrap_or(i64::MAX);
        let number = match self.rng.u8(0..4) {
            0 => low,
            1 => high,
            2 => self.rng.i64(low..=high),
            _ => self.rng.i64(low..=low.saturating_add(1_000).min(high)),
        };
        // JSON Schema counts 3.0 as an integer
        let as_float = self.rng.u8(0..8) == 0 && (-EXACT_AS_FLOAT..=EXACT_AS_FLOAT).contains(&number);
        if as_float { json!(number as f64) } else { json!(number) }
    }

    fn string(&mut self, schema: Schema<'d>) -> String {
        if let Some(pattern) = schema.text("pattern") {
            return matching(pattern, Times::Any, self.rng);
        }
        match schema.text("format") {
            Some("date-time") => self.date_time(),
            Some("date") => self.date(),
            Some("email") => format!("{}@example.com", self.letters(1, 20)),
            Some("uuid") => matching(UUID_V4, Times::Any, self.rng),
            Some(other) => panic!("a format that no contract has: {other}"),
            None => {
                let low = schema.count("minLength").unwrap_or(0);
                let high = schema.count("maxLength").unwrap_or(low + 30);
                let length = if self.rng.u8(0..4) == 0 { high } else { self.rng.usize(low..=high.min(low + 30)) };
                texts::of_length(length, self.rng)
            }
        }
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

    fn array(&mut self, schema: Schema<'d>, pointer: &str) -> Value {
        let low = schema.count("minItems").unwrap_or(0);
        let high = schema.count("maxItems").unwrap_or(low + 3);
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let items = schema.at(schema.get("items").expect("items"));
        let mut array = Vec::new();
        let length = self.rng.usize(low..=high.min(low + 3));
        for _ in 0..length * 20 {
            if array.len() == length {
                break;
            }
            let places = self.places.len();
            let item = self.make(items, &format!("{pointer}/{}", array.len()));
            if unique && array.contains(&item) {
                self.places.truncate(places);
                continue;
            }
            array.push(item);
        }
        array.into()
    }

    fn object(&mut self, schema: Schema<'d>, pointer: &str) -> Value {
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

const UUID_V4: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";
