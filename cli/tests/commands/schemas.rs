//! `eventwright generate` of a folder of schemas: a package, exit codes, explanations, messages for tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of the test's own, with schemas.
fn folder(test: &str, schemas: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemas-{test}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("in")).unwrap();
    for (name, schema) in schemas {
        fs::write(folder.join("in").join(name), schema).unwrap();
    }
    folder
}

fn generate(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventwright"));
    command.current_dir(folder).args(["generate", "--schemas", "in", "--out", "out"]).args(more);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const GOOD: (&str, &str) =
    ("order.placed-v2.json", r#"{ "type": "object", "properties": { "n": { "type": "number", "multipleOf": 0.5 } } }"#);
const BAD: (&str, &str) = ("order.lost-v1.json", "{ \"type\": \"object\",\n  \"propertys\": {} }");

#[test]
fn a_package_is_written_and_explained() {
    let folder = folder("package", &[GOOD]);
    let output = generate(&folder, &["--crate", "orders", "--explain"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("wrote out/src/order_placed_v2.rs"), "{told}");
    assert!(told.contains("in/order.placed-v2.json#/properties/n  type:t multipleOf:c"), "{told}");
    assert!(told.ends_with("2 of 2 schemas (100.0 %) need no jsonschema\n"), "{told}");
    assert!(fs::read_to_string(folder.join("out/Cargo.toml")).unwrap().contains("name = \"orders\""));
}

#[test]
fn what_is_wrong_is_told_and_nothing_written() {
    let folder = folder("wrong", &[GOOD, BAD]);
    let output = generate(&folder, &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("unknown keyword `propertys`") && told.contains("in/order.lost-v1.json:2:3"), "{told}");
    assert!(!folder.join("out").exists());
}

#[test]
fn the_rest_is_generated_on_request() {
    let folder = folder("rest", &[GOOD, BAD]);
    let output = generate(&folder, &["--keep-going"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unknown keyword `propertys`"));
    assert!(folder.join("out/order_placed_v2.rs").is_file());
    assert!(!folder.join("out/order_lost_v1.rs").exists());
}

#[test]
fn tools_are_told_in_json() {
    let folder = folder("json", &[BAD]);
    let output = generate(&folder, &["--message-format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 1, "{told}");
    for part in
        [r#""file":"in/order.lost-v1.json""#, r#""line":2"#, r#""column":3"#, r#""help":"did you mean `properties`?""#]
    {
        assert!(lines[0].contains(part), "{told}");
    }
}

#[test]
fn a_folder_without_schemas_is_told() {
    let folder = folder("empty", &[]);
    let output = generate(&folder, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("in has no schema"), "{}", text(&output.stderr));
}

#[test]
fn settings_that_make_no_sense_are_told() {
    let folder = folder("settings", &[GOOD]);
    for (more, expected) in [
        (&["--registry", "x.json"][..], "cannot be used with"),
        (&["--resolve", "no-mapping"], "expected URI=DIR"),
        (&["--derive", "Nothing=Hash"], "no type of the bindings is named `Nothing`"),
        (&["--crate", "1st"], "is no name for a package"),
    ] {
        let output = generate(&folder, more);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(text(&output.stderr).contains(expected), "{more:?}: {}", text(&output.stderr));
    }
    assert!(!folder.join("out").exists());
}
