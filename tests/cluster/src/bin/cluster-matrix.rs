//! `cluster-matrix`: jobs over many processes, interrupted in every way, for as many kills as you like.

use std::path::PathBuf;
use std::process::ExitCode;

use alluvium_test_cluster::bench::Kills;
use alluvium_test_cluster::cells::{Cell, Event, all};
use alluvium_test_cluster::matrix::{Done, run};
use clap::Parser;
use comfy_table::Table;

const EXAMPLE: &str = "\
Example:
  cluster-matrix --kills 40 --seed 7
  cluster-matrix --cell 'JetStream Moto' --kills 100";

/// Kill, stop and rescale jobs in every cell of the matrix, and compare what they leave with a count
#[derive(Parser)]
#[command(after_help = EXAMPLE)]
struct Arguments {
    /// How many kills in each cell; a quarter of them where one process stands still, which takes the others 10 s to notice
    #[arg(long, default_value = "10")]
    kills: u64,
    /// Where randomness starts
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Add what was counted to this file, as one line
    #[arg(long)]
    report: Option<PathBuf>,
    /// Only cells whose names begin like this
    #[arg(long, default_value = "")]
    cell: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let cells: Vec<Cell> = all().into_iter().filter(|cell| cell.to_string().starts_with(&arguments.cell)).collect();
    if cells.is_empty() {
        eprintln!("no cell begins with {:?}", arguments.cell);
        return ExitCode::from(2);
    }
    let mut table = Table::new();
    table.set_header(["cell", "jobs", "generations", "kills", "wrong"]);
    let (mut all, mut wrong) = (Done::default(), 0);
    for cell in cells {
        let (kills, seed) = (arguments.kills, arguments.seed);
        let kills = if cell.event == Event::StopOne { kills.div_ceil(4) } else { kills };
        // What is wrong is a panic that says so.
        match std::panic::catch_unwind(|| run(cell, kills, seed)) {
            Ok(Some(done)) => {
                all = Done {
                    kills: all.kills + done.kills,
                    jobs: all.jobs + done.jobs,
                    generations: all.generations + done.generations,
                };
                let Done { kills, jobs, generations } = done;
                table.add_row([
                    cell.to_string(),
                    jobs.to_string(),
                    generations.to_string(),
                    kills.to_string(),
                    "0".into(),
                ]);
            }
            Ok(None) => {
                table.add_row([cell.to_string(), "SKIPPED".into()]);
            }
            Err(_) => {
                wrong += 1;
                table.add_row([cell.to_string(), "WRONG: see above".into()]);
            }
        }
    }
    println!("{table}");
    let Done { kills, jobs, generations } = all;
    println!("seed {}: {kills} kills in {generations} generations of {jobs} jobs, {wrong} cells wrong", arguments.seed);
    if let Some(path) = &arguments.report
        && let Err(error) = Kills::add(path, arguments.seed, kills, wrong)
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
