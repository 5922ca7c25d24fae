//! The goals of jobs with many workers, measured.

mod downtime;
mod kills;
mod model;
mod output;
mod stall;
mod throughput;
mod trips;

use std::path::Path;

use alluvium_bench::report::Report;
use anyhow::Result;

pub use kills::Kills;

/// How many keys the jobs have.
pub const KEYS: u64 = 1_000_000;
/// So many partitions the generated input has.
const PARTITIONS: u64 = 4;

/// Measures everything. `kills` is what the matrix has counted, if it has run.
pub fn run(rounds: usize, scratch: &Path, kills: &Path, report: &mut Report) -> Result<()> {
    step("round trips");
    trips::run(report)?;
    step("requests, and what 64 workers would make");
    model::run(report)?;
    step("the output of one worker and of four");
    output::run(scratch, report)?;
    step("one worker against one thread");
    throughput::run(rounds, scratch, report)?;
    step("how long a worker stands still");
    stall::run(scratch, report)?;
    step("from a kill to the next epoch");
    downtime::run(rounds, scratch, report)?;
    Kills::read(kills)?.report(report)
}

fn step(what: &str) {
    eprintln!("== {what}");
}

/// Returns the arguments of a worker that reads the generated input.
fn arguments(job: &str, records: u64, rate: u64, more: &[&str]) -> Vec<String> {
    let input = format!("generated:{PARTITIONS},{KEYS},{records},{rate}");
    let all = ["--job", job, "--input", &input, "--every", "0"];
    all.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}
