//! JSON as text that a writer other than serde_json might send.

use fastrand::Rng;
use serde_json::Value;

/// Writes JSON with members in any order, numbers, strings and white space spelled in any way that RFC 8259 allows.
pub(crate) fn spell(json: &Value, rng: &mut Rng) -> String {
    match json {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            rng.shuffle(&mut members);
            let member = |(name, value): (&String, &Value)| {
                let name = spell_string(name, rng);
                format!("{}{name}{}:{}", space(rng), space(rng), spell(value, rng))
            };
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spell(item, rng)).collect();
            format!("{}[{}]{}", space(rng), items.join(","), space(rng))
        }
        Value::String(text) => spell_string(text, rng),
        Value::Number(number) if number.is_f64() && rng.bool() => {
            let exponent = format!("{:e}", number.as_f64().expect("a float"));
            if rng.bool() { exponent.to_uppercase() } else { exponent }
        }
        other => other.to_string(),
    }
}

fn spell_string(text: &str, rng: &mut Rng) -> String {
    if rng.u8(0..8) > 0 {
        return Value::from(text).to_string();
    }
    let escapes: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{escapes}\"")
}

fn space(rng: &mut Rng) -> &'static str {
    rng.choice(["", "", "", "", " ", "\n\t"]).unwrap_or_default()
}
