//! Schemas made of schemas for the same value.

use serde_json::{Map, Value, json};

use super::author::{Author, Kind, Spot};
use super::words::{NAMES, WORDS};

impl Author<'_> {
    pub(crate) fn compose(&mut self, kind: Kind, spot: Spot, schema: &mut Map<String, Value>) {
        let spot = spot.in_place();
        match self.rng.u8(0..40) {
            0..4 => drop(schema.insert("allOf".to_owned(), self.branches(kind, spot))),
            4..7 => drop(schema.insert("anyOf".to_owned(), self.branches(kind, spot))),
            7..9 => drop(schema.insert("oneOf".to_owned(), self.apart(spot))),
            9 => drop(schema.insert("oneOf".to_owned(), self.branches(kind, spot))),
            10 | 11 => drop(schema.insert("not".to_owned(), self.exception(kind, spot))),
            12 | 13 => {
                schema.insert("if".to_owned(), self.condition(kind, spot));
                if !self.one_in(5) {
                    schema.insert("then".to_owned(), self.of(kind, spot));
                }
                if self.one_in(2) {
                    schema.insert("else".to_owned(), self.of(kind, spot));
                }
            }
            _ => {}
        }
    }

    fn branches(&mut self, kind: Kind, spot: Spot) -> Value {
        let mut branches = Vec::new();
        for _ in 0..self.rng.usize(1..4) {
            let kind = if self.one_in(8) { self.kind(spot.depth) } else { kind };
            branches.push(self.of(kind, spot));
        }
        branches.into()
    }

    /// Branches of which a value can satisfy one alone: each has a type of its own.
    fn apart(&mut self, spot: Spot) -> Value {
        let mut kinds = [Kind::Object, Kind::Array, Kind::String, Kind::Integer, Kind::Boolean, Kind::Null];
        self.rng.shuffle(&mut kinds);
        let mut branches = Vec::new();
        for kind in &kinds[..self.rng.usize(2..4)] {
            let mut branch = match self.of(*kind, spot) {
                Value::Object(keywords) => keywords,
                _ => Map::new(),
            };
            branch.insert("type".to_owned(), kind.name().into());
            branches.push(branch);
        }
        json!(branches)
    }

    /// What a value must not be: something narrow, or nothing would be left.
    fn exception(&mut self, kind: Kind, spot: Spot) -> Value {
        match self.rng.u8(0..5) {
            0 if kind == Kind::Object => json!({ "required": [self.pick(&NAMES)] }),
            1 => json!({ "type": self.kind(spot.depth).name() }),
            2 => self.of(kind, spot),
            _ => self.listed(kind),
        }
    }

    fn condition(&mut self, kind: Kind, spot: Spot) -> Value {
        let name = self.pick(&NAMES);
        match self.rng.u8(0..5) {
            0 | 1 if kind == Kind::Object => {
                json!({ "properties": { name: { "const": self.pick(&WORDS) } }, "required": [name] })
            }
            2 if kind == Kind::Object => json!({ "required": [name] }),
            _ => self.of(kind, spot),
        }
    }

    /// Objects that a member tells apart.
    pub(crate) fn tagged(&mut self, spot: Spot) -> Value {
        let tag = self.pick(&["kind", "type"]);
        let mut branches = Vec::new();
        for word in &["card", "cash", "in_progress"][..self.rng.usize(2..4)] {
            let mut branch = match self.of(Kind::Object, spot.in_place()) {
                Value::Object(keywords) => keywords,
                _ => Map::new(),
            };
            branch.insert("type".to_owned(), "object".into());
            let properties = branch.entry("properties").or_insert_with(|| json!({}));
            properties[tag] = if self.one_in(5) { json!({ "enum": [word] }) } else { json!({ "const": word }) };
            let required = branch.entry("required").or_insert_with(|| json!([]));
            let required = required.as_array_mut().expect("a list of names");
            if !required.contains(&tag.into()) {
                required.push(tag.into());
            }
            branches.push(branch);
        }
        let mut schema = json!({ "oneOf": branches });
        if self.one_in(3) {
            schema["type"] = "object".into();
        }
        schema
    }
}
