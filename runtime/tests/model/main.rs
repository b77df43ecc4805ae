//! Random programs of publishers, workers and operators, each run one statement after the other, against a model in memory: every
//! committed event is handled once by each group, in the order of its subject, and nothing else ever is.
//!
//! `EVENTWRIGHT_MODEL_PROGRAMS` says how many (120), `EVENTWRIGHT_MODEL_SEED` from which on (from anywhere). A program that fails is
//! made smaller and printed; run it again with one program from its seed.

mod breaks;
#[path = "../common/mod.rs"]
mod common;
mod expected;
mod lane;
mod program;
mod sessions;
mod workers;
mod world;

use std::sync::Arc;

use breaks::Break;
use common::Result;
use lane::{Lane, Like};
use program::Program;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Far more than it takes to catch each.
const TRIED: u64 = 3000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Runs a third of the programs, since there are three that do.
async fn a_third_of_them(like: Like) -> Result {
    let mut lane = Lane::new(like).await?;
    let first = number("EVENTWRIGHT_MODEL_SEED").unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let count = number("EVENTWRIGHT_MODEL_PROGRAMS").unwrap_or(120).div_ceil(3);
    for seed in first..first + count {
        lane.must_hold(&Program::random(seed)).await?;
    }
    eprintln!("{count} programs from seed {first}");
    Ok(())
}

#[tokio::test]
async fn programs_do_as_the_model_says() -> Result {
    a_third_of_them(Like::default()).await
}

/// The opening of windows halts between its statements, and the operations that follow come between them: this changes nothing.
#[tokio::test]
async fn programs_that_halt_the_opening_of_windows_do_as_the_model_says() -> Result {
    a_third_of_them(Like { halts: true, ..Like::default() }).await
}

/// The groups and what their handlers write are in another database than the log.
#[tokio::test]
async fn programs_whose_groups_are_elsewhere_do_as_the_model_says() -> Result {
    a_third_of_them(Like { elsewhere: true, halts: true, ..Like::default() }).await
}

/// That the programs find nothing says something because they find all that is known to lose events or their order. What fails has to
/// do well where nothing is broken: so it is the break that it finds.
#[tokio::test]
async fn each_break_is_caught() -> Result {
    let sound = Arc::new(Mutex::new(Lane::new(Like { halts: true, ..Like::default() }).await?));
    let mut lanes: JoinSet<Result> = JoinSet::new();
    for broken in Break::ALL {
        let sound = Arc::clone(&sound);
        lanes.spawn(async move {
            let mut lane = Lane::new(Like { broken: Some(broken), halts: true, ..Like::default() }).await?;
            let mut from = 0;
            loop {
                let failing = lane.first_that_fails(from..TRIED).await?;
                let (program, wrong) = failing.ok_or_else(|| format!("{broken:?} is not caught"))?;
                if sound.lock().await.run(&program).await?.is_none() {
                    eprintln!("{broken:?}, by program {}: {wrong}", program.seed);
                    return Ok(());
                }
                from = program.seed + 1;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    Ok(())
}

/// What a person has to read is what it takes to fail: to begin, to lock, to publish, and a window in between.
#[tokio::test]
async fn a_program_that_fails_is_made_smaller() -> Result {
    // elsewhere no handler publishes: whether what it published is lost depends on who opens a window just then
    let mut lane = Lane::new(Like { broken: Some(Break::NoStragglers), halts: true, elsewhere: true }).await?;
    let (program, wrong) = lane.first_that_fails(0..TRIED).await?.ok_or("nothing fails")?;
    let before = program.ops.len();
    let (program, wrong) = lane.smallest(program, wrong).await?;
    eprintln!("{program}  {wrong}");
    assert!(program.ops.len() <= 5 && before > 5, "from {before}: {program}");
    Ok(())
}
