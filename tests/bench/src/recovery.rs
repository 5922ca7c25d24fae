//! Recovery against reading the same bytes and indexing them, files in the page cache for both.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::contender::{Contender, Kind, digest};
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

/// Median microseconds of ours and of the floor, in turns.
fn against_floor(path: &Path, rounds: u32) -> Result<(f64, f64)> {
    let layout = Layout::of(path)?;
    let (mut ours_us, mut floor_us) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (elapsed_us, recovered) = timed(|| (KIND.recover)(path));
        let recovered = recovered?;
        ours_us.push(elapsed_us);
        let (elapsed_us, index) = timed(|| Index::read(path, &layout));
        let index = index?;
        floor_us.push(elapsed_us);
        if round == 0 {
            ensure!(index.len() == recovered.len(), "the floor has {} keys, ours {}", index.len(), recovered.len());
            ensure!(digest(index.entries()) == recovered.digest(), "the floor has another state");
        }
    }
    Ok((median(&ours_us), median(&floor_us)))
}

/// Median microseconds in which each kind brings its state back; all must bring back the same.
pub fn in_turns(kinds: &[Kind], scratch: &Path, rounds: u32) -> Result<Vec<f64>> {
    let mut samples = vec![Vec::new(); kinds.len()];
    let mut digests = Vec::new();
    for round in 0..rounds {
        for (kind, samples) in kinds.iter().zip(&mut samples) {
            let path = crate::epochs::directory_of(scratch, kind);
            let (elapsed_us, recovered) = timed(|| (kind.recover)(&path));
            let recovered = recovered.map_err(|error| error.context(kind.name))?;
            samples.push(elapsed_us);
            if round == 0 {
                digests.push((recovered.len(), recovered.digest()));
            }
        }
    }
    for (kind, digest) in kinds.iter().zip(&digests) {
        ensure!(*digest == digests[0], "{} brought back another state than {}", kind.name, kinds[0].name);
    }
    Ok(samples.iter().map(|samples| median(samples)).collect())
}
