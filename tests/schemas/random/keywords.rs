//! The keywords of each kind of value.

use serde_json::{Map, Value, json};

use super::author::{Author, Kind, Spot};
use super::words::{FORMATS, NAMES, PATTERNS, WORDS};
use crate::same::same;

type Schema = Map<String, Value>;

impl Author<'_> {
    pub(crate) fn object(&mut self, spot: Spot, schema: &mut Schema) {
        let mut names: Vec<&str> = (0..self.rng.usize(1..5)).map(|_| self.pick(&NAMES)).collect();
        names.sort_unstable();
        names.dedup();
        if !self.one_in(8) {
            let properties: Schema = names.iter().map(|name| ((*name).to_owned(), self.any(spot.child()))).collect();
            schema.insert("properties".to_owned(), properties.into());
        }
        if !self.one_in(3) {
            let mut required: Vec<&str> = names.iter().copied().filter(|_| self.rng.bool()).collect();
            let other = self.pick(&NAMES);
            if self.one_in(12) && !required.contains(&other) {
                required.push(other);
            }
            schema.insert("required".to_owned(), json!(required));
        }
        match self.rng.u8(0..10) {
            0 => drop(schema.insert("additionalProperties".to_owned(), json!(false))),
            1 => drop(schema.insert("additionalProperties".to_owned(), self.any(spot.child()))),
            2 if self.one_in(2) => drop(schema.insert("unevaluatedProperties".to_owned(), json!(false))),
            2 if self.one_in(2) => drop(schema.insert("unevaluatedProperties".to_owned(), self.any(spot.child()))),
            _ => {}
        }
        if self.one_in(8) {
            let patterns: Schema =
                (0..self.rng.usize(1..3)).map(|_| (self.pattern(), self.any(spot.child()))).collect();
            schema.insert("patternProperties".to_owned(), patterns.into());
        }
        if self.one_in(14) {
            let rule = match self.rng.u8(0..4) {
                0 => json!({ "enum": NAMES[..7] }),
                1 => json!({ "maxLength": self.rng.u8(1..6) }),
                2 => json!({ "type": "string", "minLength": self.rng.u8(1..3) }),
                _ => json!({ "pattern": self.pattern() }),
            };
            schema.insert("propertyNames".to_owned(), rule);
        }
        self.bounds("minProperties", "maxProperties", 12, 3, schema);
        if self.one_in(12) {
            let (name, needs) = (self.pick(&NAMES), self.pick(&NAMES));
            schema.insert("dependentRequired".to_owned(), json!({ name: [needs] }));
        }
        if self.one_in(14) && !spot.is_deep() {
            let name = self.pick(&NAMES);
            let then = self.of(Kind::Object, spot.in_place());
            schema.insert("dependentSchemas".to_owned(), json!({ name: then }));
        }
    }

    pub(crate) fn array(&mut self, spot: Spot, schema: &mut Schema) {
        let mut has_prefix = false;
        if self.one_in(4) {
            let prefix: Vec<Value> = (0..self.rng.usize(1..4)).map(|_| self.any(spot.child())).collect();
            schema.insert("prefixItems".to_owned(), prefix.into());
            has_prefix = true;
        }
        match self.rng.u8(0..10) {
            0 if has_prefix => drop(schema.insert("items".to_owned(), json!(false))),
            0 | 1 => drop(schema.insert("unevaluatedItems".to_owned(), json!(false))),
            2 if self.one_in(2) => drop(schema.insert("unevaluatedItems".to_owned(), self.any(spot.child()))),
            2 => {}
            _ => drop(schema.insert("items".to_owned(), self.any(spot.child()))),
        }
        if self.one_in(4) {
            schema.insert("contains".to_owned(), self.any(spot.child()));
            self.bounds("minContains", "maxContains", 2, 2, schema);
        }
        self.bounds("minItems", "maxItems", 4, 3, schema);
        if self.one_in(6) {
            schema.insert("uniqueItems".to_owned(), (!self.one_in(8)).into());
        }
    }

    pub(crate) fn string(&mut self, schema: &mut Schema) {
        match self.rng.u8(0..10) {
            0..3 => self.bounds("minLength", "maxLength", 1, 6, schema),
            3 | 4 => drop(schema.insert("pattern".to_owned(), self.pattern().into())),
            5 | 6 => drop(schema.insert("format".to_owned(), self.pick(&FORMATS).0.into())),
            7 => {
                schema.insert("pattern".to_owned(), self.pattern().into());
                self.bounds("minLength", "maxLength", 2, 4, schema);
            }
            _ => {}
        }
        if self.one_in(40) {
            schema.insert("format".to_owned(), "unheard-of".into());
        }
    }

    pub(crate) fn number(&mut self, kind: Kind, schema: &mut Schema) {
        let whole = kind == Kind::Integer || self.rng.bool();
        let low = self.pick(&[-10, -1, 0, 0, 0, 1, 1, 2, 100]);
        let bound = |number: i64| if whole { json!(number) } else { json!(number as f64 + 0.5) };
        let keyword =
            |exclusive: bool, one: &str, other: &str| if exclusive { one.to_owned() } else { other.to_owned() };
        if self.one_in(2) {
            let exclusive = self.one_in(4);
            schema.insert(keyword(exclusive, "exclusiveMinimum", "minimum"), bound(low));
        }
        if self.one_in(3) {
            let exclusive = self.one_in(4);
            let high = low + self.pick(&[2, 3, 4, 10, 1000, 1 << 33]);
            schema.insert(keyword(exclusive, "exclusiveMaximum", "maximum"), bound(high));
        }
        if self.one_in(8) {
            let divisor = match kind {
                Kind::Number => self.pick(&[0.5, 0.25, 0.1, 0.01, 1.5]).into(),
                _ => self.pick(&[1, 2, 3, 5, 10, 100]).into(),
            };
            schema.insert("multipleOf".to_owned(), divisor);
        }
        if self.one_in(30) {
            let bound = self.pick(&[i64::MAX, i64::MAX - 1, 1 << 53, u32::MAX.into(), i32::MAX.into(), 255, 65_535]);
            schema.insert("maximum".to_owned(), bound.into());
        }
    }

    pub(crate) fn pattern(&mut self) -> String {
        self.pick(&PATTERNS).0.to_owned()
    }

    /// A lower and an upper bound on a number of something, or one of them, or neither.
    fn bounds(&mut self, least: &str, most: &str, one_in: u32, size: usize, schema: &mut Schema) {
        if !self.one_in(one_in) {
            return;
        }
        let low = self.rng.usize(..=size);
        if !self.one_in(3) {
            schema.insert(least.to_owned(), low.into());
        }
        if !self.one_in(3) {
            schema.insert(most.to_owned(), (low + self.rng.usize(..=size)).into());
        }
    }

    /// An `enum` or a `const`, mostly of one kind.
    pub(crate) fn listed(&mut self, kind: Kind) -> Value {
        let mut schema = Schema::new();
        if self.one_in(3) {
            schema.insert("type".to_owned(), self.types_of_list(kind));
        }
        if self.one_in(3) {
            schema.insert("const".to_owned(), self.value(kind));
        } else {
            let mut values: Vec<Value> = Vec::new();
            for _ in 0..self.rng.usize(1..6) {
                let value = if self.one_in(8) { self.json(0) } else { self.value(kind) };
                if !values.iter().any(|known| same(known, &value)) {
                    values.push(value);
                }
            }
            schema.insert("enum".to_owned(), values.into());
        }
        schema.into()
    }

    fn types_of_list(&mut self, kind: Kind) -> Value {
        if self.one_in(4) && kind != Kind::Null { json!([kind.name(), "null"]) } else { kind.name().into() }
    }

    /// A value of one kind.
    fn value(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Object => json!({ self.pick(&NAMES): self.json(2) }),
            Kind::Array => json!([self.json(2)]),
            Kind::String => self.pick(&WORDS).into(),
            Kind::Integer => self.pick(&[0, 1, 2, 3, -1, 100, i64::MAX]).into(),
            Kind::Number => self.pick(&[0.0, 1.0, 0.5, -1.5, 100.25]).into(),
            Kind::Boolean => self.rng.bool().into(),
            Kind::Null => Value::Null,
        }
    }

    /// Any JSON.
    pub(crate) fn json(&mut self, depth: u8) -> Value {
        use Kind::{Array, Boolean, Integer, Null, Number, Object, String};
        let kinds = [String, Integer, Number, Boolean, Null, Object, Array];
        let kind = self.pick(if depth < 2 { &kinds } else { &kinds[..5] });
        self.value(kind)
    }
}
