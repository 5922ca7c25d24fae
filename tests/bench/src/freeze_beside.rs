//! The freeze while another checkpoint is written: the stream must not wait for its encoding.

use std::sync::mpsc::{TryRecvError, channel};
use std::thread;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, PreparedCheckpoint};
use alluvium_test_harness::fresh_with;
use anyhow::{Result, bail, ensure};

use crate::measure::{median, percentile, timed};
use crate::report::Report;
use crate::workload::{Records, Uniform, Workload};

/// How many keys change before each checkpoint that is written.
const CHANGED: u32 = 100_000;

/// How many keys change before each freeze beside it.
const CHANGED_BETWEEN: u32 = 1_000;

/// How many checkpoints are written.
const WRITES: u64 = 40;

/// Measures freezes, one after the other, for as long as a thread writes the checkpoint before them.
pub(crate) fn run(workload: Workload, report: &mut Report) -> Result<()> {
    let mut manager = fresh_with(CheckpointConfig::new().with_max_in_flight(2)).1;
    for (key, value) in Records::initial(workload).iter() {
        manager.put(key, value)?;
    }
    block_on(manager.create_checkpoint(0))?;
    let (jobs, inbox) = channel::<PreparedCheckpoint<MemoryDirectory>>();
    let (outbox, done) = channel();
    let writer = thread::spawn(move || {
        for prepared in inbox {
            if outbox.send(block_on(prepared.write())).is_err() {
                break;
            }
        }
    });
    let changed = CHANGED.min(workload.keys);
    let mut uniform = Uniform::new(workload.keys, 11);
    let mut samples = Vec::new();
    for round in 0..WRITES {
        for (key, value) in Records::of(uniform.draw(changed).iter().copied(), round + 1).iter() {
            manager.put(key, value)?;
        }
        let between = Records::of(uniform.draw(CHANGED_BETWEEN.min(changed)).iter().copied(), round + 1);
        ensure!(jobs.send(manager.prepare_checkpoint(0)?).is_ok(), "the writing thread has stopped");
        let written = loop {
            for (key, value) in between.iter() {
                manager.put(key, value)?;
            }
            let (elapsed_us, prepared) = timed(|| manager.prepare_checkpoint(0));
            // It is not written, so its changes belong to the next one.
            drop(prepared?);
            match done.try_recv() {
                // The write may have ended before this freeze.
                Ok(written) => break written?,
                Err(TryRecvError::Empty) => samples.push(elapsed_us),
                Err(TryRecvError::Disconnected) => bail!("the writing thread has stopped"),
            }
        };
        let finished = manager.finish_checkpoint(written)?;
        drop(block_on(finished.maintenance.run()));
    }
    drop(jobs);
    ensure!(writer.join().is_ok(), "the writing thread has panicked");
    ensure!(!samples.is_empty(), "no freeze was beside a write");
    let against = format!("of {}, beside {WRITES} writes of {changed} changed keys", samples.len());
    report.goal("freeze_beside_a_write_p99_us", percentile(&samples, 0.99), "<= 50", "us", &against)?;
    report.figure("freeze_beside_a_write_median_us", median(&samples), "us", "of the same")
}
