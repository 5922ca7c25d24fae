//! Scenario 14: the real `alluvium run`, killed with SIGKILL at random moments and started again until it
//! is done; state, offsets, watermark and output equal those of a run without interruption.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_test_harness::command::{Recovered, recovered};
use alluvium_test_harness::scratch;
use alluvium_test_harness::tally::{Budget, Tally, each_case};

use crate::command::{Program, adds_up};

/// Records between two checkpoints: many commits, so that many kills hit one.
const EVERY: u32 = 250;

/// A process that died in so many lives is left alone at last: on a busy machine a life may end before
/// anything is done in it.
const LIVES_MAX: u32 = 200;

struct Undisturbed {
    recovered: Recovered,
    output: Vec<u8>,
    took: Duration,
}

fn undisturbed(program: &Program) -> Result<Undisturbed, String> {
    let scratch = scratch().map_err(|error| error.to_string())?;
    let (directory, output) = (scratch.path().join("run"), scratch.path().join("output"));
    // Once to fill the cache of compiled components, and once to see how long it takes.
    program.finish(&directory, &output, EVERY)?;
    std::fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    std::fs::remove_file(&output).map_err(|error| error.to_string())?;
    let started = Instant::now();
    program.finish(&directory, &output, EVERY)?;
    let took = started.elapsed();
    let recovered = recovered(&directory)?;
    adds_up(&recovered)?;
    let output = std::fs::read(&output).map_err(|error| error.to_string())?;
    Ok(Undisturbed { recovered, output, took })
}

/// Scenario 14; a case is a directory, killed again and again; samples count kills.
pub fn killed_at_random_moments(budget: Budget) -> Tally {
    let mut tally = Tally::new(14, "SIGKILL of alluvium run at random moments", "kills");
    let program = match Program::find() {
        Ok(program) => program,
        Err(missing) => return tally.skip(missing),
    };
    let expected = match undisturbed(&program) {
        Ok(expected) => expected,
        Err(what) => {
            tally.note(Err(format!("undisturbed: {what}")));
            return tally;
        }
    };
    if let Err(error) = scratch() {
        return tally.skip(format!("no scratch directory: {error}"));
    }
    each_case(&budget, &mut tally, |case, tally| {
        if !budget.allows(tally.tried) || tally.violated > 0 {
            return;
        }
        let mut random = budget.random(case);
        match scratch() {
            Ok(scratch) => lives(&program, &expected, scratch.path(), budget, &mut random, tally),
            Err(error) => tally.note(Err(format!("no scratch directory any more: {error}"))),
        }
    });
    tally
}

/// One directory: killed again and again until a run gets through.
fn lives(
    program: &Program,
    expected: &Undisturbed,
    scratch: &Path,
    budget: Budget,
    random: &mut fastrand::Rng,
    tally: &mut Tally,
) {
    let (directory, output) = (scratch.join("run"), scratch.join("output"));
    let mut consumed = 0;
    for life in 0.. {
        // The last kill is followed by a run that is left alone.
        if life == LIVES_MAX || !budget.allows(tally.tried) {
            if let Err(what) = program.finish(&directory, &output, EVERY) {
                tally.note(Err(format!("life {life}, left alone: {what}")));
                return;
            }
            break;
        }
        let mut child = match program.start(&directory, &output, EVERY, life % 2 == 1) {
            Ok(child) => child,
            Err(error) => return tally.note(Err(format!("life {life} does not start: {error}"))),
        };
        let moment = expected.took.mul_f64(random.f64() * 0.4);
        let died = Instant::now() + moment;
        let mut ended = None;
        while ended.is_none() && Instant::now() < died {
            std::thread::sleep(Duration::from_millis(1).min(died.saturating_duration_since(Instant::now())));
            ended = child.try_wait().ok().flatten();
        }
        if let Some(status) = ended {
            if !status.success() {
                tally.note(Err(format!("life {life} ended by itself: {status}")));
                return;
            }
            break;
        }
        let _ = child.kill();
        let _ = child.wait();
        let outcome = after_kill(&directory, &mut consumed);
        tally.note(outcome.map_err(|what| format!("life {life}, killed after {moment:?}: {what}")));
    }
    let compare = || {
        let found = recovered(&directory)?;
        if found != expected.recovered {
            return Err(format!(
                "{} keys, offsets {:?} and watermark {:?} are not those of an undisturbed run",
                found.state.len(),
                found.source_offsets,
                found.watermark
            ));
        }
        match std::fs::read(&output) {
            Ok(output) if output == expected.output => Ok(()),
            Ok(output) => {
                Err(format!("the output has {} bytes that differ from {}", output.len(), expected.output.len()))
            }
            Err(error) => Err(format!("the output: {error}")),
        }
    };
    if let Err(what) = compare() {
        tally.note(Err(format!("in the end: {what}")));
    }
}

/// What is there is whole, adds up, and is never behind what was there before.
fn after_kill(directory: &Path, consumed: &mut u64) -> Result<(), String> {
    if !directory.exists() {
        return Ok(());
    }
    let found = recovered(directory)?;
    adds_up(&found)?;
    let offset = found.source_offsets.get("input").copied().unwrap_or_default();
    if offset < *consumed {
        return Err(format!("it was at record {consumed} and came back at {offset}"));
    }
    *consumed = offset;
    Ok(())
}
