//! Cargo unites the features of a crate over all of a program: generated types must not mind what others make of serde_json.

use std::error::Error;

use crate::compare::compare;
use crate::foundry::{Answer, Foundry, Question};
use crate::generator::{Dialect, Formats, Order, generate};
use crate::random::cases::{Instance, Subject};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// With these, serde_json's numbers are texts and its objects keep their order.
const FEATURES: [&str; 2] = ["arbitrary_precision", "preserve_order"];

const SCHEMAS: u64 = 150;
const INSTANCES: usize = 40;

#[test]
fn types_and_validator_agree_with_features_of_serde_json() {
    judge_all().unwrap_or_else(|error| panic!("{error}"));
}

fn judge_all() -> Result {
    let foundry = Foundry::new("json-features")?.with_json_features(&FEATURES);
    let mut subjects: Vec<Subject> = (1..=SCHEMAS).map(Subject::new).collect();
    for subject in &subjects {
        foundry.add(&subject.event, &format!("{:#}", subject.schema))?;
    }
    let order = Order {
        name: "json-features",
        schemas: &foundry.schemas(),
        remotes: None,
        dialect: Dialect::Draft202012,
        formats: Formats::Assert,
        without: &[],
    };
    generate(order, &foundry.generated())?;
    let clerk = foundry.compile()?;
    let mut cases: Vec<(String, Instance)> = Vec::new();
    for subject in &mut subjects {
        let instances = subject.instances(INSTANCES);
        cases.extend(instances.into_iter().map(|instance| (subject.event.clone(), instance)));
    }
    let questions: Vec<Question<'_>> =
        cases.iter().map(|(event, instance)| Question { event, json: &instance.text }).collect();
    let answers = clerk.ask(&questions)?;
    let known = cases.iter().zip(&answers).filter(|(_, answer)| **answer != Answer::Unknown);
    let wrong: Vec<String> = known
        .clone()
        .filter_map(|((event, instance), answer)| {
            let complaint = compare(instance, answer).err()?;
            Some(format!("{event}: {}\n{complaint}", instance.text))
        })
        .collect();
    assert!(known.count() * 10 > cases.len() * 9, "few of the schemas are known");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
    Ok(())
}
