//! JSON as writers other than serde_json might send it.

use fastrand::Rng;
use serde_json::{Number, Value};

use super::words::LONG;

/// A text of a value, and whether an object in it names a member twice, the last of them with the value.
pub(crate) struct Spelled {
    pub(crate) text: String,
    pub(crate) has_twins: bool,
}

pub(crate) fn spell(value: &Value, rng: &mut Rng) -> Spelled {
    let with_twins = rng.u8(0..40) == 0;
    let mut speller = Speller { rng, with_twins, has_twins: false };
    let text = speller.value(value);
    Spelled { text, has_twins: speller.has_twins }
}

struct Speller<'r> {
    rng: &'r mut Rng,
    with_twins: bool,
    has_twins: bool,
}

impl Speller<'_> {
    fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                self.rng.shuffle(&mut members);
                if let Some(first) = members.first().copied().filter(|_| self.with_twins && self.rng.bool()) {
                    members.push(first);
                    self.has_twins = true;
                }
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(name, value)| format!("{}:{}", self.string(name), self.value(value)))
                    .collect();
                format!("{{{}}}", members.join(if self.rng.bool() { "," } else { " ,\n" }))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items.join(","))
            }
            Value::String(text) => self.string(text),
            Value::Number(number) => self.number(number),
            Value::Null | Value::Bool(_) => value.to_string(),
        }
    }

    fn string(&mut self, text: &str) -> String {
        if self.rng.u8(0..12) > 0 {
            return Value::from(text).to_string();
        }
        let escapes: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{escapes}\"")
    }

    /// The same number in other digits. Beyond 2^53 they would have to be all of them.
    fn number(&mut self, number: &Number) -> String {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let float = number.as_f64().expect("serde_json's numbers are within a float's range");
        if let Some((_, digits)) = LONG.iter().find(|(long, _)| *long == float && number.is_f64()) {
            return (*digits).to_owned();
        }
        if float.abs() >= EXACT && number.is_f64() {
            // the shortest digits of a float are another number's
            return format!("{float:.0}");
        }
        if float.abs() >= EXACT || self.rng.u8(0..4) > 0 {
            return number.to_string();
        }
        let point = if float.fract() == 0.0 { ".0" } else { "" };
        match self.rng.u8(0..5) {
            0 => format!("{float}{point}"),
            1 => format!("{float}{point}000000000000000000000"),
            2 => format!("{float:e}"),
            3 => format!("{float:E}").replace('E', "E+").replace("E+-", "E-"),
            _ if float == 0.0 => "-0".to_owned(),
            _ => format!("{float}{point}e0"),
        }
    }
}
