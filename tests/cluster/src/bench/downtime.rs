//! From the kill of a process to the next committed epoch, with the same number of workers and with another one.

use std::path::{Path, PathBuf};
use std::time::Instant;

use alluvium_bench::measure::median;
use alluvium_bench::report::Report;
use anyhow::{Context, Result};

use super::{KEYS, arguments};
use crate::processes::{Layout, PATIENCE, Processes};
use crate::storage::{JobAt, Kind, Storages};

const TWO: Layout = Layout { processes: 2, threads: 1 };
const THREE: Layout = Layout { processes: 3, threads: 1 };

/// Starts a job, and waits until it has all keys and the work of their compaction is over.
pub(super) fn loaded(
    folder: &Path,
    layout: Layout,
    arguments: &[String],
    environment: &[(String, String)],
) -> Result<Processes> {
    let mut processes = Processes::start(folder, layout, arguments, environment);
    while processes.next_epoch().context("the job ended while it was loaded")?.keys < KEYS {}
    for _ in 0..60 {
        processes.next_epoch().context("the job ended")?;
    }
    Ok(processes)
}

pub(super) fn run(rounds: usize, scratch: &Path, report: &mut Report) -> Result<()> {
    for kind in [Kind::Native, Kind::Moto] {
        let Some(storages) = Storages::start(kind) else { continue };
        let folder = tempfile::tempdir_in(scratch)?;
        let job = storages.job(folder.path());
        let arguments =
            arguments(&job.address, u64::MAX >> 8, 5_000, &["--epoch-records", "100000", "--epoch-interval", "50"]);
        let mut processes = loaded(folder.path(), TWO, &arguments, &job.environment)?;
        let (mut same, mut other, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            for layout in [TWO, THREE, TWO] {
                let is_same = processes.count() == layout.processes;
                processes.kill(processes.count() - 1);
                let begun = Instant::now();
                // A supervisor starts everything again once everything has ended.
                processes.wait(PATIENCE);
                processes = Processes::start(folder.path(), layout, &arguments, &job.environment);
                processes.next_epoch().context("the job ended")?;
                let seconds = begun.elapsed().as_secs_f64();
                if is_same {
                    same.push(seconds);
                } else {
                    other.push(seconds);
                }
                if layout == THREE && kind == Kind::Native {
                    bytes.push(written(&job)?);
                }
                for _ in 0..40 {
                    processes.next_epoch().context("the job ended")?;
                }
            }
        }
        processes.kill_all();
        let held = format!("{KEYS} keys, 20,000 records/s, medians of {rounds} rounds, one of two processes killed");
        match kind {
            Kind::Native => {
                report.goal("cluster_downtime_same_s", median(&same), "<= 1", "s", &held)?;
                report.goal(
                    "cluster_downtime_rescale_s",
                    median(&other),
                    "<= 1.5",
                    "s",
                    &format!("{held}; 2 to 3 and back"),
                )?;
                let held = "bytes in the directories of a new generation after its first epoch, against the state";
                report.goal("cluster_rescale_bytes", median(&bytes), "<= 0.01", "x", held)?;
            }
            Kind::Moto => {
                report.figure("cluster_downtime_same_moto_s", median(&same), "s", &held)?;
                report.figure("cluster_downtime_rescale_moto_s", median(&other), "s", &held)?;
            }
        }
    }
    Ok(())
}

/// Returns how many bytes the workers of this generation have written so far, against the state.
fn written(job: &JobAt) -> Result<f64> {
    let manifest = job.status().manifest;
    let mut bytes = 0;
    for store in &manifest.stores {
        bytes += bytes_in(&PathBuf::from(&job.address).join("parts").join(store.to_string()))?;
    }
    Ok(bytes as f64 / manifest.bytes() as f64)
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_in(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
