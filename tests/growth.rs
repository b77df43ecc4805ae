//! What contracts that grow do to those who use them: cargo checks copies of the examples, whose source stays as it is.

mod support;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const LEAD_CREATED: &str = "lead-lifecycle/schema/payloads/lead.created-v1.json";
const STAGE_CHANGED: &str = "lead-lifecycle/schema/payloads/lead.stage.changed-v1.json";
const REGISTRY: &str = "event-types-registry.json";

/// One test, since the copies share a workspace: what the examples depend on is checked once, and then kept.
#[test]
fn growing_contracts_meet_source_that_stays_as_it_is() -> Result {
    let workspace = Workspace::create()?;
    workspace.check("producer")?.succeeds();
    workspace.check("consumer")?.succeeds();

    an_optional_property(&workspace)?;
    a_required_property(&workspace)?;
    an_enum_value(&workspace)?;
    an_event_type(&workspace)
}

fn an_optional_property(workspace: &Workspace) -> Result {
    workspace.restore_contracts()?;
    workspace.edit(LEAD_CREATED, |schema| {
        schema["properties"]["campaign"] = json!({ "description": "Of the first visit.", "type": "string" });
    })?;
    for package in ["producer", "consumer"] {
        workspace.check(package)?.succeeds().and_generates("pub campaign: Option<String>");
    }
    Ok(())
}

/// Whoever publishes has to say it. Whoever receives need not look.
fn a_required_property(workspace: &Workspace) -> Result {
    workspace.restore_contracts()?;
    workspace.edit(LEAD_CREATED, |schema| {
        schema["properties"]["campaign"] = json!({ "description": "Of the first visit.", "type": "string" });
        schema["examples"][0]["campaign"] = json!("spring");
        let required = schema["required"].as_array_mut();
        required.expect("a list").push(json!("campaign"));
    })?;
    let producer = workspace.check("producer")?;
    producer.fails_once("error[E0277]: required field `campaign` of `LeadCreatedV1` is not set");
    producer.points_at("examples/producer/src/main.rs", "build()")?;
    producer.says("call `.campaign(…)` before `.build()`");
    workspace.check("consumer")?.succeeds().and_generates("pub campaign: String");
    Ok(())
}

fn an_enum_value(workspace: &Workspace) -> Result {
    workspace.restore_contracts()?;
    workspace.edit(STAGE_CHANGED, |schema| {
        let values = schema["properties"]["transition_reason"]["enum"].as_array_mut();
        values.expect("a list").push(json!("left_alone"));
    })?;
    for package in ["producer", "consumer"] {
        workspace.check(package)?.succeeds().and_generates("LeftAlone");
    }
    Ok(())
}

fn an_event_type(workspace: &Workspace) -> Result {
    workspace.restore_contracts()?;
    let path = "lead-lifecycle/schema/payloads/lead.lost-v1.json";
    fs::copy(workspace.contract(LEAD_CREATED), workspace.contract(path))?;
    workspace.edit(path, |schema| {
        schema["$id"] = json!(format!("https://contracts.sguild/{path}"));
        schema["title"] = json!("A lead was lost");
    })?;
    workspace.edit(REGISTRY, |registry| {
        let event_types = registry["event_types"].as_array_mut().expect("a list");
        let mut lost = event_types.iter().find(|entry| entry["event_type"] == "lead.created").expect("it").clone();
        lost["event_type"] = json!("lead.lost");
        lost["versions"] = json!([{ "version": 1, "status": "current", "payload": path }]);
        event_types.push(lost);
    })?;
    for package in ["producer", "consumer"] {
        workspace.check(package)?.succeeds().and_generates("pub struct LeadLostV1");
    }
    Ok(())
}

/// The examples and the contracts, in a workspace apart that depends on this repository's crates.
struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    fn create() -> Result<Self> {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let workspace = Self { root: tmp.join("growth"), target: tmp.join("growth-target") };
        support::copy("examples", &workspace.root)?;
        workspace.restore_contracts()?;
        let manifest = fs::read_to_string(Path::new(support::ROOT).join("Cargo.toml"))?;
        fs::write(workspace.root.join("Cargo.toml"), workspace_manifest(&manifest)?)?;
        fs::copy(Path::new(support::ROOT).join("Cargo.lock"), workspace.root.join("Cargo.lock"))?;
        Ok(workspace)
    }

    fn restore_contracts(&self) -> Result {
        Ok(support::copy("contracts", &self.root)?)
    }

    fn contract(&self, path: &str) -> PathBuf {
        self.root.join("contracts").join(path)
    }

    fn edit(&self, path: &str, edit: impl FnOnce(&mut Value)) -> Result {
        let mut json = serde_json::from_slice(&fs::read(self.contract(path))?)?;
        edit(&mut json);
        Ok(fs::write(self.contract(path), serde_json::to_string_pretty(&json)?)?)
    }

    fn check(&self, package: &str) -> Result<Checked> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--offline", "--quiet", "--color=never", "--message-format=json-render-diagnostics"]);
        cargo.args(["--package", package]).arg("--target-dir").arg(&self.target);
        let output = cargo.current_dir(&self.root).output()?;
        Ok(Checked {
            success: output.status.success(),
            diagnostics: String::from_utf8(output.stderr)?,
            generated: generated(package, &String::from_utf8(output.stdout)?)?,
        })
    }
}

/// The workspace's part of this repository's manifest, with the examples as members.
fn workspace_manifest(manifest: &str) -> Result<String> {
    let start = manifest.find("[workspace]").ok_or("no workspace")?;
    let lines = manifest[start..].lines().map(|line| {
        if line.starts_with("members = ") {
            return "members = [\"examples/*\"]\n".to_owned();
        }
        line.replace("path = \"", &format!("path = \"{}/", support::ROOT)) + "\n"
    });
    Ok(lines.collect())
}

/// What the package's build script generated, according to cargo's messages.
fn generated(package: &str, messages: &str) -> Result<String> {
    for message in messages.lines() {
        let message: Value = serde_json::from_str(message)?;
        let built = message["reason"] == "build-script-executed";
        let id = message["package_id"].as_str().unwrap_or_default();
        if let (true, true, Some(out_dir)) = (built, id.contains(&format!("/{package}#")), message["out_dir"].as_str())
        {
            return Ok(fs::read_to_string(Path::new(out_dir).join("eventwright.rs"))?);
        }
    }
    Ok(String::new())
}

/// What came of a check.
struct Checked {
    success: bool,
    diagnostics: String,
    generated: String,
}

impl Checked {
    #[track_caller]
    fn succeeds(&self) -> &Self {
        assert!(self.success, "{}", self.diagnostics);
        self
    }

    /// Otherwise it would not have been the grown contract that was checked.
    #[track_caller]
    fn and_generates(&self, code: &str) {
        assert!(self.generated.contains(code), "no `{code}` in:\n{}", self.generated);
    }

    #[track_caller]
    fn fails_once(&self, error: &str) {
        assert!(!self.success, "it compiles");
        let errors: Vec<_> = self.diagnostics.lines().filter(|line| line.starts_with("error[")).collect();
        assert_eq!(errors, [error], "{}", self.diagnostics);
    }

    fn points_at(&self, file: &str, code: &str) -> Result {
        let arrow = format!("--> {file}:");
        let (_, at) = self.diagnostics.split_once(&arrow).ok_or("points to no line of the file")?;
        let mut numbers = at.split([':', '\n']).map(str::parse::<usize>);
        let (Some(line), Some(column)) = (numbers.next(), numbers.next()) else {
            return Err("no line and column".into());
        };
        let source = fs::read_to_string(Path::new(support::ROOT).join(file))?;
        let line = source.lines().nth(line? - 1).ok_or("no such line")?;
        assert!(line[column? - 1..].starts_with(code), "points elsewhere:\n{}", self.diagnostics);
        Ok(())
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(self.diagnostics.contains(text), "no `{text}` in:\n{}", self.diagnostics);
    }
}
