//! The official JSON Schema test suite: the generated types say of each instance what the suite says, or their schema was refused with
//! an error that names the keyword.
//!
//! `JSON_SCHEMA_TEST_SUITE` says where the suite is; `EVENTWRIGHT_UPDATE=1` rewrites the list of what is refused.

pub(crate) mod groups;
mod refused;

use std::error::Error;
use std::fmt;
use std::path::Path;

use crate::foundry::{Answer, Foundry, Question};
use crate::generator::{Dialect, Formats, Order, Refusal, generate};
use crate::same::same;
use crate::vocabulary::keyword_of;
use groups::{Group, Test, annotated, asserted, locate};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const DRAFTS: [(&str, Dialect); 3] =
    [("draft2020-12", Dialect::Draft202012), ("draft7", Dialect::Draft7), ("draft4", Dialect::Draft4)];

/// What URIs of `remotes/` begin with.
const REMOTES: &str = "http://localhost:1234/";

/// How much of what is wrong is shown.
const SHOWN: usize = 50;

#[test]
fn the_official_suite() {
    judge_all_drafts().unwrap_or_else(|error| panic!("{error}"));
}

fn judge_all_drafts() -> Result {
    let Some(suite) = locate() else {
        eprintln!(
            "skipped: the JSON Schema test suite is not here, and JSON_SCHEMA_TEST_SUITE does not say where it is"
        );
        return Ok(());
    };
    let mut wrong = Vec::new();
    let mut refused = Vec::new();
    for (draft, dialect) in DRAFTS {
        let folder = suite.join("tests").join(draft);
        let runs = [
            run(draft, "asserted", asserted(&folder)?, dialect, Formats::Assert, &suite)?,
            run(draft, "annotated", annotated(&folder)?, dialect, Formats::Annotate, &suite)?,
        ];
        for tally in runs {
            eprintln!("{draft}: {tally}");
            wrong.extend(tally.wrong);
            refused.extend(tally.refused);
        }
    }
    let shown = wrong.iter().take(SHOWN).fold(String::new(), |shown, wrong| shown + wrong + "\n\n");
    assert!(wrong.is_empty(), "{} verdicts are wrong\n\n{shown}", wrong.len());
    refused::compare(refused)
}

/// What came of the groups of one crate.
#[derive(Default)]
struct Tally {
    groups: usize,
    tests: usize,
    right: usize,
    wrong: Vec<String>,
    /// A line for each group.
    refused: Vec<String>,
    /// Of those groups.
    untested: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, tests, right, untested, .. } = self;
        let (wrong, refused) = (self.wrong.len(), self.refused.len());
        write!(
            f,
            "{groups} groups, {tests} tests: {right} right, {wrong} wrong, {untested} in {refused} groups refused"
        )
    }
}

/// Generates and compiles a crate for the groups, and asks it.
fn run(
    draft: &str,
    setting: &str,
    groups: Vec<Group>,
    dialect: Dialect,
    formats: Formats,
    suite: &Path,
) -> Result<Tally> {
    let name = format!("suite-{}-{setting}", draft.replace('.', "-"));
    let foundry = Foundry::new(&name)?;
    for group in &groups {
        foundry.add(&group.event, &group.schema)?;
    }
    let remotes = suite.join("remotes");
    let order = Order {
        name: &name,
        schemas: &foundry.schemas(),
        remotes: Some((REMOTES, &remotes)),
        dialect,
        formats,
        without: &[],
    };
    let refusals = generate(order, &foundry.generated())?;
    let questions: Vec<Question<'_>> = groups
        .iter()
        .flat_map(|group| group.tests.iter().map(|test| Question { event: &group.event, json: &test.data }))
        .collect();
    let mut answers = foundry.compile()?.ask(&questions)?.into_iter();

    let mut tally = Tally { groups: groups.len(), tests: questions.len(), ..Tally::default() };
    for group in &groups {
        let answers: Vec<Answer> = answers.by_ref().take(group.tests.len()).collect();
        if answers.contains(&Answer::Unknown) {
            tally.untested += group.tests.len();
            tally.refused.push(format!("{draft} {}: {}: {}", group.file, group.description, reason(group, &refusals)?));
            continue;
        }
        for (test, answer) in group.tests.iter().zip(&answers) {
            match judge(test, answer) {
                Ok(()) => tally.right += 1,
                Err(complaint) => tally.wrong.push(format!(
                    "{draft} {}: {}: {}\nschema {}\ndata {}\n{complaint}",
                    group.file, group.description, test.description, group.schema, test.data
                )),
            }
        }
    }
    Ok(tally)
}

/// The keyword for which a group was refused, and what was said of it.
fn reason(group: &Group, refusals: &[Refusal]) -> Result<String> {
    let file = format!("{}-v1", group.event);
    let refusal = refusals.iter().find(|refusal| refusal.files.contains(&file));
    let refusal = refusal.ok_or_else(|| format!("{file} is not there, and nobody says why: {refusals:#?}"))?;
    let keyword = keyword_of(&refusal.message, &refusal.pointer);
    let keyword = keyword.ok_or_else(|| format!("{file} is refused, and no keyword is named: {refusal}"))?;
    Ok(format!("`{keyword}`: {}", refusal.message))
}

/// What is wrong with an answer, if anything is.
fn judge(test: &Test, answer: &Answer) -> std::result::Result<(), String> {
    match answer {
        Answer::Unknown => Err("one test of the group is unknown, others are not".to_owned()),
        Answer::Broken(how) => Err(how.clone()),
        Answer::Read { strict: Err(error), .. } if test.valid => Err(format!("valid, and was refused: {error}")),
        Answer::Read { strict: Err(_), .. } => Ok(()),
        Answer::Read { strict: Ok(_), .. } if !test.valid => Err("invalid, and was read".to_owned()),
        Answer::Read { tolerant: Err(error), .. } => Err(format!("read strictly, but not tolerantly: {error}")),
        Answer::Read { strict: Ok(Err(error)), .. } => Err(format!("read, but could not be written: {error}")),
        Answer::Read { strict: Ok(Ok(written)), .. } => survived(&test.data, written),
    }
}

fn survived(data: &str, written: &str) -> std::result::Result<(), String> {
    let read = |text: &str| serde_json::from_str(text).map_err(|error| format!("{error} in {text}"));
    if same(&read(data)?, &read(written)?) { Ok(()) } else { Err(format!("became {written}")) }
}
