//! How long it takes to generate bindings: in full, and again where nothing changed.

mod synthetic;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use eventwright_codegen::{Report, configure};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Runs of each; the fastest counts, as what slows a run down is other programs.
const RUNS: usize = 5;

fn main() -> Result {
    // kept to the end: file systems are slow to give out what was deleted a moment ago
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let few = measure(1_000, folders[0].path())?;
    let many = measure(10_000, folders[1].path())?;
    println!("\n| event types | full generation | each | again, nothing changed |");
    println!("| ---: | ---: | ---: | ---: |");
    for Measured { types, full, again } in [&few, &many] {
        println!("| {types} | {full:.2?} | {:.0?} | {again:.2?} |", each(*types, *full));
    }
    let ratio = each(many.types, many.full).as_secs_f64() / each(few.types, few.full).as_secs_f64();
    println!("\neach of {} takes {ratio:.2} times as long as each of {}", many.types, few.types);
    Ok(())
}

struct Measured {
    types: usize,
    full: Duration,
    again: Duration,
}

fn measure(types: usize, folder: &Path) -> Result<Measured> {
    synthetic::write(types, folder)?;
    let mut measured = Measured { types, full: Duration::MAX, again: Duration::MAX };
    for run in 0..RUNS {
        let out_dir = folder.join(format!("generated-{run}"));
        let (full, report) = timed(folder, &out_dir)?;
        assert!(report.written.len() > types && report.warnings.is_empty());
        let (again, report) = timed(folder, &out_dir)?;
        assert!(report.unchanged.len() > types && report.written.is_empty());
        eprintln!("{types} event types: {full:.2?}, again {again:.2?}");
        measured.full = measured.full.min(full);
        measured.again = measured.again.min(again);
    }
    Ok(measured)
}

fn timed(folder: &Path, out_dir: &Path) -> Result<(Duration, Report)> {
    let config = configure().registry(folder.join("contracts/event-types-registry.json")).out_dir(out_dir);
    let start = Instant::now();
    let report = config.write()?;
    Ok((start.elapsed(), report))
}

fn each(types: usize, all: Duration) -> Duration {
    all.div_f64(types as f64)
}
