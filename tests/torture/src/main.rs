//! `torture`: every scenario of the catalogue of faults for as long as you like.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use alluvium_test_harness::tally::{Budget, Tally, line};
use alluvium_torture::scenarios;
use alluvium_torture::seeds::run_seeds;
use clap::Parser;
use serde_json::Value;

const EXAMPLE: &str = "\
Example:
  torture --minutes 10 --seed 7
  torture --minutes 30 --seed 100 --seeds 50
  torture --scenario 9";

/// Crash, fail and damage everything, and hold what comes back to what was promised
#[derive(Parser)]
#[command(after_help = EXAMPLE)]
struct Arguments {
    /// How long to run, over all scenarios
    #[arg(long, default_value = "10")]
    minutes: f64,
    /// Where randomness starts; the same seed tries the same cases
    #[arg(long, default_value = "1")]
    seed: u64,
    /// How many seeds to try, from the first on; each has an equal part of the time
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Only this scenario of the catalogue
    #[arg(long)]
    scenario: Option<u8>,
    /// Write the corpus that fuzzing starts from below this directory, and do nothing else
    #[arg(long, value_name = "DIR")]
    write_corpus: Option<PathBuf>,
    /// Scenarios that other tests wrote, one a line, which belong into the same report
    #[arg(long, value_name = "FILE")]
    also: Option<PathBuf>,
    /// Where the figures go
    #[arg(long, default_value = "target/torture/report.json")]
    report: PathBuf,
}

/// glibc gives memory back to the kernel after each case, and the next one waits for its pages: most of
/// the time of a case. Told to keep it, and only before it starts, it does. Segments of a state are
/// above the second threshold: the kernel zeroes of them what is touched, not all of it.
const ALLOCATION: [(&str, &str); 2] = [("MALLOC_TRIM_THRESHOLD_", "268435456"), ("MALLOC_MMAP_THRESHOLD_", "1048576")];

/// Starts this program again with memory kept. Returns only if memory is kept already, or if that fails.
fn keep_memory() {
    if ALLOCATION.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        // Without it everything is the same, but slower.
        let _ = Command::new(program).args(std::env::args_os().skip(1)).envs(ALLOCATION).exec();
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    keep_memory();
    if let Some(corpus) = &arguments.write_corpus {
        return match write_corpus(corpus) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", corpus.display());
                ExitCode::from(2)
            }
        };
    }
    let others = match arguments.also.as_deref().map(scenarios_of_others).transpose() {
        Ok(scenarios) => scenarios.unwrap_or_default(),
        Err(error) => {
            eprintln!("{}: {error}", arguments.also.unwrap_or_default().display());
            return ExitCode::from(2);
        }
    };
    let wanted = |scenario: &u8| arguments.scenario.is_none_or(|wanted| wanted == *scenario);
    let mut tests: Vec<scenarios::Test> = scenarios::all().into_iter().filter(|test| wanted(&test.scenario)).collect();
    if tests.is_empty() {
        eprintln!(
            "no test has this scenario; there are {:?}",
            scenarios::all().iter().map(|test| test.scenario).collect::<Vec<_>>()
        );
        return ExitCode::from(2);
    }
    // Those that end by themselves first: what they leave of their time goes to the others.
    tests.sort_by_key(|test| test.is_endless);
    let whole = Budget {
        seed: arguments.seed,
        cases: u64::MAX,
        deadline: Some(Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0)),
    };
    let tallies = run_seeds(&tests, &whole, arguments.seeds, tell);
    let mut report: Vec<Value> = tallies.iter().map(|tally| tally.to_json(arguments.seed)).collect();
    report.extend(others);
    report.sort_by_key(|scenario| scenario["scenario"].as_u64());
    if let Err(error) = write_report(&arguments.report, &report) {
        eprintln!("{}: {error}", arguments.report.display());
        return ExitCode::from(2);
    }
    let sum = |figure: &str| -> u64 { report.iter().filter_map(|scenario| scenario[figure].as_u64()).sum() };
    let (tried, violated) = (sum("tried"), sum("violations"));
    let seeds = match arguments.seeds {
        1 => format!("seed {}", arguments.seed),
        seeds => format!("{seeds} seeds from {}", arguments.seed),
    };
    println!("{seeds}: {tried} tried, {violated} violations; see {}", arguments.report.display());
    if violated == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(tally: &Tally) {
    println!("{}", tally.line());
    for violation in &tally.violations {
        println!("        {violation}");
    }
}

fn write_corpus(corpus: &Path) -> std::io::Result<()> {
    for (target, seeds) in scenarios::decode::seeds() {
        let directory = corpus.join(target);
        std::fs::create_dir_all(&directory)?;
        for (at, seed) in seeds.iter().enumerate() {
            std::fs::write(directory.join(format!("seed-{at:02}")), seed)?;
        }
    }
    Ok(())
}

/// A report's scenarios that are there already, printed like all others.
fn scenarios_of_others(path: &Path) -> Result<Vec<Value>, String> {
    let lines = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let scenarios: Result<Vec<Value>, _> = lines.lines().map(serde_json::from_str).collect();
    let scenarios = scenarios.map_err(|error| error.to_string())?;
    for told in &scenarios {
        let (test, unit) = (told["test"].as_str().unwrap_or_default(), told["unit"].as_str().unwrap_or_default());
        let (number, tried, violations) = (&told["scenario"], &told["tried"], &told["violations"]);
        let outcome = format!("{tried:>9} {unit}, {violations} violations");
        println!("{}", line(number.as_u64().unwrap_or_default(), test, &outcome));
    }
    Ok(scenarios)
}

fn write_report(path: &Path, scenarios: &[Value]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(path, format!("{:#}\n", Value::from(scenarios)))
}
