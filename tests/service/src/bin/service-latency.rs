//! `service-latency`: how long records are on their way to a synced log, at several rates.

use std::process::ExitCode;
use std::time::Duration;

use alluvium_test_service::latency::{Load, measure};
use alluvium_test_service::program::Program;
use clap::Parser;

/// Send records to the command at several rates, and measure the time from arrival to a synced log or checkpoint
#[derive(Parser)]
struct Arguments {
    /// Records a second, one after the other
    #[arg(long, value_delimiter = ',', default_value = "10,1000,10000,50000,100000")]
    rates: Vec<u64>,
    /// For how long each
    #[arg(long, default_value = "30")]
    seconds: u64,
    /// The option --sync-interval, in milliseconds
    #[arg(long, default_value = "100")]
    sync_interval: u64,
    /// Where randomness starts
    #[arg(long, default_value = "1")]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { rates, seconds, sync_interval, seed } = Arguments::parse();
    let program = match Program::find() {
        Ok(program) => program,
        Err(missing) => {
            eprintln!("{missing}");
            return ExitCode::from(2);
        }
    };
    println!("sync interval {sync_interval} ms, {seconds} s each; milliseconds from arrival to a synced log");
    println!("{:>10} {:>12} {:>8} {:>8} {:>8}  lag by tenths of the time", "rate", "sent a s", "p50", "p99", "max");
    for rate in rates {
        let load = Load { rate, time: Duration::from_secs(seconds), sync_interval_ms: sync_interval };
        match measure(&program, &load, seed) {
            Ok(measured) => {
                let tenths: Vec<String> = measured.tenths_ms.iter().map(|ms| format!("{ms:.0}")).collect();
                let steady = if measured.is_steady(&load) { "steady" } else { "grows" };
                println!(
                    "{rate:>10} {:>12.0} {:>8.1} {:>8.1} {:>8.1}  {} {steady}",
                    measured.sent_rate,
                    measured.p50_ms,
                    measured.p99_ms,
                    measured.max_ms,
                    tenths.join(" ")
                );
            }
            Err(what) => {
                eprintln!("{rate} records a second: {what}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
