//! A schema, and instances of it with the judge's verdicts.

use fastrand::Rng;
use serde_json::Value;

use super::author;
use super::instance::{Maker, anything};
use super::judge::judge;
use super::mutate::Vocabulary;
use super::references::References;
use super::relax::{Extent, relaxed};
use super::spell::{Spelled, spell};
use crate::same::same;

/// How often an instance that should be valid is made anew.
const ATTEMPTS: usize = 6;

/// How many schemas an author throws away for which no instance is found, and how many are tried. Some without instances remain: code
/// for them must compile, too.
const DRAFTS: usize = 3;
const PROBES: usize = 12;

/// A schema that one seed stands for.
pub(crate) struct Subject {
    pub(crate) seed: u64,
    pub(crate) event: String,
    pub(crate) schema: Value,
    pub(crate) judge: jsonschema::Validator,
    /// Of what tolerant reading has to let through besides, and of what it may.
    relaxed: [jsonschema::Validator; 2],
    rng: Rng,
}

/// An instance, as it is sent, and what the judge says.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) text: String,
    /// A member that is named twice may be refused (RFC 8259 section 4), whatever the judge says of the last of them.
    pub(crate) has_twins: bool,
    /// What is wrong with it.
    pub(crate) verdict: Result<(), String>,
    /// Whether the schema allows it when its closed objects are open and its words are any.
    pub(crate) must_be_tolerated: bool,
    pub(crate) may_be_tolerated: bool,
}

impl Subject {
    pub(crate) fn new(seed: u64) -> Self {
        let mut drafts = DRAFTS;
        let mut rng = Rng::with_seed(seed);
        let event = format!("event-{seed}");
        loop {
            let schema = author::schema(&event, &mut rng);
            let judge = judge(&schema).unwrap_or_else(|error| panic!("EVENTWRIGHT_SEED={seed}: {error}\n{schema:#}"));
            let relaxed = [Extent::Must, Extent::May].map(|extent| {
                super::judge::judge(&relaxed(&schema, &event, extent))
                    .unwrap_or_else(|error| panic!("EVENTWRIGHT_SEED={seed}: relaxed: {error}\n{schema:#}"))
            });
            let mut subject = Self { seed, event: event.clone(), schema, judge, relaxed, rng };
            drafts -= 1;
            if drafts == 0 || (0..PROBES).any(|_| subject.is_satisfiable()) {
                return subject;
            }
            rng = subject.rng;
        }
    }

    fn is_satisfiable(&mut self) -> bool {
        let references = References::new(&self.schema);
        let value = Maker { references: &references, rng: &mut self.rng }.make(&[&self.schema], 0);
        self.judge.is_valid(&value)
    }

    pub(crate) fn instances(&mut self, count: usize) -> Vec<Instance> {
        let references = References::new(&self.schema);
        let vocabulary = Vocabulary::of(&self.schema);
        let mut instances = Vec::new();
        for index in 0..count {
            let mut value = Value::Null;
            for _ in 0..ATTEMPTS {
                value = Maker { references: &references, rng: &mut self.rng }.make(&[&self.schema], 0);
                if self.judge.is_valid(&value) {
                    break;
                }
            }
            match index % 8 {
                // as it is
                0..2 => {}
                2..5 => vocabulary.mutate(&mut value, &mut self.rng),
                5 => Vocabulary::grow(&mut value, &mut self.rng),
                6 => (0..3).for_each(|_| vocabulary.mutate(&mut value, &mut self.rng)),
                _ => value = anything(&mut self.rng),
            }
            let Spelled { text, has_twins } = spell(&value, &mut self.rng);
            instances.push(Instance { has_twins, ..self.judged(text) });
        }
        instances
    }

    pub(crate) fn judged(&self, text: String) -> Instance {
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        let verdict =
            self.judge.validate(&value).map_err(|error| format!("{error} at {:?}", error.instance_path().as_str()));
        let [must_be_tolerated, may_be_tolerated] =
            self.relaxed.each_ref().map(|relaxed| verdict.is_ok() || relaxed.is_valid(&value));
        Instance { text, has_twins: false, verdict, must_be_tolerated, may_be_tolerated }
    }
}

impl Instance {
    /// Whether a writer gave the same JSON again.
    pub(crate) fn survived_as(&self, written: &str) -> bool {
        let read = |text: &str| serde_json::from_str::<Value>(text);
        matches!((read(&self.text), read(written)), (Ok(before), Ok(after)) if same(&before, &after))
    }
}
