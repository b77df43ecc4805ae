//! build.rs, as cargo runs it, on copies of contracts/ and generated/ that drifted apart.

mod support;

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const CONTRACT: &str = "contracts/lead-lifecycle/schema/payloads/lead.created-v1.json";
const BINDINGS: &str = "generated/lead_created_v1.rs";
const LOCK: &str = "generated/contracts.lock";

/// A folder with contracts/, generated/ and the compiled build.rs.
struct Copy(TempDir);

impl Copy {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        support::copy("contracts", folder.path())?;
        support::copy("generated", folder.path())?;
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let build_script = PathBuf::from(support::ROOT).join("build.rs");
        let status = Command::new(rustc)
            .args(["--edition", "2024", "-o", "build"])
            .arg(build_script)
            .current_dir(&folder)
            .status()?;
        assert!(status.success());
        Ok(Self(folder))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn edit(&self, path: &str) -> Result {
        OpenOptions::new().append(true).open(self.path(path))?.write_all(b"\n")?;
        Ok(())
    }

    fn add(&self, path: &str) -> Result {
        let path = self.path(path);
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        Ok(fs::write(path, "{}")?)
    }

    /// What the build script complains of, if it stops the build.
    fn complaint(&self) -> Result<Option<String>> {
        let output = Command::new(self.path("build")).current_dir(&self.0).output()?;
        let complaint = String::from_utf8(output.stderr)?;
        match output.status.code() {
            Some(0) => {
                assert_eq!(complaint, "");
                Ok(None)
            }
            Some(1) => Ok(Some(complaint)),
            _ => Err(format!("{}: {complaint}", output.status).into()),
        }
    }

    #[track_caller]
    fn assert_stops_the_build(&self, file: &str, difference: &str) {
        let complaint = self.complaint().unwrap().expect("the build goes on");
        assert!(complaint.starts_with(&format!("error: {file}{difference}")), "{complaint}");
        assert!(complaint.contains("run `cargo xtask regenerate`"), "{complaint}");
    }
}

#[test]
fn no_drift() -> Result {
    assert_eq!(Copy::new()?.complaint()?, None);
    Ok(())
}

#[test]
fn a_contract_was_edited() -> Result {
    let copy = Copy::new()?;
    copy.edit(CONTRACT)?;
    copy.assert_stops_the_build(CONTRACT, " changed since the bindings were generated");
    Ok(())
}

#[test]
fn the_registry_was_edited() -> Result {
    let copy = Copy::new()?;
    copy.edit("contracts/event-types-registry.json")?;
    copy.assert_stops_the_build("contracts/event-types-registry.json", " changed");
    Ok(())
}

#[test]
fn bindings_were_edited() -> Result {
    let copy = Copy::new()?;
    copy.edit(BINDINGS)?;
    copy.assert_stops_the_build(BINDINGS, " changed since the bindings were generated");
    Ok(())
}

#[test]
fn a_payload_was_added() -> Result {
    for added in ["lead-lifecycle/schema/payloads/lead.lost-v1.json", "new-contract/schema/payloads/new.event-v1.json"]
    {
        let copy = Copy::new()?;
        copy.add(&format!("contracts/{added}"))?;
        copy.assert_stops_the_build(&format!("contracts/{added}"), " is new since the bindings were generated");
    }
    Ok(())
}

#[test]
fn a_file_went_missing() -> Result {
    for missing in [CONTRACT, BINDINGS] {
        let copy = Copy::new()?;
        fs::remove_file(copy.path(missing))?;
        copy.assert_stops_the_build(missing, ": ");
    }
    Ok(())
}

#[test]
fn the_lock_went_missing() -> Result {
    let copy = Copy::new()?;
    fs::remove_file(copy.path(LOCK))?;
    copy.assert_stops_the_build("can't read ", LOCK);
    Ok(())
}

#[test]
fn somebody_wrote_bindings_by_hand() -> Result {
    let copy = Copy::new()?;
    copy.add("generated/by_hand.rs")?;
    copy.assert_stops_the_build("generated/by_hand.rs", " was not generated");
    Ok(())
}

#[test]
fn prose_may_change() -> Result {
    let copy = Copy::new()?;
    copy.edit("contracts/lead-lifecycle/README.md")?;
    copy.add("contracts/lead-lifecycle/decisions.md")?;
    assert_eq!(copy.complaint()?, None);
    Ok(())
}

/// A package of the bindings comes without the contracts: whoever gets it can't regenerate anything.
#[test]
fn without_contracts_there_is_nothing_to_compare() -> Result {
    let copy = Copy::new()?;
    fs::remove_dir_all(copy.path("contracts"))?;
    copy.edit(BINDINGS)?;
    assert_eq!(copy.complaint()?, None);
    Ok(())
}
