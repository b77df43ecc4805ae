//! Measures in turns, so that what slows the machine down slows down everybody.

use std::time::{Duration, Instant};

/// What is measured: one iteration of it.
pub(crate) type Contender<'a> = &'a dyn Fn();

const ROUNDS: usize = 400;
const TURN: Duration = Duration::from_millis(1);

/// The median time of an iteration, of each.
pub(crate) fn nanoseconds(contenders: &[Contender<'_>]) -> Vec<f64> {
    let iterations: Vec<u32> = contenders.iter().map(|contender| iterations(contender)).collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, iterations), times) in contenders.iter().zip(&iterations).zip(&mut times) {
            times.push(time(contender, *iterations).as_secs_f64() * 1e9 / f64::from(*iterations));
        }
    }
    times.into_iter().map(median).collect()
}

/// How many iterations take a turn.
fn iterations(contender: Contender<'_>) -> u32 {
    let mut iterations = 1;
    while time(contender, iterations) < TURN {
        iterations *= 2;
    }
    iterations
}

fn time(contender: Contender<'_>, iterations: u32) -> Duration {
    let start = Instant::now();
    (0..iterations).for_each(|_| contender());
    start.elapsed()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Prints a table: of each row the first time, and the others with the ratio of the first to them.
pub(crate) fn print<const COLUMNS: usize>(heads: [&str; COLUMNS], rows: &[(String, Vec<f64>)]) {
    println!("| {} |\n| --- |{}", heads.join(" | "), " ---: |".repeat(COLUMNS - 1));
    for (name, times) in rows {
        let others = times[1..].iter().map(|other| format!(" {other:.0} ({:.2}) |", times[0] / other));
        println!("| {name} | {:.0} |{}", times[0], others.collect::<String>());
    }
}
