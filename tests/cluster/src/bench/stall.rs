//! How long a worker stands still for its part of an epoch.

use std::path::Path;

use alluvium_bench::measure::{median, percentile};
use alluvium_bench::report::Report;
use anyhow::{Context, Result};

use super::arguments;
use crate::bench::downtime::loaded;
use crate::processes::Layout;
use crate::storage::{Kind, Storages};

/// So many epochs are measured.
const EPOCHS: usize = 400;

pub(super) fn run(scratch: &Path, report: &mut Report) -> Result<()> {
    for (kind, name) in [(Kind::Native, "cluster_stall_p99_us"), (Kind::Moto, "cluster_stall_moto_p99_us")] {
        let Some(storages) = Storages::start(kind) else { continue };
        let folder = tempfile::tempdir_in(scratch)?;
        let job = storages.job(folder.path());
        let arguments =
            arguments(&job.address, u64::MAX >> 8, 5_000, &["--epoch-records", "100000", "--epoch-interval", "25"]);
        let mut processes = loaded(folder.path(), Layout { processes: 1, threads: 1 }, &arguments, &job.environment)?;
        let mut stalls = Vec::new();
        while stalls.len() < EPOCHS {
            let epoch = processes.next_epoch().context("the job ended")?;
            stalls.extend(epoch.stalls_us.iter().map(|stall| *stall as f64));
        }
        let what = format!("{EPOCHS} epochs of 20,000 records/s, a million keys; median {} us", median(&stalls));
        let p99 = percentile(&stalls, 0.99);
        match kind {
            Kind::Native => report.goal(name, p99, "<= 50", "us", &what)?,
            Kind::Moto => report.figure(name, p99, "us", &what)?,
        }
        processes.kill_all();
    }
    Ok(())
}
