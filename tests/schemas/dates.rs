//! Crates generated with dates of each library: they compile, and answer alike.

use std::path::Path;

use crate::foundry::{Answer, Clerk, Foundry, Question};
use eventwright_codegen::{Dates, configure};

/// Dates wherever a type can be.
const SCHEMA: &str = r#"{
  "title": "Dates",
  "type": "object",
  "additionalProperties": false,
  "required": ["at"],
  "properties": {
    "at": { "type": "string", "format": "date-time" },
    "until": { "type": ["string", "null"], "format": "date-time" },
    "born": { "type": "string", "format": "date" },
    "holidays": { "type": "array", "items": { "type": "string", "format": "date" }, "maxItems": 2, "uniqueItems": true },
    "seen": { "type": "object", "additionalProperties": { "type": "string", "format": "date-time" } },
    "date_time": { "type": "object", "properties": { "date": { "type": "string", "format": "date" } } }
  }
}"#;

/// Payloads, and what comes back where they are read.
const PAYLOADS: [(&str, Option<&str>); 9] = [
    (r#"{"at":"2024-02-29T23:59:59.25+05:30"}"#, Some(r#"{"at":"2024-02-29T23:59:59.25+05:30"}"#)),
    (r#"{"at":"9999-12-31t23:59:59.000z","until":null}"#, Some(r#"{"at":"9999-12-31T23:59:59Z","until":null}"#)),
    (
        r#"{"at":"2016-12-31T23:59:60Z","born":"1815-12-10","holidays":["2024-12-25","2024-12-26"]}"#,
        Some(r#"{"at":"2017-01-01T00:00:00Z","born":"1815-12-10","holidays":["2024-12-25","2024-12-26"]}"#),
    ),
    (
        r#"{"at":"0000-01-01T00:00:00Z","seen":{"here":"2024-01-01T00:00:00-00:00"},"date_time":{"date":"2024-01-01"}}"#,
        Some(
            r#"{"at":"0000-01-01T00:00:00Z","seen":{"here":"2024-01-01T00:00:00Z"},"date_time":{"date":"2024-01-01"}}"#,
        ),
    ),
    (r#"{"at":"2024-02-30T00:00:00Z"}"#, None),
    (r#"{"at":"9999-12-31T23:59:59-00:01"}"#, None),
    (r#"{"at":"2024-02-29"}"#, None),
    (r#"{"at":"2024-02-29T00:00:00Z","born":"1900-02-29"}"#, None),
    (r#"{"at":"2024-02-29T00:00:00Z","holidays":["2024-12-25","2024-12-25"]}"#, None),
];

fn clerk(name: &str, dates: Dates) -> Clerk {
    let foundry = Foundry::new(name).expect("a folder");
    foundry.add("dates", SCHEMA).expect("a schema");
    configure()
        .schemas(foundry.schemas())
        .out_dir(foundry.generated())
        .crate_name(name)
        .runtime_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime"))
        .dates(dates)
        .write()
        .expect("a crate");
    foundry.compile().expect("it compiles")
}

#[test]
fn crates_with_dates_of_each_library_answer_alike() {
    let questions = PAYLOADS.map(|(json, _)| Question { event: "dates", json });
    let answers = [("dates-time", Dates::Time), ("dates-chrono", Dates::Chrono), ("dates-jiff", Dates::Jiff)]
        .map(|(name, dates)| clerk(name, dates).ask(&questions).expect("answers"));
    for ((json, expected), answer) in PAYLOADS.iter().zip(&answers[0]) {
        let Answer::Read { strict, .. } = answer else { panic!("{json}: {answer:?}") };
        assert_eq!(strict.as_ref().ok(), expected.map(|text| Ok(text.to_owned())).as_ref(), "{json}");
    }
    assert_eq!(answers[1], answers[0]);
    assert_eq!(answers[2], answers[0]);
}
