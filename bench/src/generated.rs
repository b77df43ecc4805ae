//! How long generated code is and how long `cargo check` takes for it: ours and typify's, of the same schemas.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eventwright_codegen::configure;
use serde_json::{Map, Value};
use typify::{TypeSpace, TypeSpaceSettings};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Runs of `cargo check`; the fastest counts, as what slows a run down is other programs.
const RUNS: usize = 5;

fn main() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    let contracts = root.join("contracts");
    let folder = tempfile::tempdir()?;
    let folder = folder.path();

    let payloads = payloads(&contracts)?;
    configure()
        .registry(contracts.join("event-types-registry.json"))
        .out_dir(folder.join("ours"))
        .crate_name("ours")
        .runtime_path(root.join("runtime"))
        .write()?;
    let taken = typified(&payloads, &folder.join("typified"))?;
    fs::write(folder.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"ours\", \"typified\"]\n")?;
    // the versions that everything else is built with
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;

    let (ours, theirs) = (lines(&folder.join("ours/src"))?, lines(&folder.join("typified/src"))?);
    println!("\n{} payload schemas, of which typify takes {taken}\n", payloads.len());
    println!("| | ours | typify | ratio |\n| --- | ---: | ---: | ---: |");
    println!("| lines | {ours} | {theirs} | {:.2} |", ours as f64 / theirs as f64);
    for (what, incremental) in [("`cargo check`", "0"), ("the same again, incremental", "1")] {
        let [ours, theirs] = check_in_turns(folder, ["ours", "typified"], incremental)?;
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("| {what} | {ours:.2?} | {theirs:.2?} | {ratio:.2} |");
    }
    Ok(())
}

/// The payload schemas by module names, each with what it refers to in other files: typify reads no other file.
fn payloads(contracts: &Path) -> Result<Vec<(String, Value)>> {
    let mut payloads = Vec::new();
    for contract in fs::read_dir(contracts)? {
        let folder = contract?.path().join("schema/payloads");
        for file in folder.is_dir().then(|| fs::read_dir(&folder)).transpose()?.into_iter().flatten() {
            let path = file?.path();
            let mut schema: Value = serde_json::from_slice(&fs::read(&path)?)?;
            let mut definitions = Map::new();
            bundle(&mut schema, &folder, &mut definitions)?;
            if let Some(own) = schema.get("$defs").and_then(Value::as_object) {
                definitions.extend(own.clone());
            }
            schema["$defs"] = definitions.into();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().replace(['.', '-'], "_");
            payloads.push((name, schema));
        }
    }
    payloads.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(payloads)
}

/// Turns references into other files into references to definitions.
fn bundle(schema: &mut Value, folder: &Path, definitions: &mut Map<String, Value>) -> Result {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some((file, pointer)) = reference.clone().split_once('#')
                && !file.is_empty()
            {
                let document: Value = serde_json::from_slice(&fs::read(folder.join(file))?)?;
                let name = pointer.rsplit('/').next().unwrap_or_default();
                definitions
                    .insert(name.to_owned(), document.pointer(pointer).cloned().ok_or("a reference to nowhere")?);
                *reference = format!("#/$defs/{name}");
            }
            members.values_mut().try_for_each(|member| bundle(member, folder, definitions))
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| bundle(item, folder, definitions)),
        _ => Ok(()),
    }
}

/// A package with a module for each schema that typify takes; how many those are.
fn typified(payloads: &[(String, Value)], package: &Path) -> Result<usize> {
    let source = package.join("src");
    fs::create_dir_all(&source)?;
    fs::write(
        package.join("Cargo.toml"),
        "[package]\nname = \"typified\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         chrono = { version = \"0.4\", default-features = false, features = [\"serde\", \"std\"] }\nregress = \"0.12\"\n\
         serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\nuuid = { version = \"1\", default-features = false, features = [\"serde\", \"std\"] }\n",
    )?;
    let mut library = String::new();
    for (name, schema) in payloads {
        match typified_module(schema) {
            Ok(text) => {
                fs::write(source.join(format!("{name}.rs")), text)?;
                library.push_str(&format!("pub mod {name};\n"));
            }
            Err(error) => eprintln!("typify refuses {name}: {error}"),
        }
    }
    fs::write(source.join("lib.rs"), &library)?;
    Ok(library.lines().count())
}

fn typified_module(schema: &Value) -> Result<String> {
    let mut types = TypeSpace::new(TypeSpaceSettings::default().with_struct_builder(true));
    types.add_root_schema(serde_json::from_value(schema.clone())?)?;
    Ok(prettyplease::unparse(&syn::parse2(types.to_stream())?))
}

fn lines(source: &Path) -> Result<usize> {
    let mut lines = 0;
    for file in fs::read_dir(source)? {
        lines += fs::read_to_string(file?.path())?.lines().count();
    }
    Ok(lines)
}

/// The fastest `cargo check` of each package after one of its files was touched, with what it depends on checked already: of all of it, or
/// where `incremental` is `1`, of what the compiler does not find to be as it was, which is nothing.
fn check_in_turns<const N: usize>(folder: &Path, packages: [&str; N], incremental: &str) -> Result<[Duration; N]> {
    let mut fastest = [Duration::MAX; N];
    for run in 0..=RUNS {
        for (package, fastest) in packages.iter().zip(&mut fastest) {
            let library: PathBuf = [folder, Path::new(package), Path::new("src/lib.rs")].iter().collect();
            fs::File::options().append(true).open(library)?.set_modified(std::time::SystemTime::now())?;
            let mut check = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            check.current_dir(folder).args(["check", "--offline", "--package", package]);
            check.env("CARGO_TARGET_DIR", folder.join("target")).env("CARGO_INCREMENTAL", incremental);
            let start = Instant::now();
            let output = check.output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
            }
            // the first builds the dependencies
            if run > 0 {
                *fastest = (*fastest).min(start.elapsed());
            }
        }
    }
    Ok(fastest)
}
