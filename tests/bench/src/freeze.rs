//! The freeze: how long `prepare_checkpoint` stops the stream, whatever changed.

use alluvium_core::directory::block_on;
use anyhow::Result;

use crate::freeze_beside;
use crate::measure::{median, percentile, timed};
use crate::report::Report;
use crate::state::manager;
use crate::workload::{Records, Uniform, Workload};

/// Measures freezes over deltas of a hundredth to ten times the usual size.
pub fn run(workload: Workload, report: &mut Report) -> Result<()> {
    let mut manager = manager();
    for (key, value) in Records::initial(workload).iter() {
        manager.put(key, value)?;
    }
    block_on(manager.create_checkpoint(0))?;
    let mut uniform = Uniform::new(workload.keys, 9);
    let mut samples = Vec::new();
    for round in 0..200u64 {
        let changed = match round % 10 {
            0 => workload.changed * 10,
            part => (workload.changed / 100).max(1) * part as u32,
        };
        for (key, value) in Records::of(uniform.draw(changed).iter().copied(), round + 1).iter() {
            manager.put(key, value)?;
        }
        let (elapsed_us, prepared) = timed(|| manager.prepare_checkpoint(0));
        samples.push(elapsed_us);
        let written = block_on(prepared?.write())?;
        let finished = manager.finish_checkpoint(written)?;
        drop(block_on(finished.maintenance.run()));
    }
    report.goal(
        "freeze_p99_us",
        percentile(&samples, 0.99),
        "<= 50",
        "us",
        "of 200, deltas of 0.01 to 10 % of the keys",
    )?;
    report.figure("freeze_median_us", median(&samples), "us", "of the same 200")?;
    freeze_beside::run(workload, report)
}
