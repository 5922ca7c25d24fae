//! `alluvium-bench`: the goals for speed, measured.

mod bytes;
mod command_line;

use std::path::PathBuf;

use alluvium_bench::amplification::Pattern;
use alluvium_bench::contender::Kind;
use alluvium_bench::epochs::{Rounds, directory_of, run};
use alluvium_bench::measure::{fresh_directory, median};
use alluvium_bench::report::Report;
use alluvium_bench::workload::Workload;
use alluvium_bench::{churn, freeze, full, growth, hot_keys, memory, ours, plot, recovery, state};
use anyhow::{Context, Result};
use clap::Parser;
use command_line::{Cli, Command};

const KINDS: [Kind; 2] = [ours::KIND, full::KIND];

/// How many keys the plots of growth go through.
const SIZES: [u32; 5] = [10_000, 100_000, 1_000_000, 4_000_000, 10_000_000];

fn main() -> Result<()> {
    let Cli { command, place } = Cli::parse();
    if let Command::MemoryOf { holder } = command {
        return memory::child(holder, place.keys);
    }
    if let Command::RecoveryOf { contender, path } = &command {
        return recovery::child(&KINDS, contender, path);
    }
    let scratch = place.scratch.clone().unwrap_or_else(|| place.out.join("scratch"));
    std::fs::create_dir_all(&place.out).with_context(|| place.out.display().to_string())?;
    fresh_directory(&scratch)?;
    let bench = Bench { workload: Workload::of(place.keys), out: place.out, scratch };
    let done = bench.run(&command);
    std::fs::remove_dir_all(&bench.scratch)?;
    done
}

struct Bench {
    workload: Workload,
    out: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn run(&self, command: &Command) -> Result<()> {
        if let Command::Quick = command {
            return self.quick();
        }
        let mut report = Report::open(&self.out.join("report.json"))?;
        match command {
            Command::All => {
                let workload = self.workload;
                step("state against maps");
                state::run(workload, 5, &mut report)?;
                step("memory");
                memory::run(workload, &mut report)?;
                step("memory after ten million operations");
                churn::run(10_000_000, &mut report)?;
                step("freeze");
                freeze::run(workload, &mut report)?;
                step("the longest put");
                hot_keys::run(5, &mut report)?;
                step("epochs against the floor and the full rewrite");
                self.epochs(Rounds { warmup: 120, measured: 50 }, &mut report)?;
                step("recovery against the floor");
                recovery::base(workload, 7, &self.scratch, &mut report)?;
                step("recovery of ten times the keys");
                recovery::growth(workload.keys, 7, &self.scratch, &mut report)?;
                #[cfg(feature = "component")]
                {
                    step("the component against native");
                    self.component(&mut report)?;
                    step("the stall of a plugin");
                    alluvium_bench::stall::run(100, &self.scratch, &mut report)?;
                    step("scans of what is found");
                    alluvium_bench::scan::run(15, &self.scratch, &mut report)?;
                    step("an operator against the same over a map");
                    alluvium_bench::operator::run(3, &self.scratch, &mut report)?;
                }
                step("amplification");
                self.amplification(&[Pattern::Uniform, Pattern::Zipf], 400, &mut report)?;
                step("how it grows, to ten million keys");
                growth::measure("growth", &KINDS, &SIZES, &self.scratch, &self.out, &mut report)?;
            }
            Command::Epochs { epochs, warmup } => {
                self.epochs(Rounds { warmup: *warmup, measured: *epochs }, &mut report)?;
            }
            Command::State => state::run(self.workload, 5, &mut report)?,
            Command::Churn { operations } => churn::run(*operations, &mut report)?,
            Command::HotKeys => hot_keys::run(5, &mut report)?,
            Command::Freeze => freeze::run(self.workload, &mut report)?,
            Command::Memory => memory::run(self.workload, &mut report)?,
            Command::Recovery => recovery::base(self.workload, 7, &self.scratch, &mut report)?,
            Command::RecoveryGrowth => recovery::growth(self.workload.keys, 7, &self.scratch, &mut report)?,
            #[cfg(feature = "component")]
            Command::Component => self.component(&mut report)?,
            #[cfg(feature = "component")]
            Command::Sandbox { part } => alluvium_bench::sandbox::run(*part, &self.scratch, &mut report)?,
            #[cfg(feature = "component")]
            Command::Stall { checkpoints } => alluvium_bench::stall::run(*checkpoints, &self.scratch, &mut report)?,
            #[cfg(feature = "component")]
            Command::Operator { rounds } => alluvium_bench::operator::run(*rounds, &self.scratch, &mut report)?,
            #[cfg(feature = "component")]
            Command::Scan => alluvium_bench::scan::run(15, &self.scratch, &mut report)?,
            Command::Amplification { epochs, pattern } => {
                let all = [Pattern::Uniform, Pattern::Zipf, Pattern::Growth, Pattern::MassDelete];
                let patterns = pattern.map_or(all.to_vec(), |pattern| vec![pattern]);
                self.amplification(&patterns, *epochs, &mut report)?;
            }
            Command::Growth { long } => {
                let sizes = if *long { &SIZES[..] } else { &SIZES[..3] };
                growth::measure("growth", &KINDS, sizes, &self.scratch, &self.out, &mut report)?;
            }
            Command::Quick | Command::MemoryOf { .. } | Command::RecoveryOf { .. } => {}
        }
        println!("{}", report.table());
        println!("report and plots: {}", self.out.display());
        Ok(())
    }

    #[cfg(feature = "component")]
    fn component(&self, report: &mut Report) -> Result<()> {
        let rounds = Rounds { warmup: 60, measured: 40 };
        alluvium_bench::component::run(self.workload, rounds, 7, &self.scratch, report)
    }

    fn epochs(&self, rounds: Rounds, report: &mut Report) -> Result<()> {
        let series = run(&KINDS, self.workload, rounds, &self.scratch)?;
        let (ours, full) = (&series[0], &series[1]);
        let floor_us = median(&ours.floor_us);
        let epochs = format!("medians of {} epochs, {} keys of which 1 % change", rounds.measured, self.workload.keys);
        report.goal(
            "durable_vs_floor",
            ours.durable() / floor_us,
            "<= 1.5",
            "x",
            &format!("the same bytes in one new file, synced, and its name: {:.1} ms", floor_us / 1e3),
        )?;
        report.goal(
            "durable_vs_full",
            full.durable() / ours.durable(),
            ">= 100",
            "x",
            &format!("the whole state into a new file, synced: {:.0} ms", full.durable() / 1e3),
        )?;
        report.figure(
            "bytes_vs_full",
            full.mean_bytes() / ours.mean_bytes(),
            "x",
            "bytes of the full rewrite against ours",
        )?;
        for series in &series {
            let name = series.name.replace(' ', "_");
            report.figure(&format!("{name}_durable_us"), series.durable(), "us", &epochs)?;
            report.figure(&format!("{name}_stall_us"), series.stall(), "us", &epochs)?;
            report.figure(&format!("{name}_bytes"), series.mean_bytes(), "B", "mean of an epoch")?;
        }
        report.figure(
            "alluvium_tidy_us",
            median(&ours.tidy_us),
            "us",
            "retention, collection and rebase, behind the stream",
        )?;
        recovery::with_deltas(&directory_of(&self.scratch, &KINDS[0]), 7, report)?;
        let recover_us = recovery::in_turns(&KINDS, &self.scratch, 3)?;
        let bars = |figure: &dyn Fn(usize) -> f64| {
            KINDS.iter().enumerate().map(|(at, kind)| (kind.name.to_owned(), figure(at))).collect::<Vec<_>>()
        };
        plot::bars(
            &self.out.join("durable.svg"),
            "Time to durable, 1 % of a million keys changed",
            "time",
            &bars(&|at| series[at].durable()),
        )?;
        plot::bars(
            &self.out.join("stall.svg"),
            "Stall of the stream at a checkpoint",
            "time",
            &bars(&|at| series[at].stall()),
        )?;
        plot::bars(
            &self.out.join("bytes.svg"),
            "Bytes written in an epoch",
            "bytes",
            &bars(&|at| series[at].mean_bytes()),
        )?;
        plot::bars(&self.out.join("recovery.svg"), "Recovery into a usable map", "time", &bars(&|at| recover_us[at]))
    }
}

fn step(what: &str) {
    eprintln!("== {what}");
}
