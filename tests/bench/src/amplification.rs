//! Write, read and space amplification over many epochs, in memory: bytes are bytes, whatever the
//! disk, so these figures are the same on every machine.

use alluvium_core::directory::{Directory, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_test_harness::Manager;
use anyhow::{Context, Result, bail, ensure};

use crate::state::manager;
use crate::workload::{Uniform, Workload, Zipf, key, value};

/// What changes in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pattern {
    /// Every key is equally likely to change.
    Uniform,
    /// Zipf's law with an exponent of 0.99.
    Zipf,
    /// From a tenth of the keys to all of them in the first half, then uniform changes.
    Growth,
    /// Uniform changes; half of all keys are deleted at a third of the epochs, and the others
    /// change on.
    MassDelete,
}

/// What a simulation found; the steady state is its second half.
#[derive(Debug, Clone, Copy, Default)]
pub struct Amplification {
    /// Bytes of deltas for each changed byte.
    pub delta: f64,
    /// Bytes of all files created, metadata included, for each changed byte.
    pub write: f64,
    /// Bytes that recovery reads for each live byte: mean of samples, and the worst of them.
    pub read: (f64, f64),
    /// Bytes in the directory after maintenance for each live byte: mean, and the worst.
    pub space: (f64, f64),
    /// The most bytes that an epoch created, for each byte of its delta.
    pub worst_epoch: f64,
    /// Bytes of the metadata of a checkpoint without changes, at the end.
    pub metadata_bytes: f64,
}

struct Simulation {
    manager: Manager,
    workload: Workload,
    pattern: Pattern,
    uniform: Uniform,
    zipf: Option<Zipf>,
    live: u32,
}

/// Runs so many epochs of a pattern.
pub fn simulate(workload: Workload, pattern: Pattern, epochs: u32) -> Result<Amplification> {
    let mut simulation = Simulation {
        manager: manager(),
        workload,
        pattern,
        uniform: Uniform::new(workload.keys, 3),
        zipf: (pattern == Pattern::Zipf).then(|| Zipf::new(workload.keys, 0.99, 4)),
        live: if pattern == Pattern::Growth { workload.keys / 10 } else { workload.keys },
    };
    for number in 0..simulation.live {
        simulation.manager.put(&key(number), &value(number, 0))?;
    }
    block_on(simulation.manager.create_checkpoint(0))?;
    simulation.run(epochs)
}

impl Simulation {
    fn run(&mut self, epochs: u32) -> Result<Amplification> {
        let (mut delta, mut written, mut changed) = (0, 0, 0);
        let (mut space, mut read) = (Vec::new(), Vec::new());
        let mut worst_epoch = 0f64;
        for epoch in 0..epochs {
            self.mutate(epoch, epochs)?;
            block_on(self.manager.create_checkpoint(0))?;
            let report = self.manager.last_maintenance().context("maintenance ran")?;
            ensure!(report.errors.is_empty(), "maintenance: {}", report.errors.join("; "));
            if epoch < epochs / 2 {
                continue;
            }
            let cost = *self.manager.last_statistics().context("a checkpoint was taken")?;
            delta += cost.delta_bytes;
            written += cost.bytes_written;
            changed += cost.bytes_changed;
            worst_epoch = worst_epoch.max(cost.bytes_written as f64 / cost.delta_bytes as f64);
            let live = self.manager.memory().payload_bytes as f64;
            let files = block_on(self.manager.directory().list())?;
            space.push(files.iter().map(|file| file.bytes).sum::<u64>() as f64 / live);
            if epoch % (epochs / 20).max(1) == 0 {
                let recovered = block_on(recover(&**self.manager.directory(), &RecoverOptions::new()))?;
                read.push(recovered.context("a checkpoint was taken")?.bytes_read as f64 / live);
            }
        }
        let metadata_bytes = self.metadata_bytes()?;
        let summary = |samples: &[f64]| {
            (samples.iter().sum::<f64>() / samples.len() as f64, samples.iter().copied().fold(0.0, f64::max))
        };
        Ok(Amplification {
            delta: delta as f64 / changed as f64,
            write: written as f64 / changed as f64,
            read: summary(&read),
            space: summary(&space),
            worst_epoch,
            metadata_bytes,
        })
    }

    /// Takes checkpoints until nothing is left to compact, and returns the bytes of the last one's metadata.
    fn metadata_bytes(&mut self) -> Result<f64> {
        for _ in 0..1_000 {
            let metadata = block_on(self.manager.create_checkpoint(0))?;
            let report = self.manager.last_maintenance().context("maintenance ran")?;
            let compacted = self.manager.last_statistics().context("a checkpoint was taken")?.rebased_bytes;
            if report.rebased_bytes == 0 && compacted == 0 {
                let path = format!("{}/metadata.json", metadata.checkpoint_path());
                return Ok(block_on(self.manager.directory().read(&path))?.len() as f64);
            }
        }
        bail!("compaction does not end")
    }

    fn mutate(&mut self, epoch: u32, epochs: u32) -> Result<()> {
        let version = u64::from(epoch) + 1;
        let changed = self.workload.changed;
        match self.pattern {
            Pattern::Zipf => {
                let zipf = self.zipf.as_mut().context("made for this pattern")?;
                for _ in 0..changed {
                    let number = zipf.draw();
                    self.manager.put(&key(number), &value(number, version))?;
                }
            }
            Pattern::Growth if self.live < self.workload.keys => {
                let more = (self.workload.keys * 9 / 10).div_ceil((epochs / 2).max(1));
                let until = self.workload.keys.min(self.live + more);
                for number in self.live..until {
                    self.manager.put(&key(number), &value(number, version))?;
                }
                self.live = until;
            }
            Pattern::MassDelete if epoch == epochs / 3 => {
                for number in (1..self.workload.keys).step_by(2) {
                    self.manager.delete(&key(number))?;
                }
            }
            Pattern::Uniform | Pattern::Growth | Pattern::MassDelete => {
                let is_gone =
                    |number: u32| self.pattern == Pattern::MassDelete && epoch > epochs / 3 && number % 2 == 1;
                for &number in self.uniform.draw(changed) {
                    if !is_gone(number) {
                        self.manager.put(&key(number), &value(number, version))?;
                    }
                }
            }
        }
        Ok(())
    }
}
