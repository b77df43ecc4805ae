//! A test of the differential test: whichever keyword the generator forgets, some instance shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use crate::compare::compare;
use crate::foundry::{Answer, Foundry, Question};
use crate::generator::{Dialect, Formats, Order, generate};
use crate::random::cases::{Instance, Subject};
use crate::random::judge::judge;
use crate::random::visit::{visit, visit_mut};
use serde_json::{Value, json};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// All that constrain. `null` is the name of the type, which makes a value optional.
#[rustfmt::skip]
const KEYWORDS: [&str; 40] = [
    "$ref", "additionalProperties", "allOf", "anyOf", "const", "contains", "dependentRequired", "dependentSchemas", "else", "enum",
    "exclusiveMaximum", "exclusiveMinimum", "format", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum",
    "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "null", "oneOf", "pattern",
    "patternProperties", "prefixItems", "properties", "propertyNames", "required", "then", "type", "unevaluatedItems",
    "unevaluatedProperties", "uniqueItems",
];

/// How many schemas have the keyword that is forgotten in them, how many instances each gets, and how many schemas are looked through.
const SCHEMAS: usize = 4;
const INSTANCES: usize = 60;
const SEEDS: u64 = 6000;

#[test]
fn a_keyword_that_is_forgotten_is_noticed() {
    forget_each().unwrap_or_else(|error| panic!("{error}"));
}

fn forget_each() -> Result {
    let foundry = Foundry::new("mutations")?;
    let subjects = subjects()?;
    for (_, subject, _) in &subjects {
        foundry.add(&subject.event, &format!("{:#}", subject.schema))?;
    }
    let without: Vec<(&str, String)> =
        subjects.iter().map(|(keyword, subject, _)| (*keyword, format!("{}-v1.json", subject.event))).collect();
    let order = Order {
        name: "mutations",
        schemas: &foundry.schemas(),
        remotes: None,
        dialect: Dialect::Draft202012,
        formats: Formats::Assert,
        without: &without,
    };
    generate(order, &foundry.generated())?;
    let clerk = foundry.compile()?;
    let questions: Vec<Question<'_>> = subjects
        .iter()
        .flat_map(|(_, subject, instances)| {
            instances.iter().map(|instance| Question { event: &subject.event, json: &instance.text })
        })
        .collect();
    let mut answers = clerk.ask(&questions)?.into_iter();
    let mut noticed: BTreeMap<&str, usize> = KEYWORDS.iter().map(|keyword| (*keyword, 0)).collect();
    for (keyword, _, instances) in &subjects {
        let answers: Vec<Answer> = answers.by_ref().take(instances.len()).collect();
        // without the keyword, the schema may be one that is refused
        if !answers.contains(&Answer::Unknown) {
            let compared = instances.iter().zip(&answers).map(|(instance, answer)| compare(instance, answer));
            *noticed.entry(keyword).or_default() += compared.filter(std::result::Result::is_err).count();
        }
    }
    eprintln!("instances that show it: {noticed:?}");
    let missed: Vec<_> = KEYWORDS.iter().filter(|keyword| noticed[**keyword] == 0).collect();
    assert!(missed.is_empty(), "nobody notices that these are forgotten: {missed:?}");
    Ok(())
}

/// Some schemas for each keyword, each for one of those that it has, with instances some of which the keyword matters to.
fn subjects() -> Result<Vec<(&'static str, Subject, Vec<Instance>)>> {
    let mut counts: BTreeMap<&'static str, usize> = KEYWORDS.iter().map(|keyword| (*keyword, 0)).collect();
    let mut subjects = Vec::new();
    for seed in 1..=SEEDS {
        let mut subject = Subject::new(seed);
        let mut keywords: BTreeSet<&'static str> = BTreeSet::new();
        visit(&subject.schema, &mut |schema| keywords.extend(KEYWORDS.iter().filter(|keyword| has(schema, keyword))));
        keywords.retain(|keyword| counts[keyword] < SCHEMAS);
        if keywords.is_empty() {
            continue;
        }
        let instances = subject.instances(INSTANCES);
        let matters = |keyword: &&'static str| {
            // without a keyword that others need, there may be no schema
            let Ok(judge) = judge(&without(&subject.schema, keyword)) else { return false };
            let verdict =
                |instance: &Instance| serde_json::from_str(&instance.text).map(|value| judge.is_valid(&value));
            instances.iter().any(|instance| verdict(instance).is_ok_and(|valid| valid != instance.verdict.is_ok()))
        };
        let Some(keyword) = keywords.into_iter().filter(matters).min_by_key(|keyword| counts[keyword]) else {
            continue;
        };
        *counts.entry(keyword).or_default() += 1;
        subjects.push((keyword, subject, instances));
        if subjects.len() == KEYWORDS.len() * SCHEMAS {
            return Ok(subjects);
        }
    }
    Err(format!("{SEEDS} schemas are too few: {counts:?}").into())
}

/// The document with schemas that do not have the keyword.
fn without(document: &Value, keyword: &str) -> Value {
    let mut document = document.clone();
    visit_mut(&mut document, &mut |schema| {
        if keyword == "null" {
            if let Some(Value::Array(names)) = schema.get_mut("type") {
                names.retain(|name| name != "null");
            }
        } else {
            schema.remove(keyword);
        }
    });
    document
}

fn has(schema: &Value, keyword: &str) -> bool {
    match keyword {
        "null" => schema["type"].as_array().is_some_and(|names| names.contains(&json!("null"))),
        _ => schema.get(keyword).is_some(),
    }
}
