//! `cluster-bench`: the goals of jobs with many workers, measured.

use std::path::PathBuf;

use alluvium_bench::report::Report;
use alluvium_test_cluster::bench::run;
use anyhow::Result;
use clap::Parser;

/// Measure jobs with many workers: round trips, throughput, stalls, and the time from a kill to the next epoch
#[derive(Parser)]
struct Arguments {
    /// How many rounds each figure has
    #[arg(long, default_value = "5")]
    rounds: usize,
    /// Where the report and what the jobs write are
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { rounds, out } = Arguments::parse();
    std::fs::create_dir_all(&out)?;
    let scratch = tempfile::tempdir_in(&out)?;
    let mut report = Report::open(&out.join("cluster-report.json"))?;
    run(rounds, scratch.path(), &out.join("cluster-kills.jsonl"), &mut report)?;
    println!("{}", report.table());
    Ok(())
}
