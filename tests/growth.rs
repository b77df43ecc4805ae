//! What contracts that grow do to those who use them: cargo checks copies of the examples, whose source stays as it is. They depend on
//! our packages as the registry would have them, so what is missing there is missed here.

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

/// What users get from the registry.
const PACKAGES: [&str; 3] = ["eventwright", "eventwright-codegen", "eventwright-derive"];

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

/// The examples and the contracts, in a workspace apart that depends on this repository's packages.
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
        workspace.unpack_packages()?;
        let manifest = fs::read_to_string(Path::new(support::ROOT).join("Cargo.toml"))?;
        fs::write(workspace.root.join("Cargo.toml"), workspace_manifest(&manifest)?)?;
        fs::copy(Path::new(support::ROOT).join("Cargo.lock"), workspace.root.join("Cargo.lock"))?;
        Ok(workspace)
    }

    /// Packages this repository's crates, and unpacks what came of it into folders of their names.
    fn unpack_packages(&self) -> Result {
        let mut cargo = Command::new(env!("CARGO"));
        // cargo would build each of them by itself, and all that they depend on
        cargo.args(["package", "--offline", "--quiet", "--color=never", "--allow-dirty", "--no-verify"]);
        cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package])).arg("--target-dir").arg(&self.target);
        succeeds(cargo.current_dir(support::ROOT))?;
        for package in PACKAGES {
            let versioned = format!("{package}-{}", env!("CARGO_PKG_VERSION"));
            let unpacked = self.root.join(package);
            if unpacked.exists() {
                fs::remove_dir_all(&unpacked)?;
            }
            let mut tar = Command::new("tar");
            tar.arg("-xzf").arg(self.target.join(format!("package/{versioned}.crate"))).current_dir(&self.root);
            succeeds(&mut tar)?;
            fs::rename(self.root.join(versioned), unpacked)?;
        }
        Ok(())
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

fn succeeds(command: &mut Command) -> Result {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// The workspace's part of this repository's manifest, with the examples as members and the packages in place of the crates.
fn workspace_manifest(manifest: &str) -> Result<String> {
    let start = manifest.find("[workspace]").ok_or("no workspace")?;
    let mut workspace = String::new();
    for line in manifest[start..].lines() {
        let package = PACKAGES.iter().find(|package| line.starts_with(&format!("{package} = ")));
        match (package, line.split_once(" = ")) {
            (Some(package), _) => {
                let (before, path) = line.split_once("path = \"").ok_or("no path")?;
                let (_, after) = path.split_once('"').ok_or("no end of the path")?;
                workspace += &format!("{before}path = \"{package}\"{after}");
            }
            (_, Some(("members", _))) => workspace += "members = [\"examples/*\"]",
            (_, Some(("exclude", _))) => workspace += &format!("exclude = {PACKAGES:?}"),
            // what one example asks for the other gets, so what they depend on is checked once
            (_, Some(("tokio", _))) => workspace += &line.replace("\"rt\"", "\"rt-multi-thread\", \"signal\""),
            _ => workspace += line,
        }
        workspace.push('\n');
    }
    let patches = PACKAGES.map(|package| format!("{package} = {{ path = \"{package}\" }}\n"));
    Ok(workspace + "\n[patch.crates-io]\n" + &patches.concat())
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
