//! Finds the migrations that the crate sqlxmq ships and does not export: its documentation says to copy them.

use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let cargo = std::env::var("CARGO")?;
    // of other platforms' packages, not all are there
    let target = std::env::var("TARGET")?;
    let arguments = ["metadata", "--format-version", "1", "--offline", "--filter-platform", &target];
    let output = Command::new(cargo).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "sqlxmq"))
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("cargo metadata names no package sqlxmq")?;
    let migrations = Path::new(manifest).with_file_name("migrations");
    println!("cargo::rustc-env=SQLXMQ_MIGRATIONS={}", migrations.display());
    Ok(())
}
