//! Packages with nothing but a build script, built from nothing.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use crate::steps::{self, Outcome, cargo, root};

/// Clean builds of each; the fastest counts, as what slows a build down is other programs.
const RUNS: usize = 3;

pub(super) fn run() -> Outcome {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = std::path::absolute(target)?.join("bench-build-deps");
    let codegen = format!("eventwright-codegen = {{ path = {:?} }}", root().join("codegen"));
    let packages = [
        Package::new("eventwright-codegen", &codegen, &folder)?,
        Package::new("prost-build", "prost-build = \"0.14\"", &folder)?,
    ];
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..RUNS {
        for (package, fastest) in packages.iter().zip(&mut fastest) {
            *fastest = package.build_clean()?.min(*fastest);
        }
    }
    println!("\n| build dependency | crates | clean build |\n| --- | ---: | ---: |");
    for (package, fastest) in packages.iter().zip(fastest) {
        println!("| {} | {} | {fastest:.1?} |", package.name, package.crates()?);
    }
    fs::remove_dir_all(&folder)?;
    Ok(ExitCode::SUCCESS)
}

struct Package {
    name: &'static str,
    folder: PathBuf,
}

impl Package {
    fn new(name: &'static str, dependency: &str, parent: &Path) -> Result<Package, Box<dyn Error>> {
        let folder = parent.join(name);
        fs::create_dir_all(folder.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"generates\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [build-dependencies]\n{dependency}\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("build.rs"), "fn main() {}\n")?;
        fs::write(folder.join("src/lib.rs"), "")?;
        // the versions that everything else is built with, as far as they go
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        let package = Package { name, folder };
        steps::run(name, package.cargo(&["fetch"]))?;
        Ok(package)
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments.iter().copied());
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.target());
        command
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    fn build_clean(&self) -> Result<Duration, Box<dyn Error>> {
        if self.target().exists() {
            fs::remove_dir_all(self.target())?;
        }
        let start = Instant::now();
        steps::run(self.name, self.cargo(&["build", "--quiet", "--offline"]))?;
        Ok(start.elapsed())
    }

    /// Crates that have to be built before the build script can be.
    fn crates(&self) -> Result<usize, Box<dyn Error>> {
        let mut tree =
            self.cargo(&["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
        let output = tree.output()?;
        let text = String::from_utf8(output.stdout)?;
        let crates: BTreeSet<&str> = text.lines().filter_map(|line| line.split(" (").next()).collect();
        Ok(crates.len() - 1)
    }
}
