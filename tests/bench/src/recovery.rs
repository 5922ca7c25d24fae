//! Recovery against reading the same bytes and indexing them, and against the other contenders: each
//! in a process of its own, files in the page cache for all.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::contender::{Contender, Kind, digest};
use crate::epochs::{Rounds, directory_of, run};
use crate::floor::{Index, Layout};
use crate::measure::{fresh_directory, median, timed};
use crate::ours::{KIND, Ours};
use crate::report::Report;
use crate::workload::{Records, Workload};

/// Measures recovery of a clean base, in a directory that it makes.
pub fn base(workload: Workload, rounds: u32, scratch: &Path, report: &mut Report) -> Result<()> {
    let path = scratch.join("base");
    fresh_directory(&path)?;
    let mut ours = Ours::open(&path)?;
    ours.epoch(&Records::initial(workload))?;
    drop(ours);
    let (ours_us, floor_us) = against_floor(&path, rounds)?;
    let against = format!("reading and indexing the same bytes: {:.0} ms", floor_us / 1e3);
    report.goal("recover_base_vs_floor", ours_us / floor_us, "<= 1.3", "x", &against)?;
    report.figure("recover_base_ms", ours_us / 1e3, "ms", "a base of all keys into a state")
}

/// Measures recovery of what the epochs left: bases and deltas.
pub fn with_deltas(path: &Path, rounds: u32, report: &mut Report) -> Result<()> {
    let (ours_us, floor_us) = against_floor(path, rounds)?;
    let against = format!("reading and indexing the same bytes: {:.0} ms", floor_us / 1e3);
    report.goal("recover_vs_floor", ours_us / floor_us, "<= 2", "x", &against)?;
    report.figure("recover_ms", ours_us / 1e3, "ms", "bases and deltas into a state")
}

/// Measures whether recovery grows in step with the state: bases and deltas of a state ten times as large,
/// against ten times the time of the smaller one. Both directories are recovered in turns.
pub fn growth(keys: u32, rounds: u32, scratch: &Path, report: &mut Report) -> Result<()> {
    let sizes = [keys, 10 * keys];
    let places = sizes.map(|keys| scratch.join(format!("recover-{keys}")));
    for (keys, place) in sizes.into_iter().zip(&places) {
        // Enough epochs that bases are rewritten as fast as deltas overtake them.
        run(&[KIND], Workload::of(keys), Rounds { warmup: 67, measured: 0 }, place)?;
    }
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for ((keys, place), samples) in sizes.into_iter().zip(&places).zip(&mut samples) {
            let outcome = in_child(KIND.name, &directory_of(place, &KIND))?;
            ensure!(outcome.keys == keys as usize, "{} keys came back of {keys}", outcome.keys);
            samples.push(outcome.elapsed_us);
        }
    }
    let [small_us, large_us] = samples.map(|samples| median(&samples));
    let against = format!("ten times the time at {keys} keys: 10 * {:.0} ms", small_us / 1e3);
    report.goal("recover_growth_10x", large_us / (10.0 * small_us), "<= 1.5", "x", &against)?;
    report.figure("recover_growth_large_ms", large_us / 1e3, "ms", &format!("bases and deltas of {} keys", 10 * keys))
}

/// The floor's name among the contenders.
const FLOOR: &str = "floor";

/// What one recovery took and brought back.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    elapsed_us: f64,
    keys: usize,
    digest: u64,
}

/// What the parent asks a child to do; prints what `in_child` reads.
pub fn child(kinds: &[Kind], name: &str, path: &Path) -> Result<()> {
    let outcome = if name == FLOOR {
        let layout = Layout::of(path)?;
        let (elapsed_us, index) = timed(|| Index::read(path, &layout));
        let index = index?;
        Outcome { elapsed_us, keys: index.len(), digest: digest(index.entries()) }
    } else {
        let kind = kinds.iter().find(|kind| kind.name == name).with_context(|| format!("no contender {name}"))?;
        let (elapsed_us, recovered) = timed(|| (kind.recover)(path));
        let recovered = recovered?;
        Outcome { elapsed_us, keys: recovered.len(), digest: recovered.digest() }
    };
    println!("{} {} {}", outcome.elapsed_us, outcome.keys, outcome.digest);
    Ok(())
}

/// Recovers in a process of its own, as after a crash. In one process the next contender pays for
/// the million pieces of memory that the one before gave back, or finds pages that it need not ask for.
fn in_child(name: &str, path: &Path) -> Result<Outcome> {
    let output = Command::new(std::env::current_exe()?)
        .args(["recovery-of", name])
        .arg(path)
        .stderr(Stdio::inherit())
        .output()
        .context("a process of its own")?;
    ensure!(output.status.success(), "recovering {name}: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let mut fields = text.split_whitespace();
    let mut next = || fields.next().with_context(|| format!("recovering {name} said {text:?}"));
    Ok(Outcome { elapsed_us: next()?.parse()?, keys: next()?.parse()?, digest: next()?.parse()? })
}

/// Median microseconds of ours and of the floor, in turns.
fn against_floor(path: &Path, rounds: u32) -> Result<(f64, f64)> {
    let (mut ours_us, mut floor_us) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (ours, floor) = (in_child(KIND.name, path)?, in_child(FLOOR, path)?);
        ensure!(floor.keys == ours.keys, "the floor has {} keys, ours {}", floor.keys, ours.keys);
        ensure!(floor.digest == ours.digest, "the floor has another state");
        ours_us.push(ours.elapsed_us);
        floor_us.push(floor.elapsed_us);
    }
    Ok((median(&ours_us), median(&floor_us)))
}

/// Median microseconds in which each kind brings its state back; all must bring back the same.
pub fn in_turns(kinds: &[Kind], scratch: &Path, rounds: u32) -> Result<Vec<f64>> {
    let mut samples = vec![Vec::new(); kinds.len()];
    let mut expected = None;
    for _ in 0..rounds {
        for (kind, samples) in kinds.iter().zip(&mut samples) {
            let outcome = in_child(kind.name, &directory_of(scratch, kind))?;
            let found = (outcome.keys, outcome.digest);
            ensure!(
                *expected.get_or_insert(found) == found,
                "{} brought back another state than {}",
                kind.name,
                kinds[0].name
            );
            samples.push(outcome.elapsed_us);
        }
    }
    Ok(samples.iter().map(|samples| median(samples)).collect())
}
