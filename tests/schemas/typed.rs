//! How much of schemas the types and their own checks enforce, and how much is left to the `jsonschema` crate.

use std::path::{Path, PathBuf};

use crate::suite::groups;
use eventwright_codegen::{Config, Explained, configure};

/// Schemas of a kind that people write and generators stumble over, beside the checkout.
const SPIKES: &str = "../shared/spikes/schemas";

fn explained(config: Config) -> Vec<Explained> {
    config.explain().unwrap_or_else(|error| panic!("{error}"))
}

fn left(explained: &[Explained]) -> Vec<&Explained> {
    explained.iter().filter(|schema| !schema.is_native()).collect()
}

#[test]
fn our_contracts_leave_nothing_to_a_validator() {
    let all = explained(configure().registry("contracts/event-types-registry.json"));
    assert!(all.len() > 200, "only {} schemas", all.len());
    assert_eq!(left(&all), Vec::<&Explained>::new());
}

#[test]
fn hard_schemas_leave_nothing_to_a_validator() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(SPIKES);
    if !folder.is_dir() {
        eprintln!("skipped: {SPIKES} is not here");
        return;
    }
    let all = explained(configure().schemas(folder));
    assert!(!all.is_empty());
    assert_eq!(left(&all), Vec::<&Explained>::new());
}

#[test]
fn share_of_the_official_suite() {
    let Some(suite) = groups::locate() else {
        eprintln!("skipped: the JSON Schema test suite is not here");
        return;
    };
    let folder = tempfile::TempDir::new().unwrap();
    for group in groups::asserted(&suite.join("tests/draft2020-12")).unwrap() {
        let path: PathBuf = folder.path().join(format!("{}.json", group.event));
        std::fs::write(path, &group.schema).unwrap();
    }
    let config = configure().schemas(folder.path()).resolve("http://localhost:1234/", suite.join("remotes"));
    let all = explained(config.keep_going());
    let native = all.len() - left(&all).len();
    eprintln!("draft 2020-12: {native} of {} schemas need no jsonschema", all.len());
    // a floor, so that what is enforced natively stays so
    assert!(native * 1000 >= all.len() * 990, "{native} of {}", all.len());
}
