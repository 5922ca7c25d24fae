//! Epochs of workload W: contenders take turns, epoch by epoch, each starting on a quiet disk.

use std::path::Path;

use anyhow::{Context, Result};

use crate::contender::{Contender, Kind};
use crate::floor;
use crate::measure::{bytes_written, fresh_directory, median, quiet_disk, timed};
use crate::workload::{Records, Uniform, Workload};

/// What one contender's measured epochs cost, epoch by epoch.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Who.
    pub name: String,
    /// Microseconds for taking the epoch's mutations.
    pub apply_us: Vec<f64>,
    /// Microseconds for which the stream stood still.
    pub stall_us: Vec<f64>,
    /// Microseconds from the barrier until the epoch was durable.
    pub durable_us: Vec<f64>,
    /// Microseconds of tidying up after it.
    pub tidy_us: Vec<f64>,
    /// Bytes handed to the kernel in the epoch, tidying included.
    pub bytes: Vec<f64>,
    /// Microseconds that the floor needs for our bytes of that epoch; only in our own series.
    pub floor_us: Vec<f64>,
}

/// How many epochs.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Epochs before measuring, for engines whose costs settle: rebases, compactions.
    pub warmup: u32,
    /// Epochs that are measured.
    pub measured: u32,
}

struct Turn {
    kind: Kind,
    contender: Box<dyn Contender>,
    series: Series,
}

/// Runs the workload over every kind, each in a directory of its name below `scratch`, and leaves
/// the directories there. The first kind is the one whose bytes the floor writes.
pub fn run(kinds: &[Kind], workload: Workload, rounds: Rounds, scratch: &Path) -> Result<Vec<Series>> {
    let initial = Records::initial(workload);
    let mut turns = Vec::new();
    for kind in kinds {
        let path = directory_of(scratch, kind);
        fresh_directory(&path)?;
        let mut contender = (kind.open)(&path).with_context(|| kind.name)?;
        contender.epoch(&initial).with_context(|| kind.name)?;
        contender.tidy()?;
        turns.push(Turn { kind: *kind, contender, series: Series { name: kind.name.into(), ..Series::default() } });
    }
    drop(initial);
    let mut uniform = Uniform::new(workload.keys, 42);
    let mut filler = Vec::new();
    for epoch in 0..rounds.warmup + rounds.measured {
        let records = Records::of(uniform.draw(workload.changed).iter().copied(), u64::from(epoch) + 1);
        let is_measured = epoch >= rounds.warmup;
        let count = turns.len();
        for turn in 0..count {
            // No contender always comes first.
            let turn = &mut turns[(turn + epoch as usize) % count];
            if is_measured {
                take_turn(turn, &records, scratch, &mut filler).with_context(|| turn.kind.name)?;
            } else {
                turn.contender.unmeasured(&records).with_context(|| turn.kind.name)?;
                turn.contender.tidy()?;
            }
        }
    }
    Ok(turns.into_iter().map(|turn| turn.series).collect())
}

/// Where a kind keeps its files.
pub fn directory_of(scratch: &Path, kind: &Kind) -> std::path::PathBuf {
    scratch.join(kind.name.replace([' ', '+'], "-"))
}

fn take_turn(turn: &mut Turn, records: &Records, scratch: &Path, filler: &mut Vec<u8>) -> Result<()> {
    let Turn { kind, contender, series } = turn;
    quiet_disk();
    let before = bytes_written()?;
    let cost = contender.epoch(records)?;
    let durable_bytes = bytes_written()? - before;
    let (tidy_us, tidied) = timed(|| contender.tidy());
    tidied?;
    series.apply_us.push(cost.apply_us);
    series.stall_us.push(cost.stall_us);
    series.durable_us.push(cost.durable_us);
    series.tidy_us.push(tidy_us);
    series.bytes.push((bytes_written()? - before) as f64);
    if kind.name == crate::ours::KIND.name {
        quiet_disk();
        filler.resize(durable_bytes as usize, 0xa5);
        series.floor_us.push(floor::write(&scratch.join("floor"), filler)?);
    }
    Ok(())
}

impl Series {
    /// Median microseconds of stall.
    pub fn stall(&self) -> f64 {
        median(&self.stall_us)
    }

    /// Median microseconds to durable.
    pub fn durable(&self) -> f64 {
        median(&self.durable_us)
    }

    /// Mean bytes of an epoch: a compaction that comes every tenth epoch counts.
    pub fn mean_bytes(&self) -> f64 {
        self.bytes.iter().sum::<f64>() / self.bytes.len() as f64
    }
}
