//! The foundry and its clerk, with a crate written by hand in place of a generated one.

use std::fs;

use crate::foundry::{Answer, Foundry, Question};

/// Types that read anything, panic, end the process, or write nothing.
const CRATE: &str = r#"
use eventwright::{DecodeError, Reading};

#[derive(PartialEq)]
pub struct AnyEvent(&'static str, String);

impl AnyEvent {
    pub fn decode(event: &str, version: u16, json: &[u8], reading: Reading) -> Result<Self, DecodeError> {
        let refuse = || Err(DecodeError::Syntax { message: "refused".to_owned(), line: 1, column: 1 });
        let text = String::from_utf8_lossy(json).into_owned();
        match (event, version) {
            ("strict", 1) if reading == Reading::Strict => refuse(),
            ("tolerant", 1) if reading == Reading::Tolerant => refuse(),
            ("echo" | "strict" | "tolerant", 1) => Ok(Self("echo", text)),
            ("unwritable", 1) => Ok(Self("unwritable", text)),
            ("panic", 1) => panic!("{text} is too much"),
            ("death", 1) => std::process::abort(),
            _ => Err(DecodeError::unknown(event, version)),
        }
    }

    pub fn encode(&self) -> Result<String, String> {
        if self.0 == "echo" { Ok(self.1.clone()) } else { Err("no".to_owned()) }
    }
}
"#;

#[test]
fn a_clerk_answers_whatever_happens() {
    let foundry = foundry_with(CRATE);
    let clerk = foundry.compile().expect("it compiles");
    let questions = ["echo", "panic", "death", "other", "strict", "death", "tolerant", "unwritable"]
        .map(|event| Question { event, json: "{\"a\":\n\"🦀\"}" });
    let answers = clerk.ask(&questions).expect("answers");

    let text = questions[0].json.to_owned();
    let refused = || "not JSON: refused at line 1, column 1".to_owned();
    assert_eq!(answers[0], Answer::Read { strict: Ok(Ok(text.clone())), tolerant: Ok(()) });
    assert!(matches!(&answers[1], Answer::Broken(how) if how.contains(&format!("{text} is too much"))));
    for index in [1, 2, 5] {
        assert!(matches!(&answers[index], Answer::Broken(how) if how.contains("the process ended: signal")));
    }
    assert_eq!(answers[3], Answer::Unknown);
    let written = format!("is written as {text}, which is not valid");
    assert_eq!(answers[4], Answer::Read { strict: Err(refused()), tolerant: Err(written) });
    assert_eq!(answers[6], Answer::Read { strict: Ok(Ok(text)), tolerant: Err(refused()) });
    assert_eq!(answers[7], Answer::Read { strict: Ok(Err("no".to_owned())), tolerant: Ok(()) });

    fs::write(foundry.generated().join("src/lib.rs"), "fn").expect("a file");
    let error = foundry.compile().err().expect("that does not compile").to_string();
    assert!(error.contains("error: expected identifier"), "{error}");
}

fn foundry_with(code: &str) -> Foundry {
    let foundry = Foundry::new("by-hand").expect("a folder");
    foundry.add("echo", "true").expect("a schema");
    assert!(foundry.schemas().join("echo-v1.json").exists());
    let manifest = format!(
        "[package]\nname = \"by-hand\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         eventwright = {{ path = \"{}/runtime\", default-features = false }}\n",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::create_dir_all(foundry.generated().join("src")).expect("a folder");
    fs::write(foundry.generated().join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(foundry.generated().join("src/lib.rs"), code).expect("a file");
    foundry
}
