//! For every contract: the generated types and the `jsonschema` crate give each instance the same verdict, and what is valid
//! survives being read and written.
//!
//! `EVENTWRIGHT_INSTANCES` asks for more instances of each schema, `EVENTWRIGHT_SEED` for those of a run before.

mod arbitrary;
mod contracts;
mod json;
mod mutate;
mod pattern;
#[path = "../schemas/same.rs"]
mod same;
mod texts;
mod valid;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use contracts::{Contract, Documents, contracts};
use eventwright::{DecodeError, Reading};
use fastrand::Rng;
use mutate::{UNHEARD_OF, anything, edges, mutate};
use same::same;
use serde_json::Value;
use sguild_events::{AnyEvent, EventType};
use valid::{Valid, valid};

const INSTANCES: usize = 600;

/// How often each place of a schema is taken to the edges of its rules.
const EDGES: usize = 3;

/// How many of a schema's instances must be valid, and how many not: one in so many, or the test says little.
const ONE_IN: usize = 6;

#[test]
fn bindings_have_the_registrys_payloads() {
    let registry: BTreeSet<_> = contracts().into_iter().map(|known| (known.event_type, known.version)).collect();
    let is_known = |name: &str, version| {
        !matches!(AnyEvent::decode(name, version, b"{}", Reading::Strict), Err(DecodeError::Unknown { .. }))
    };
    let versions = EventType::ALL.iter().flat_map(|name| (0..=99).map(|version| (name.as_str().to_owned(), version)));
    let bindings: BTreeSet<_> = versions.filter(|(name, version)| is_known(name, *version)).collect();
    assert_eq!(bindings, registry);
    assert!(!registry.is_empty());
}

#[test]
fn types_and_validator_agree_on_every_contract() {
    let (seed, count) = (seed(), instances());
    let (documents, relaxed) = (Documents::load(), Documents::load().relaxed());
    for contract in &contracts() {
        let mut rng = Rng::with_seed(seed);
        let judges =
            [(Reading::Strict, documents.validator(contract)), (Reading::Tolerant, relaxed.validator(contract))];
        let mut accepted = [0, 0];
        for index in 0..count {
            let mut instance = valid(&documents, documents.schema(&contract.path), &mut rng);
            // every third stays valid
            for _ in 0..index % 3 {
                mutate(&documents, &mut instance, &mut rng);
            }
            let case = Case { contract, seed, json: json::spell(&instance.json, &mut rng) };
            let verdicts = case.judge(&judges);
            assert!(verdicts[0] || index % 3 > 0, "the generator made an invalid instance: {case}");
            accepted.iter_mut().zip(verdicts).for_each(|(count, verdict)| *count += usize::from(verdict));
        }
        let [strictly, tolerantly] = accepted;
        let seen = [strictly, count - strictly, count - tolerantly];
        eprintln!("{contract}: {strictly} read strictly, {} only tolerantly, {} not", tolerantly - strictly, seen[2]);
        assert!(seen.iter().all(|seen| seen * ONE_IN >= count), "{contract}: {seen:?}");
        assert!(tolerantly > strictly, "{contract}: nothing was read only tolerantly");
    }
}

/// Chance would seldom put one value just beyond a bound and leave the rest valid.
#[test]
fn types_and_validator_agree_at_the_edges_of_every_rule() {
    let seed = seed();
    let (documents, relaxed) = (Documents::load(), Documents::load().relaxed());
    for contract in &contracts() {
        let mut rng = Rng::with_seed(seed);
        let judges = judges(contract, &documents, &relaxed);
        let mut seen = BTreeMap::<String, usize>::new();
        for _ in 0..INSTANCES {
            let instance = valid(&documents, documents.schema(&contract.path), &mut rng);
            for place in &instance.places {
                let value = instance.json.pointer(&place.pointer).expect("a place");
                if value.is_null() || seen.get(&place.pointer) == Some(&EDGES) {
                    continue;
                }
                *seen.entry(place.pointer.clone()).or_default() += 1;
                for edge in edges(&documents, place.schema, value, &mut rng) {
                    Case { contract, seed, json: with(&instance, &place.pointer, edge) }.judge(&judges);
                }
            }
        }
        assert!(seen.values().all(|times| *times == EDGES), "{contract}: {seen:?}");
    }
}

/// A later revision's members and words are read, and words never published.
#[test]
fn tolerant_reading_lives_with_a_later_revision() {
    let (seed, count) = (seed(), instances());
    let documents = Documents::load();
    let mut words = 0;
    for contract in &contracts() {
        let mut rng = Rng::with_seed(seed);
        for _ in 0..count {
            let instance = valid(&documents, documents.schema(&contract.path), &mut rng);
            let grown = Case { contract, seed, json: with_a_member_more(&instance, &mut rng) };
            grown.read(Reading::Tolerant).unwrap_or_else(|error| panic!("{grown}\n{error}"));

            let is_word = |pointer: &str, schema| texts::is_word(schema, instance.json.pointer(pointer));
            let pointers = instance.places.iter().filter(|place| is_word(&place.pointer, place.schema));
            let Some(place) = rng.choice(pointers.collect::<Vec<_>>()) else { continue };
            let case = Case { contract, seed, json: with(&instance, &place.pointer, UNHEARD_OF.into()) };
            let strict = case.read(Reading::Strict).expect_err("an unknown word").to_string();
            assert!(strict.starts_with(&format!("{}:", place.pointer)), "{case}\n{strict}");
            let read = case.read(Reading::Tolerant).unwrap_or_else(|error| panic!("{case}\n{error}"));
            assert!(read.encode().is_err(), "an unknown word was published: {case}");
            words += 1;
        }
    }
    assert!(words > count, "only {words} words");
}

/// Who decides what either reading accepts.
type Judges = [(Reading, jsonschema::Validator); 2];

fn judges(contract: &Contract, documents: &Documents, relaxed: &Documents) -> Judges {
    [(Reading::Strict, documents.validator(contract)), (Reading::Tolerant, relaxed.validator(contract))]
}

fn with_a_member_more(instance: &Valid<'_>, rng: &mut Rng) -> String {
    let is_object = |pointer: &str| instance.json.pointer(pointer).is_some_and(Value::is_object);
    let objects: Vec<_> = instance.places.iter().filter(|place| is_object(&place.pointer)).collect();
    let object = rng.choice(objects).expect("a payload is an object");
    let mut members = instance.json.pointer(&object.pointer).cloned().expect("a place");
    members[UNHEARD_OF] = anything(rng);
    with(instance, &object.pointer, members)
}

fn with(instance: &Valid<'_>, pointer: &str, value: Value) -> String {
    let mut json = instance.json.clone();
    *json.pointer_mut(pointer).expect("a place") = value;
    json.to_string()
}

fn seed() -> u64 {
    let seed = std::env::var("EVENTWRIGHT_SEED").ok().map(|seed| seed.parse().expect("EVENTWRIGHT_SEED is a number"));
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("EVENTWRIGHT_SEED={seed}");
    seed
}

fn instances() -> usize {
    let count = std::env::var("EVENTWRIGHT_INSTANCES").ok();
    count.map_or(INSTANCES, |count| count.parse().expect("EVENTWRIGHT_INSTANCES is a number"))
}

/// One instance, as it is sent.
struct Case<'c> {
    contract: &'c Contract,
    seed: u64,
    json: String,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), EVENTWRIGHT_SEED={}\n{}", self.contract, self.contract.path, self.seed, self.json)
    }
}

impl Case<'_> {
    fn read(&self, reading: Reading) -> Result<AnyEvent, DecodeError> {
        AnyEvent::decode(&self.contract.event_type, self.contract.version, self.json.as_bytes(), reading)
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_else(|error| panic!("{self}\n{error}"))
    }

    /// The verdicts, which must be unanimous. What is valid must survive.
    fn judge(&self, judges: &Judges) -> [bool; 2] {
        let value = self.value();
        let verdicts = judges.each_ref().map(|(reading, judge)| {
            let (ours, theirs) = (self.read(*reading).err(), judge.validate(&value).err());
            assert_eq!(
                ours.is_none(),
                theirs.is_none(),
                "{self}\n{reading:?} reading: {}\njsonschema: {}",
                ours.map_or("valid".to_owned(), |error| format!("invalid, {error}")),
                theirs.map_or("valid".to_owned(), |error| format!("invalid, {error}")),
            );
            ours.is_none()
        });
        if verdicts[0] {
            self.survives();
        }
        verdicts
    }

    fn survives(&self) {
        let event = self.read(Reading::Strict).unwrap_or_else(|error| panic!("{self}\n{error}"));
        assert_eq!(self.read(Reading::Tolerant).as_ref(), Ok(&event), "{self}");
        let written = event.encode().unwrap_or_else(|error| panic!("{self}\n{error}"));
        let written: Value = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{self}\n{error}"));
        assert!(same(&self.value(), &written), "{self}\nbecame {written}");
    }
}
