//! What a job costs that does not fit here: its requests, worked out from jobs that do.

use std::sync::Arc;

use alluvium_bench::report::Report;
use alluvium_test_servers::watched::{Counts, Watched};
use anyhow::{Result, ensure};

use super::trips::Job;

/// So many epochs are counted.
const EPOCHS: u64 = 40;
/// So many keys change in an epoch for each worker.
const CHANGED: u64 = 400;
/// The job that is worked out.
const WORKERS: u64 = 64;
/// And its epochs in a day, of ten seconds each.
const EPOCHS_A_DAY: f64 = 8_640.0;

/// Requests of one epoch that the workers together make, and those of the log.
#[derive(Debug, Clone, Copy)]
struct Requests {
    puts: f64,
    gets: f64,
    lists: f64,
    deletes: f64,
}

/// One of the kinds of requests, or all.
type Kind = fn(Requests) -> f64;

impl Requests {
    fn of(counts: Counts) -> Self {
        let part = |count: u64| count as f64 / EPOCHS as f64;
        Self {
            puts: part(counts.puts),
            gets: part(counts.gets),
            lists: part(counts.lists),
            deletes: part(counts.deletes),
        }
    }

    fn sum(self) -> f64 {
        self.puts + self.gets + self.lists + self.deletes
    }
}

/// Counts the requests of an epoch with so many workers, retention and compaction included.
fn measured(workers: u8) -> Result<Requests> {
    let store = Arc::new(Watched::without_delay());
    let mut job = Job::start(&store, 0, workers)?;
    let workers = u64::from(workers);
    let keys = 20_000 * workers;
    job.epoch(0..keys)?;
    job.take_counts();
    for epoch in 0..EPOCHS {
        // Another part of the keys each time, so that compaction has to do with all of them.
        let first = epoch * CHANGED * workers % (keys - CHANGED * workers);
        job.epoch(first..first + CHANGED * workers)?;
    }
    Ok(Requests::of(job.take_counts()))
}

pub(super) fn run(report: &mut Report) -> Result<()> {
    let (one, two, four) = (measured(1)?, measured(2)?, measured(4)?);
    // Each worker adds the same, and the log makes what is left.
    let worked_out = |find: Kind, workers: u64| {
        let of_worker = find(two) - find(one);
        find(one) + of_worker * (workers - 1) as f64
    };
    let error = (worked_out(Requests::sum, 4) - four.sum()).abs() / four.sum();
    let what = format!("requests of an epoch of 4 workers, from those of 1 and of 2: {:.1} counted", four.sum());
    report.goal("cluster_model_error", error, "<= 0.1", "", &what)?;
    let kinds: [(&str, Kind); 4] = [
        ("puts", |requests| requests.puts),
        ("gets", |requests| requests.gets),
        ("lists", |requests| requests.lists),
        ("deletes", |requests| requests.deletes),
    ];
    for (name, find) in kinds {
        let epoch = worked_out(find, WORKERS);
        ensure!(epoch.is_finite(), "{name}: {epoch}");
        let what = format!(
            "{WORKERS} workers, {:.2} of one worker and {:.2} of the log",
            find(two) - find(one),
            2.0 * find(one) - find(two)
        );
        report.figure(&format!("cluster_{name}_per_epoch"), epoch, "", &what)?;
        let what = format!("{WORKERS} workers, an epoch each 10 s");
        report.figure(&format!("cluster_{name}_per_day"), epoch * EPOCHS_A_DAY, "", &what)?;
    }
    Ok(())
}
