//! `cargo xtask regenerate`: generated/ and the registry's own schema, from contracts/ and codegen.

use std::{
    error::Error,
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Args;

use crate::steps::{Outcome, announce, cargo, program, root, run};

const REGISTRY: &str = "contracts/event-types-registry.json";
const BINDINGS: &str = "generated";

/// Write generated/ and the registry's schema anew
#[derive(Args)]
pub(crate) struct Regenerate {
    /// Write nothing; exit with 1, naming the files that differ
    #[arg(long)]
    check: bool,
}

impl Regenerate {
    pub(crate) fn run(self) -> Outcome {
        run("build", cargo(["build", "--quiet", "--package", "eventwright-cli"]))?;
        if self.check {
            check()?;
            println!("generated files are as the contracts say");
            return Ok(ExitCode::SUCCESS);
        }
        let schema = registry_schema()?;
        if schema_differs(&schema) {
            fs::write(schema_path(), schema).map_err(|error| format!("{}: {error}", schema_path().display()))?;
            println!("wrote {}", schema_path().display());
        }
        run("generate", eventwright("generate")?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// An error where files are not what regenerating would write. The program `eventwright`, which names them, was built before.
pub(crate) fn check() -> Result<(), Box<dyn Error>> {
    let bindings = run("generated code", eventwright("check")?);
    let schema = schema_differs(&registry_schema()?);
    if schema {
        println!("differs: {}", schema_path().display());
    }
    if bindings.is_ok() && !schema {
        return Ok(());
    }
    Err("files that are generated differ from what the contracts say; run `cargo xtask regenerate`".into())
}

fn eventwright(command: &str) -> Result<Command, Box<dyn Error>> {
    let mut eventwright = Command::new(program("eventwright")?);
    eventwright.current_dir(root()).args([command, "--registry", REGISTRY, "--out", BINDINGS]);
    Ok(eventwright)
}

fn schema_path() -> PathBuf {
    root().join("contracts/event-types-registry.schema.json")
}

fn registry_schema() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut print = Command::new(program("eventwright")?);
    print.arg("registry-schema");
    announce("registry's schema", &print);
    let output = print.output()?;
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

fn schema_differs(schema: &[u8]) -> bool {
    !fs::read(schema_path()).is_ok_and(|bytes| bytes == schema)
}
