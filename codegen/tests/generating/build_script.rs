//! `compile()`, as a build script calls it. Environment variables belong to a process, so the test starts itself again.

use std::env;
use std::process::{Command, Output};

use crate::contracts::{Contracts, files, payload_of};

#[test]
#[ignore = "runs in a process of its own, which the other tests start"]
fn build_script() -> eventwright_codegen::Result<()> {
    eventwright_codegen::configure().registry(env::var("REGISTRY").unwrap()).domain("sales").compile()
}

fn run(contracts: &Contracts) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "build_script::build_script", "--ignored", "--nocapture"])
        .env("REGISTRY", contracts.registry())
        .env("OUT_DIR", contracts.out_dir())
        .output()
        .unwrap()
}

#[test]
fn writes_one_file_and_tells_cargo() {
    let contracts = Contracts::with_events(&["thing.happened"]);
    let output = run(&contracts);
    assert!(output.status.success(), "{output:?}");
    let files = files(&contracts.out_dir());
    assert_eq!(files.keys().collect::<Vec<_>>(), ["eventwright.rs"]);
    insta::assert_snapshot!(files["eventwright.rs"]);

    let folder = contracts.folder();
    let told = String::from_utf8(output.stdout).unwrap().replace(folder.to_str().unwrap(), "<contracts>");
    let told: String =
        told.lines().filter(|line| line.starts_with("cargo::")).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn failure_shows_the_diagnostics_as_they_are() {
    let contracts = Contracts::with_payload(&payload_of("{ \"type\": \"strng\" }"));
    let output = run(&contracts);
    assert!(!output.status.success());
    assert!(!contracts.out_dir().exists());
    let shown = String::from_utf8(output.stderr).unwrap();
    let shown: String = shown.lines().skip_while(|line| !line.starts_with("Error: ")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown);
}
