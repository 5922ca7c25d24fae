//! `service-matrix`: the matrix of sources and sinks, for as many runs as you like.

use std::process::ExitCode;

use alluvium_test_service::cells::{Cell, all};
use alluvium_test_service::matrix::tour;
use alluvium_test_service::program::Program;
use clap::Parser;

const EXAMPLE: &str = "\
Example:
  service-matrix --runs 2000 --seed 7
  service-matrix --cell 'from JetStream, Killed, Full, ServerRestarted Running' --seed 12";

/// Interrupt the command between every source and every sink, and compare what it leaves with a count
#[derive(Parser)]
#[command(after_help = EXAMPLE)]
struct Arguments {
    /// How many runs [default: one of each cell]
    #[arg(long)]
    runs: Option<usize>,
    /// Where randomness starts; the same seed tries the same cases
    #[arg(long, default_value = "1")]
    seed: u64,
    /// How many runs at a time
    #[arg(long, default_value = "2")]
    workers: usize,
    /// Only cells whose names begin like this; one that is named in full is run with this seed itself
    #[arg(long, value_name = "NAME")]
    cell: Option<String>,
    /// Name the cells, and do nothing else
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let name = arguments.cell.as_deref().unwrap_or_default();
    let mut cells: Vec<Cell> = all().into_iter().filter(|cell| cell.to_string().starts_with(name)).collect();
    if arguments.list {
        for cell in &cells {
            println!("{cell}");
        }
        return ExitCode::SUCCESS;
    }
    let program = match Program::find() {
        Ok(program) if !cells.is_empty() => program,
        Ok(_) => {
            eprintln!("no cell begins with {name:?}: --list names all");
            return ExitCode::from(2);
        }
        Err(missing) => {
            eprintln!("{missing}");
            return ExitCode::from(2);
        }
    };
    fastrand::Rng::with_seed(arguments.seed).shuffle(&mut cells);
    let runs = arguments.runs.unwrap_or(cells.len());
    let report = tour(&cells, runs, arguments.seed, arguments.workers, &program);
    print!("{}", report.table());
    println!("seed {}: {} runs, {} broken", arguments.seed, report.runs, report.broken.len());
    if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
