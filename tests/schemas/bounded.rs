//! Payloads that somebody made to keep a reader busy, or to end its process: each gets a verdict or an error. No clock is looked at; where
//! the work grew with the square of a payload's size, nobody would wait for the end.

use std::error::Error;

use crate::foundry::{Answer, Foundry, Question};
use crate::generator::{Dialect, Formats, Order, generate};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SCHEMAS: [(&str, &str); 10] = [
    ("anything", "true"),
    ("tree", r##"{"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false}"##),
    (
        "tuple",
        r##"{"type": "object", "properties": {"next": {"type": "array", "prefixItems": [{"$ref": "#"}], "minItems": 1, "maxItems": 1}}}"##,
    ),
    (
        "either",
        r##"{"oneOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "array", "maxItems": 1, "items": {"$ref": "#"}}]}"##,
    ),
    ("whole", r##"{"not": {"pattern": "x(?!y)"}, "items": {"$ref": "#"}}"##),
    ("number", r#"{"type": "number", "multipleOf": 0.01, "maximum": 1e300}"#),
    ("integer", r#"{"type": "integer"}"#),
    ("small", r#"{"type": "integer", "minimum": 0, "maximum": 9}"#),
    ("pattern", r#"{"type": "string", "pattern": "^(a+)+(?!b)c$"}"#),
    ("unique", r#"{"type": "array", "uniqueItems": true}"#),
];

#[test]
fn hostile_payloads_get_an_answer() {
    ask_all().unwrap_or_else(|error| panic!("{error}"));
}

fn ask_all() -> Result {
    let foundry = Foundry::new("bounded")?;
    for (event, schema) in SCHEMAS {
        foundry.add(event, schema)?;
    }
    let order = Order {
        name: "bounded",
        schemas: &foundry.schemas(),
        remotes: None,
        dialect: Dialect::Draft202012,
        formats: Formats::Assert,
        without: &[],
    };
    let refusals = generate(order, &foundry.generated())?;
    assert!(refusals.is_empty(), "{refusals:?}");
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let list = |item: &dyn Fn(usize) -> String| format!("[{}]", (0..100_000).map(item).collect::<Vec<_>>().join(","));
    let mut payloads = vec![
        "1e1000000000".to_owned(),
        "-1e-1000000000".to_owned(),
        "1e99999999999999999999999".to_owned(),
        format!("1{}", "0".repeat(1_000_000)),
        format!("0.{}1", "0".repeat(1_000_000)),
        format!("\"{}!\"", "a".repeat(100_000)),
        list(&|number| number.to_string()),
        list(&|number| format!("{{\"a\":[{number}]}}")),
        list(&|number| format!("\"{}\"", number % 99_999)),
    ];
    for depth in [100, 127, 128, 1_000_000] {
        payloads.push(nested("[", "]", depth));
        payloads.push(format!("{}{{}}{}", "{\"next\":".repeat(depth), "}".repeat(depth)));
        payloads.push("[".repeat(depth));
    }
    let questions: Vec<Question<'_>> =
        SCHEMAS.iter().flat_map(|(event, _)| payloads.iter().map(|json| Question { event, json })).collect();
    let answers = foundry.compile()?.ask(&questions)?;
    for (Question { event, json }, answer) in questions.iter().zip(answers) {
        let shown: String = json.chars().take(60).collect();
        assert!(matches!(answer, Answer::Read { .. }), "{event}: {shown}: {answer:?}");
        if let Answer::Read { strict: Err(error), .. } = answer {
            assert!(error.len() < 2_000, "{event}: {shown}: an error of {} bytes", error.len());
        }
    }
    Ok(())
}
