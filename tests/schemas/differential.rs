//! Schemas at random, over the whole vocabulary: the generated types and the `jsonschema` crate give each instance the same verdict, and
//! what is valid survives being read and written.
//!
//! `EVENTWRIGHT_SCHEMAS` and `EVENTWRIGHT_INSTANCES` (of each schema) ask for more. Each schema has a seed, the first `EVENTWRIGHT_SEED`:
//! so one schema comes again with its seed and `EVENTWRIGHT_SCHEMAS=1`.

use std::error::Error;
use std::str::FromStr;
use std::thread;

use crate::compare::compare;
use crate::foundry::{Answer, Clerk, Foundry, Question};
use crate::generator::{Dialect, Formats, Order, Refusal, generate};
use crate::random::cases::{Instance, Subject};
use crate::random::shrink::shrink;
use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const FIRST_SEED: u64 = 1;
const SCHEMAS: u64 = 2200;
const INSTANCES: usize = 50;

/// How many schemas are in a crate: as the compiler is quickest.
const CHUNK: u64 = 250;

/// How many instances must be valid, and how many not: one in so many, or the test says little.
const ONE_IN: usize = 6;

/// The same of instances that only tolerant reading takes.
const TOLERATED_IN: usize = 80;

/// How much of what is wrong is shown.
const SHOWN: usize = 20;

#[test]
fn types_and_validator_agree_on_schemas_at_random() {
    judge_all_schemas().unwrap_or_else(|error| panic!("{error}"));
}

fn judge_all_schemas() -> Result {
    let first = from_environment("EVENTWRIGHT_SEED", FIRST_SEED);
    let schemas = from_environment("EVENTWRIGHT_SCHEMAS", SCHEMAS);
    let instances = from_environment("EVENTWRIGHT_INSTANCES", INSTANCES);
    let mut tally = Tally::default();
    for begin in (0..schemas).step_by(CHUNK.try_into()?) {
        let seeds = begin..schemas.min(begin + CHUNK);
        run(seeds.map(|index| first.wrapping_add(index)), instances, &mut tally)?;
        eprintln!(
            "{} schemas, {} contradictory, {} refused; {} instances valid, {} not, of which {} are tolerated; {} disagreements",
            tally.schemas,
            tally.contradictory,
            tally.refused,
            tally.valid,
            tally.invalid,
            tally.tolerated,
            tally.disagreements
        );
    }
    let Tally { disagreements, shown, schemas, contradictory, refused, valid, invalid, tolerated } = tally;
    assert!(disagreements == 0, "{disagreements} disagreements\n\n{}", shown.join("\n\n"));
    assert!(refused * 100 <= schemas, "{refused} of {schemas} schemas were refused");
    assert!(contradictory * 10 < schemas, "{contradictory} of {schemas} schemas were contradictory");
    let all = valid + invalid;
    assert!(valid * ONE_IN >= all && invalid * ONE_IN >= all, "of {all} instances {valid} are valid");
    assert!(tolerated * TOLERATED_IN >= all, "of {all} instances {tolerated} are to be tolerated");
    Ok(())
}

fn from_environment<T: FromStr>(name: &str, default: T) -> T {
    let Ok(value) = std::env::var(name) else { return default };
    value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}"))
}

#[derive(Default)]
struct Tally {
    schemas: usize,
    contradictory: usize,
    refused: usize,
    valid: usize,
    invalid: usize,
    tolerated: usize,
    disagreements: usize,
    shown: Vec<String>,
}

/// Generates and compiles a crate, with instances and the judge's verdicts made meanwhile, and asks it.
fn run(seeds: impl Iterator<Item = u64>, count: usize, tally: &mut Tally) -> Result {
    let foundry = Foundry::new("differential")?;
    let mut subjects: Vec<Subject> = seeds.map(Subject::new).collect();
    for subject in &subjects {
        foundry.add(&subject.event, &format!("{:#}", subject.schema))?;
    }
    let order = Order {
        name: "differential",
        schemas: &foundry.schemas(),
        remotes: None,
        dialect: Dialect::Draft202012,
        formats: Formats::Assert,
        without: &[],
    };
    let refusals = generate(order, &foundry.generated())?;
    let (clerk, instances) = thread::scope(|scope| {
        let compiler = scope.spawn(|| foundry.compile());
        let instances: Vec<Vec<Instance>> = subjects.iter_mut().map(|subject| subject.instances(count)).collect();
        (compiler.join(), instances)
    });
    let clerk = clerk.map_err(|_| "the foundry panicked")??;

    let of_subject =
        |(subject, instances): (&'_ Subject, &'_ Vec<Instance>)| (subject.event.clone(), instances.clone());
    let asked: Vec<_> = subjects.iter().zip(&instances).map(of_subject).collect();
    let questions: Vec<Question<'_>> = asked
        .iter()
        .flat_map(|(event, instances)| instances.iter().map(|instance| Question { event, json: &instance.text }))
        .collect();
    let mut answers = clerk.ask(&questions)?.into_iter();
    for (subject, instances) in subjects.iter().zip(&instances) {
        let answers: Vec<Answer> = answers.by_ref().take(instances.len()).collect();
        tally.schemas += 1;
        if answers.contains(&Answer::Unknown) {
            let refusal = refusal(subject, &refusals)?;
            eprintln!("{refusal}");
            // what contradicts itself is an error by design, and schemas at random often do
            if refusal.contains("nothing can satisfy") {
                tally.contradictory += 1
            } else {
                tally.refused += 1
            }
            continue;
        }
        judge(subject, instances, &answers, &clerk, tally)?;
    }
    Ok(())
}

/// Why and where a schema was refused.
fn refusal(subject: &Subject, refusals: &[Refusal]) -> Result<String> {
    let file = format!("{}-v1", subject.event);
    let Some(refusal) = refusals.iter().find(|refusal| refusal.files.contains(&file)) else {
        return Err(format!("{file} is not there, and nobody says why: {refusals:#?}").into());
    };
    if subject.schema.pointer(&refusal.pointer).is_none() {
        return Err(format!("{file} was refused at a place that it does not have: {refusal}").into());
    }
    Ok(format!("EVENTWRIGHT_SEED={} is refused: {refusal}", subject.seed))
}

/// Compares the verdicts on a schema's instances. Of disagreements the first is shown, and shrunk.
fn judge(subject: &Subject, instances: &[Instance], answers: &[Answer], clerk: &Clerk, tally: &mut Tally) -> Result {
    let mut is_first = true;
    for (instance, answer) in instances.iter().zip(answers) {
        if instance.verdict.is_ok() {
            tally.valid += 1;
        } else {
            tally.invalid += 1;
            tally.tolerated += usize::from(instance.must_be_tolerated);
        }
        let Err(complaint) = compare(instance, answer) else { continue };
        tally.disagreements += 1;
        if std::mem::take(&mut is_first) && tally.shown.len() < SHOWN {
            let shrunk = smallest(subject, instance, clerk)?;
            let complaint = shrunk.as_ref().map_or(complaint, |(_, complaint)| complaint.clone());
            let instance = shrunk.as_ref().map_or(instance, |(instance, _)| instance);
            tally.shown.push(format!(
                "EVENTWRIGHT_SEED={} EVENTWRIGHT_SCHEMAS=1\nschema {:#}\ninstance {}\n{complaint}\njsonschema: {}",
                subject.seed,
                subject.schema,
                instance.text,
                instance.verdict.as_ref().err().map_or("valid", String::as_str),
            ));
        }
    }
    Ok(())
}

/// A smaller instance on which they disagree, spelled as serde_json does, unless the spelling was the matter.
fn smallest(subject: &Subject, instance: &Instance, clerk: &Clerk) -> Result<Option<(Instance, String)>> {
    let disagreement = |values: &[Value]| -> Result<Option<(usize, Instance, String)>> {
        let instances: Vec<Instance> = values.iter().map(|value| subject.judged(value.to_string())).collect();
        let questions: Vec<Question<'_>> =
            instances.iter().map(|instance| Question { event: &subject.event, json: &instance.text }).collect();
        let answers = clerk.ask(&questions)?;
        let compared = instances.iter().zip(&answers).map(|(instance, answer)| compare(instance, answer));
        let found = compared.enumerate().find_map(|(index, compared)| Some((index, compared.err()?)));
        Ok(found.map(|(index, complaint)| (index, instances[index].clone(), complaint)))
    };
    let value: Value = serde_json::from_str(&instance.text)?;
    let Some(mut smallest) = disagreement(std::slice::from_ref(&value))? else { return Ok(None) };
    let mut failed = None;
    shrink(value, |smaller| match disagreement(smaller) {
        Ok(found) => found.map(|found| {
            smallest = found;
            smallest.0
        }),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(Some((smallest.1, smallest.2))),
    }
}
