//! Whether the schemas and instances of the differential test are worth anybody's verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::cases::Subject;
use crate::random::judge::judge;
use crate::random::shrink::shrink;
use crate::random::visit::visit;
use crate::random::words::{FORMATS, PATTERNS};
use serde_json::{Value, json};

const SCHEMAS: u64 = 1000;
const INSTANCES: usize = 20;

/// Of these, the differential test says what they do.
#[rustfmt::skip]
const KEYWORDS: [&str; 51] = [
    "$anchor", "$comment", "$defs", "$id", "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "const", "contains",
    "dependentRequired", "dependentSchemas", "deprecated", "description", "else", "enum", "exclusiveMaximum",
    "exclusiveMinimum", "format", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains",
    "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems",
    "properties", "propertyNames", "readOnly", "required", "then", "title", "type", "unevaluatedItems", "unevaluatedProperties",
    "uniqueItems", "writeOnly", "false", "true",
];

#[test]
fn schemas_have_every_keyword_and_instances_are_of_both_kinds() {
    let seed = std::env::var("EVENTWRIGHT_SEED").ok().map_or(1, |seed| seed.parse().expect("a number"));
    let (mut keywords, mut pairs) = (BTreeMap::<String, usize>::new(), BTreeSet::new());
    let (mut valid, mut twins, mut hopeless, mut useless, mut subschemas) = (0, 0, 0, 0, 0);
    for seed in seed..seed + SCHEMAS {
        let mut subject = Subject::new(seed);
        let instances = subject.instances(INSTANCES);
        let accepted = instances.iter().filter(|instance| instance.verdict.is_ok()).count();
        valid += accepted;
        hopeless += usize::from(accepted == 0);
        useless += usize::from(accepted == INSTANCES);
        for instance in &instances {
            let shown = format!("EVENTWRIGHT_SEED={} ({}): {}", subject.seed, subject.event, instance.text);
            assert!(instance.survived_as(&instance.text), "{shown}");
            assert_eq!(subject.judged(instance.text.clone()).verdict, instance.verdict, "{shown}");
        }
        twins += instances.iter().filter(|instance| instance.has_twins).count();
        visit(&subject.schema, &mut |schema| {
            let schema: Vec<&str> = match schema {
                Value::Object(keywords) => keywords.keys().map(String::as_str).collect(),
                _ => vec![if *schema == json!(true) { "true" } else { "false" }],
            };
            subschemas += 1;
            for (index, one) in schema.iter().enumerate() {
                *keywords.entry((*one).to_owned()).or_default() += 1;
                pairs.extend(schema[index + 1..].iter().map(|other| format!("{one} {other}")));
            }
        });
    }
    let all = INSTANCES * SCHEMAS as usize;
    eprintln!("{valid} of {all} instances are valid, {twins} name a member twice");
    eprintln!(
        "{hopeless} of {SCHEMAS} schemas accepted nothing, {useless} everything; {subschemas} with those in them"
    );
    eprintln!("{} keywords in {} pairs: {keywords:?}", keywords.len(), pairs.len());
    let missing: Vec<_> = KEYWORDS.iter().filter(|keyword| !keywords.contains_key(**keyword)).collect();
    assert!(missing.is_empty(), "no schema has {missing:?}");
    assert!(valid * 3 > all && (all - valid) * 3 > all, "{valid} of {all}");
    assert!(hopeless * 10 < SCHEMAS as usize, "{hopeless} schemas accepted nothing");
    assert!(pairs.len() > 500, "{} pairs", pairs.len());
    assert!(twins > 0);
}

#[test]
fn samples_are_what_they_are_said_to_be() {
    for (pattern, samples) in PATTERNS {
        let judge = judge(&json!({ "pattern": pattern })).expect("a pattern");
        samples.iter().for_each(|sample| assert!(judge.is_valid(&json!(sample)), "{sample} and {pattern}"));
    }
    for (format, right, wrong) in FORMATS {
        let judge = judge(&json!({ "format": format })).expect("a format");
        right.iter().for_each(|sample| assert!(judge.is_valid(&json!(sample)), "{sample:?} is no {format}"));
        wrong.iter().for_each(|sample| assert!(!judge.is_valid(&json!(sample)), "{sample:?} is a {format}"));
    }
}

#[test]
fn a_seed_is_a_schema_and_its_instances() {
    for seed in 0..20 {
        let (mut one, mut other) = (Subject::new(seed), Subject::new(seed));
        assert_eq!(one.schema, other.schema);
        let texts = |subject: &mut Subject| subject.instances(10).into_iter().map(|instance| instance.text).collect();
        let (one, other): (Vec<String>, Vec<String>) = (texts(&mut one), texts(&mut other));
        assert_eq!(one, other);
    }
}

#[test]
fn shrinking_leaves_what_matters() {
    let value = json!({ "a": [1, { "b": "abc", "c": 1.5 }], "d": null });
    let shown = shrink(value, |smaller| smaller.iter().position(|value| value.to_string().contains("\"b\"")));
    assert_eq!(shown, json!({ "a": [{ "b": "" }] }));
}
