//! Tolerant reading lets through what a later minor revision may add: members of closed objects, and words of enums.
//!
//! That it lets through nothing else, and reads the same values, is part of the differential test.

#[allow(dead_code, reason = "each test uses a part")]
#[path = "differential/mod.rs"]
mod differential;
#[path = "support/foundry.rs"]
mod foundry;
#[allow(dead_code, reason = "each test uses a part")]
#[path = "support/generator.rs"]
mod generator;

use std::error::Error;

use differential::cases::Subject;
use differential::references::References;
use foundry::{Answer, Foundry, Question};
use generator::{Dialect, Formats, Order, generate};
use serde_json::{Value, json};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SCHEMAS: u64 = 250;
const INSTANCES: usize = 40;

/// Of these, an object or a list says what its parts are, and nothing about the value as a whole.
#[rustfmt::skip]
const PLAIN: [&str; 24] = [
    "$anchor", "$comment", "$defs", "$id", "$schema", "additionalProperties", "const", "deprecated", "description", "enum", "items",
    "maxItems", "maxLength", "minItems", "minLength", "minProperties", "minimum", "maximum", "properties", "readOnly", "required", "title",
    "type", "writeOnly",
];

#[test]
fn additions_are_let_through() {
    read_additions().unwrap_or_else(|error| panic!("{error}"));
}

/// A value that only a later revision allows.
struct Addition {
    event: String,
    before: String,
    text: String,
}

fn read_additions() -> Result {
    let foundry = Foundry::new("tolerant")?;
    let mut subjects: Vec<Subject> = (1..=SCHEMAS).map(Subject::new).collect();
    for subject in &subjects {
        foundry.add(&subject.event, &format!("{:#}", subject.schema))?;
    }
    let order = Order {
        name: "tolerant",
        schemas: &foundry.schemas(),
        remotes: None,
        dialect: Dialect::Draft202012,
        formats: Formats::Assert,
        without: &[],
    };
    generate(order, &foundry.generated())?;
    let clerk = foundry.compile()?;
    let mut additions = Vec::new();
    for subject in &mut subjects {
        let instances = subject.instances(INSTANCES);
        let valid = instances.into_iter().filter(|instance| instance.verdict.is_ok() && !instance.has_twins);
        let references = References::new(&subject.schema);
        for instance in valid {
            let value: Value = serde_json::from_str(&instance.text)?;
            let mut places = Vec::new();
            collect(&subject.schema, &value, String::new(), &references, &mut places);
            for place in places {
                let mut later = value.clone();
                match later.pointer_mut(&place) {
                    Some(Value::Object(members)) => drop(members.insert("added later".to_owned(), json!([1]))),
                    Some(word) => *word = json!("added later"),
                    None => return Err(format!("nothing at {place} in {value}").into()),
                }
                let (event, before) = (subject.event.clone(), instance.text.clone());
                additions.push(Addition { event, before, text: later.to_string() });
            }
        }
    }
    let questions: Vec<Question<'_>> =
        additions.iter().map(|Addition { event, text, .. }| Question { event, json: text }).collect();
    let answers = clerk.ask(&questions)?;
    let mut wrong = Vec::new();
    let mut read = 0;
    for (Addition { event, before, text }, answer) in additions.iter().zip(answers) {
        match answer {
            Answer::Unknown => {}
            Answer::Read { strict: Err(_), tolerant: Ok(()) } => read += 1,
            other => wrong.push(format!("{event}: {before} became {text}: {other:?}")),
        }
    }
    eprintln!("{read} additions are read");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(read > 100, "there are only {read} additions");
    Ok(())
}

/// Finds closed objects and words, where every schema around says what its parts are and nothing more.
fn collect(schema: &Value, value: &Value, at: String, references: &References<'_>, places: &mut Vec<String>) {
    let Value::Object(keywords) = schema else { return };
    if let (Some(Value::String(reference)), 1) = (keywords.get("$ref"), keywords.len()) {
        if let Some(target) = references.follow(reference) {
            collect(target, value, at, references, places);
        }
        return;
    }
    if keywords.keys().any(|keyword| !PLAIN.contains(&keyword.as_str())) {
        return;
    }
    let is_closed = keywords.get("additionalProperties") == Some(&json!(false));
    match value {
        Value::Object(members) => {
            let properties = keywords.get("properties").and_then(Value::as_object);
            for (name, member) in members {
                let schema = properties.and_then(|all| all.get(name)).or_else(|| keywords.get("additionalProperties"));
                if let Some(schema) = schema {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    collect(schema, member, format!("{at}/{name}"), references, places);
                }
            }
            if is_closed && !keywords.contains_key("enum") && !keywords.contains_key("const") {
                places.push(at);
            }
        }
        Value::Array(items) => {
            let schema = keywords.get("items").unwrap_or(&Value::Null);
            for (index, item) in items.iter().enumerate() {
                collect(schema, item, format!("{at}/{index}"), references, places);
            }
        }
        Value::String(_) => {
            let values = match (keywords.get("const"), keywords.get("enum")) {
                (None, Some(Value::Array(values))) => values.as_slice(),
                (Some(value), None) => std::slice::from_ref(value),
                _ => return,
            };
            if values.iter().all(Value::is_string) && !keywords.contains_key("maxLength") {
                places.push(at);
            }
        }
        _ => {}
    }
}
