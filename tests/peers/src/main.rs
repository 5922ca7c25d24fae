//! `alluvium-peers`: Alluvium and the other engines, taking turns over the same epochs.
// Bytes become ratios here; nothing is decided by their last bit.
#![allow(clippy::cast_precision_loss)]

mod engines;

use std::path::PathBuf;

use alluvium_bench::contender::Kind;
use alluvium_bench::epochs::{Rounds, Series, run};
use alluvium_bench::measure::{disk_bytes, fresh_directory, median};
use alluvium_bench::report::Report;
use alluvium_bench::workload::Workload;
use alluvium_bench::{epochs, full, growth, ours, plot, recovery};
use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

/// Measures Alluvium against other engines: same keys, same epochs, same durability, and recovery
/// into a usable map that is checked by a digest.
///
/// Rows are added to target/bench/report.json, plots go beside it. Example:
/// cargo run --release --manifest-path tests/peers/Cargo.toml -- all
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Where report and plots go.
    #[arg(long, global = true, default_value = "target/bench")]
    out: PathBuf,
    /// A directory for the engines' files, on the disk that is to be measured [default: OUT/scratch-peers].
    #[arg(long, global = true)]
    scratch: Option<PathBuf>,
    /// Live keys.
    #[arg(long, global = true, default_value_t = 1_000_000)]
    keys: u32,
    /// Only engines whose name contains this.
    #[arg(long, global = true)]
    only: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Epochs at `--keys`, recovery, and plots of both.
    All {
        /// Epochs that are measured.
        #[arg(long, default_value_t = 30)]
        epochs: u32,
        /// Epochs before, until rebases and compactions have settled.
        #[arg(long, default_value_t = 100)]
        warmup: u32,
    },
    /// The same epochs at 10⁴, 10⁵ and 10⁶ keys, and plots of it.
    Growth {
        /// 10⁷ keys too.
        #[arg(long)]
        long: bool,
    },
    #[command(hide = true)]
    RecoveryOf { contender: String, path: PathBuf },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Command::RecoveryOf { contender, path } = &cli.command {
        let kinds: Vec<Kind> = [ours::KIND, full::KIND].into_iter().chain(engines::all()).collect();
        return recovery::child(&kinds, contender, path);
    }
    let scratch = cli.scratch.clone().unwrap_or_else(|| cli.out.join("scratch-peers"));
    std::fs::create_dir_all(&cli.out).with_context(|| cli.out.display().to_string())?;
    fresh_directory(&scratch)?;
    let is_wanted = |kind: &Kind| cli.only.as_ref().is_none_or(|only| kind.name.contains(only.as_str()));
    let mut kinds = vec![ours::KIND, full::KIND];
    kinds.extend(engines::all().into_iter().filter(is_wanted));
    ensure!(kinds.len() > 2, "no engine of that name was built in");
    let mut report = Report::open(&cli.out.join("report.json"))?;
    match cli.command {
        Command::All { epochs, warmup } => {
            let rounds = Rounds { warmup, measured: epochs };
            let series = run(&kinds, Workload::of(cli.keys), rounds, &scratch)?;
            let recover_us = recovery::in_turns(&kinds, &scratch, 3)?;
            rows(&series, &recover_us, rounds, &mut report)?;
            for (kind, series) in kinds.iter().zip(&series) {
                let bytes = disk_bytes(&epochs::directory_of(&scratch, kind))?;
                let per_live = bytes as f64 / Workload::of(cli.keys).payload_bytes() as f64;
                report.figure(
                    &format!("peers_{}_disk", identifier(series)),
                    per_live,
                    "x",
                    "bytes on disk per live byte",
                )?;
            }
            plots(&cli.out, &series, &recover_us)?;
        }
        Command::Growth { long } => {
            let sizes = [10_000, 100_000, 1_000_000, 10_000_000];
            let sizes = if long { &sizes[..] } else { &sizes[..3] };
            growth::measure("peers_growth", &kinds, sizes, &scratch, &cli.out, &mut report)?;
        }
        Command::RecoveryOf { .. } => {}
    }
    std::fs::remove_dir_all(&scratch)?;
    println!("{}", report.table());
    println!("report and plots: {}", cli.out.display());
    Ok(())
}

fn identifier(series: &Series) -> String {
    series.name.replace(' ', "_")
}

fn rows(series: &[Series], recover_us: &[f64], rounds: Rounds, report: &mut Report) -> Result<()> {
    let ours = &series[0];
    let against = format!("medians of {} epochs in turns", rounds.measured);
    for (series, recover_us) in series.iter().zip(recover_us) {
        let name = format!("peers_{}", identifier(series));
        report.figure(&format!("{name}_put_us"), median(&series.apply_us), "us", "an epoch's puts")?;
        report.figure(&format!("{name}_stall_us"), series.stall(), "us", &against)?;
        report.figure(&format!("{name}_durable_us"), series.durable(), "us", &against)?;
        report.figure(
            &format!("{name}_bytes"),
            series.mean_bytes(),
            "B",
            "mean of an epoch, background work included",
        )?;
        report.figure(&format!("{name}_recover_us"), *recover_us, "us", "into a usable map")?;
    }
    let Some(at) = series.iter().position(|series| series.name == "rocksdb checkpoint") else { return Ok(()) };
    let rocksdb = &series[at];
    let checkpoint = "RocksDB: put without a log, then Checkpoint";
    report.goal("durable_vs_rocksdb", rocksdb.durable() / ours.durable(), ">= 3", "x", checkpoint)?;
    report.goal("stall_vs_rocksdb", rocksdb.stall() / ours.stall(), ">= 100", "x", checkpoint)?;
    let into_map = "RocksDB's checkpoint opened and read into a map";
    report.goal("recover_vs_rocksdb", recover_us[at] / recover_us[0], ">= 10", "x", into_map)
}

fn plots(out: &std::path::Path, series: &[Series], recover_us: &[f64]) -> Result<()> {
    let bars = |figure: &dyn Fn(usize) -> f64| {
        series.iter().enumerate().map(|(at, series)| (series.name.clone(), figure(at))).collect::<Vec<_>>()
    };
    let draw = |name: &str, title: &str, unit: &str, figure: &dyn Fn(usize) -> f64| {
        plot::bars(&out.join(name), title, unit, &bars(figure))
    };
    draw("peers_durable.svg", "Time to durable, 1 % changed", "time", &|at| series[at].durable())?;
    draw("peers_stall.svg", "Stall of the stream at a checkpoint, 1 % changed", "time", &|at| series[at].stall())?;
    draw("peers_bytes.svg", "Bytes written in an epoch, 1 % changed", "bytes", &|at| series[at].mean_bytes())?;
    draw("peers_recovery.svg", "Recovery into a usable map", "time", &|at| recover_us[at])
}
