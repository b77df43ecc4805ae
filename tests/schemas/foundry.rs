//! Crates generated from schemas, compiled, and asked what they make of payloads.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The program that answers; `generated` is the generated crate.
const CLERK: &str = include_str!("clerk.rs");

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How many payloads in one go may take the process down before that is the answer for the rest, too.
const DEATHS: usize = 200;

/// Compilers running side by side take the memory of the machine, and wait for each other's lock on the target directory.
static COMPILER: Mutex<()> = Mutex::new(());

/// A folder for a generated crate, and for the program around it.
pub(crate) struct Foundry {
    name: String,
    root: PathBuf,
    json_features: &'static [&'static str],
}

/// A program that knows the event types of a generated crate.
pub(crate) struct Clerk(PathBuf);

/// A payload as it is sent.
pub(crate) struct Question<'q> {
    pub(crate) event: &'q str,
    pub(crate) json: &'q str,
}

/// What a generated type makes of a payload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// There is no such event type: its schema was refused.
    Unknown,
    Read {
        /// What strict reading gave and writing made of it.
        strict: std::result::Result<std::result::Result<String, String>, String>,
        tolerant: std::result::Result<(), String>,
    },
    /// The end of the process, and its last words.
    Broken(String),
}

impl Foundry {
    /// An empty folder. Of the same name there is one at a time.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foundry").join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(root.join("schemas"))?;
        fs::create_dir_all(root.join("src"))?;
        Ok(Self { name: name.to_owned(), root, json_features: &[] })
    }

    /// Turns features of serde_json on, as some crate in the dependencies of a user's program may.
    pub(crate) fn with_json_features(self, features: &'static [&'static str]) -> Self {
        Self { json_features: features, ..self }
    }

    /// Where the schemas belong.
    pub(crate) fn schemas(&self) -> PathBuf {
        self.root.join("schemas")
    }

    /// Where the generated crate belongs.
    pub(crate) fn generated(&self) -> PathBuf {
        self.root.join("generated")
    }

    /// Writes the schema of an event type's first version.
    pub(crate) fn add(&self, event: &str, schema: &str) -> Result<()> {
        Ok(fs::write(self.schemas().join(format!("{event}-v1.json")), schema)?)
    }

    /// Compiles the generated crate, whose package has the foundry's name, and the program around it.
    pub(crate) fn compile(&self) -> Result<Clerk> {
        let package = format!("{}-clerk", self.name);
        fs::write(self.root.join("Cargo.toml"), self.manifest(&package))?;
        fs::write(self.root.join("src/main.rs"), CLERK)?;
        // the versions that are on the machine
        fs::copy(Path::new(ROOT).join("Cargo.lock"), self.root.join("Cargo.lock"))?;

        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foundry-target");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--offline", "--quiet", "--color=never"]).arg("--target-dir").arg(&target);
        let compiling = COMPILER.lock().unwrap_or_else(PoisonError::into_inner);
        let output = cargo.current_dir(&self.root).output()?;
        drop(compiling);
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} does not compile\n{errors}", self.root.display()).into());
        }
        // compiled again under the same name, the next one must not be this one
        let clerk = self.root.join("clerk");
        fs::copy(target.join("debug").join(package), &clerk)?;
        Ok(Clerk(clerk))
    }

    fn manifest(&self, package: &str) -> String {
        let Self { name, json_features, .. } = self;
        format!(
            r#"[package]
name = "{package}"
version = "0.0.0"
edition = "2024"

[dependencies]
generated = {{ package = "{name}", path = "generated" }}
eventwright = {{ path = "{ROOT}/runtime", default-features = false }}
serde_json = {{ version = "1", features = {json_features:?} }}

[workspace]

# quick to compile, in few parts as what they share is compiled in each, and without a way back from panics; nobody debugs it
[profile.dev]
opt-level = 0
panic = "abort"
codegen-units = 4
debug = false
incremental = false
"#
        )
    }
}

impl Clerk {
    /// The answers, in the order of the questions.
    pub(crate) fn ask(&self, questions: &[Question<'_>]) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let mut deaths = 0;
        while answers.len() < questions.len() {
            let end = self.ask_until_its_end(&questions[answers.len()..], &mut answers)?;
            if answers.len() < questions.len() {
                deaths += 1;
                let rest = if deaths == DEATHS { questions.len() } else { answers.len() + 1 };
                answers.resize(rest, Answer::Broken(format!("the process ended: {end}")));
            }
        }
        Ok(answers)
    }

    /// Asks one process. It answers fewer questions than it is asked where one is its end.
    fn ask_until_its_end(&self, questions: &[Question<'_>], answers: &mut Vec<Answer>) -> Result<String> {
        let mut process =
            Command::new(&self.0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err("a process without pipes".into());
        };
        let last_words = thread::scope(|scope| {
            scope.spawn(move || write_down(questions, stdin));
            let last_words = scope.spawn(|| std::io::read_to_string(stderr));
            for line in BufReader::new(stdout).lines() {
                answers.push(Answer::parse(&line?)?);
            }
            last_words.join().map_err(|_| "nobody listened")?.map_err(Into::<Box<dyn Error + Send + Sync>>::into)
        })?;
        Ok(format!("{}, {}", process.wait()?, last_words.trim()))
    }
}

/// Until all is written, or nobody reads any more.
fn write_down(questions: &[Question<'_>], mut stdin: ChildStdin) {
    let lines: Vec<String> = questions
        .iter()
        .map(|question| json!({ "event": question.event, "version": 1, "json": question.json }).to_string() + "\n")
        .collect();
    // a broken pipe is a process that ended, which its missing answers show
    let _ = stdin.write_all(lines.concat().as_bytes());
}

impl Answer {
    fn parse(line: &str) -> Result<Self> {
        let answer: Value = serde_json::from_str(line)?;
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        if answer["unknown"] == true {
            return Ok(Self::Unknown);
        }
        let strict = match (text("written"), text("unwritable"), text("strict")) {
            (Some(written), ..) => Ok(Ok(written)),
            (_, Some(error), _) => Ok(Err(error)),
            (.., Some(error)) => Err(error),
            _ => return Err(format!("no answer: {line}").into()),
        };
        Ok(Self::Read { strict, tolerant: text("tolerant").map_or(Ok(()), Err) })
    }
}
