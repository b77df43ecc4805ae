//! For every contract: the generated types and the `jsonschema` crate give each instance the same verdict, and what is valid
//! survives being read and written.

#[path = "verdicts/contracts.rs"]
mod contracts;
#[path = "verdicts/instances.rs"]
mod instances;

use contracts::{Contract, Documents, contracts};
use eventwright::payload::{self, Read};
use eventwright::{OffsetDateTime, Reading, Uuid};
use fastrand::Rng;
use instances::{Valid, mutate, valid};
use serde_json::{Value, json};
use sguild_events::AnyEvent;

/// Instances of each schema; `EVENTWRIGHT_INSTANCES` asks for more.
const INSTANCES: usize = 600;
/// What each schema must see of either verdict, or the test says little.
const AT_LEAST: usize = 60;

#[test]
fn types_and_validator_agree_on_every_contract() {
    let count = std::env::var("EVENTWRIGHT_INSTANCES").ok().and_then(|n| n.parse().ok()).unwrap_or(INSTANCES);
    let seed = std::env::var("EVENTWRIGHT_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    eprintln!("EVENTWRIGHT_SEED={seed}");
    let documents = Documents::load();
    let contracts = contracts();
    assert!(contracts.len() >= 23, "only {} contracts", contracts.len());
    for contract in &contracts {
        let mut rng = Rng::with_seed(seed);
        let validator = documents.validator(contract);
        let mut verdicts = [0, 0];
        for _ in 0..count {
            let mut instance = valid(&documents, documents.schema(&contract.path), &mut rng).json;
            for _ in 0..rng.u8(0..3) {
                mutate(&mut instance, &mut rng);
            }
            let expected = validator.is_valid(&instance);
            let read = decode(contract, &instance, Reading::Strict);
            assert_eq!(
                read.is_ok(),
                expected,
                "{} v{}: {instance}\nread: {:?}",
                contract.event_type,
                contract.version,
                read.err().map(|error| error.to_string()),
            );
            verdicts[usize::from(expected)] += 1;
            if let Ok(event) = read {
                survives(contract, &instance, &event);
            }
        }
        eprintln!("{} v{}: {} invalid, {} valid", contract.event_type, contract.version, verdicts[0], verdicts[1]);
        assert!(verdicts.iter().all(|seen| *seen >= AT_LEAST), "{}: {verdicts:?}", contract.event_type);
    }
}

fn decode(contract: &Contract, instance: &Value, reading: Reading) -> Result<AnyEvent, eventwright::DecodeError> {
    AnyEvent::decode(&contract.event_type, contract.version, instance.to_string().as_bytes(), reading)
}

fn survives(contract: &Contract, instance: &Value, event: &AnyEvent) {
    assert_eq!(decode(contract, instance, Reading::Tolerant).as_ref().ok(), Some(event), "{instance}");
    let written = event.encode().unwrap_or_else(|error| panic!("{instance}: {error}"));
    let written: Value = serde_json::from_str(&written).expect("JSON");
    assert!(same(instance, &written), "{instance}\nbecame {written}");
}

/// Equal as JSON; numbers by value, times as the same instant, UUIDs whatever the case of their digits (RFC 9562, section 4).
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => {
            a == b || equal::<OffsetDateTime>(one, other) || equal::<Uuid>(one, other)
        }
        _ => one == other,
    }
}

fn equal<T: Read + PartialEq>(one: &Value, other: &Value) -> bool {
    let read = |text: &Value| payload::decode::<T>(text.to_string().as_bytes(), Reading::Strict).ok();
    read(one).is_some_and(|value| Some(value) == read(other))
}

/// A later revision's members and enum values are read, and never published.
#[test]
fn tolerant_reading_lives_with_a_later_revision() {
    let documents = Documents::load();
    let mut rng = Rng::with_seed(7);
    let mut words = 0;
    for contract in contracts() {
        for _ in 0..50 {
            let Valid { json, words: pointers } = valid(&documents, documents.schema(&contract.path), &mut rng);
            let mut grown = json.clone();
            grown["unheard_of"] = json!({"of": [1, null]});
            assert!(decode(&contract, &grown, Reading::Strict).is_err(), "{grown}");
            assert!(decode(&contract, &grown, Reading::Tolerant).is_ok(), "{grown}");
            for pointer in pointers {
                let mut renamed = json.clone();
                *renamed.pointer_mut(&pointer).expect("a place") = json!("unheard_of");
                let strict = decode(&contract, &renamed, Reading::Strict).expect_err("an unknown word").to_string();
                assert!(strict.starts_with(&pointer), "{strict}");
                let read = decode(&contract, &renamed, Reading::Tolerant).unwrap_or_else(|e| panic!("{renamed}: {e}"));
                assert!(read.encode().is_err(), "{renamed}");
                words += 1;
            }
        }
    }
    assert!(words > 500, "only {words} words");
}
