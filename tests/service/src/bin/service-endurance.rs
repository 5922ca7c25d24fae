//! `service-endurance`: from one stream to another at full speed for minutes, with a kill a minute.

use std::process::ExitCode;
use std::time::Duration;

use alluvium_test_service::endurance::endure;
use alluvium_test_service::program::Program;
use clap::Parser;

/// Run the command from one stream of JetStream to another at full speed, kill it again and again, and compare every
/// line with a count
#[derive(Parser)]
struct Arguments {
    /// For how long
    #[arg(long, default_value = "10")]
    minutes: f64,
    /// How many seconds lie between two kills
    #[arg(long, default_value = "60")]
    period: f64,
    /// Where randomness starts
    #[arg(long, default_value = "1")]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { minutes, period, seed } = Arguments::parse();
    let (time, period) = (Duration::from_secs_f64(minutes * 60.0), Duration::from_secs_f64(period));
    let endured = Program::find().and_then(|program| endure(&program, time, period, seed));
    let endured = match endured {
        Ok(endured) => endured,
        Err(what) => {
            eprintln!("seed {seed}: {what}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", endured.sentence());
    for (number, (first, most)) in (1..).zip(&endured.memory) {
        println!("process {number}: {} KiB of memory at first, {} KiB at most", first >> 10, most >> 10);
    }
    println!("the most is {:.2} times what the first process had at first", endured.growth());
    ExitCode::SUCCESS
}
