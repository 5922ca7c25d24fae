//! Rows that count bytes: amplification, and the short form that holds bytes to their goals.

use alluvium_bench::amplification::{Amplification, Pattern, simulate};
use alluvium_bench::churn;
use alluvium_bench::epochs::{Rounds, run};
use alluvium_bench::recovery;
use alluvium_bench::report::Report;
use anyhow::{Result, ensure};

use crate::{Bench, KINDS, step};

impl Bench {
    /// Measures amplification under several patterns of changes.
    pub(crate) fn amplification(&self, patterns: &[Pattern], epochs: u32, report: &mut Report) -> Result<()> {
        println!("{epochs} epochs, {} keys; the second half:", self.workload.keys);
        println!(
            "{:12} {:>6} {:>6} {:>12} {:>12} {:>11}",
            "pattern", "delta", "write", "read (max)", "space (max)", "worst epoch"
        );
        for &pattern in patterns {
            let found = simulate(self.workload, pattern, epochs)?;
            print_amplification(pattern, &found);
            let name = format!("{pattern:?}").to_lowercase();
            let against = format!("{epochs} epochs, the second half; {name}");
            let suffix = if pattern == Pattern::Uniform { String::new() } else { format!("_{name}") };
            let the_mean = format!("mean of {against}; at most {:.3}", found.space.1);
            let rows = [
                ("delta_amplification", found.delta, "<= 1.05", "delta bytes per changed byte"),
                ("write_amplification", found.write, "<= 3.1", &against),
                ("space_amplification", found.space.0, "<= 1.6", &the_mean),
                ("worst_epoch", found.worst_epoch, "<= 5", "bytes created against the epoch's delta"),
            ];
            let bytes = ("metadata_bytes", found.metadata_bytes, "<= 1500", "metadata of a checkpoint without changes");
            let rows = rows.into_iter().map(|row| (row, "x")).chain([(bytes, "B")]);
            for ((row, value, goal, against), unit) in rows {
                // The goals are those of workload W, which changes uniformly.
                if suffix.is_empty() {
                    report.goal(row, value, goal, unit, against)?;
                } else {
                    report.figure(&format!("{row}{suffix}"), value, unit, against)?;
                }
            }
            report.figure(
                &format!("read_amplification{suffix}"),
                found.read.1,
                "x",
                "bytes that recovery reads per live byte",
            )?;
        }
        Ok(())
    }

    /// Bytes only: they are the same on every machine, however busy it is.
    pub(crate) fn quick(&self) -> Result<()> {
        let workload = self.workload;
        step("amplification, uniform, 400 epochs");
        let found = simulate(workload, Pattern::Uniform, 400)?;
        print_amplification(Pattern::Uniform, &found);
        let check = |name: &str, value: f64, at_most: f64| {
            ensure!(value <= at_most, "{name} is {value:.3}: at most {at_most} was the goal");
            println!("{name}: {value:.3}, at most {at_most}");
            Ok(())
        };
        check("delta_amplification", found.delta, 1.05)?;
        check("write_amplification", found.write, 3.1)?;
        check("space_amplification", found.space.0, 1.6)?;
        check("worst_epoch", found.worst_epoch, 5.0)?;
        check("metadata_bytes", found.metadata_bytes, 1_500.0)?;
        step("memory after a million operations");
        check("churn_vs_payload", churn::churn(1_000_000)?.worst, churn::GOAL)?;
        step("three epochs on disk, and recovery");
        let series = run(&KINDS, workload, Rounds { warmup: 0, measured: 3 }, &self.scratch)?;
        check("bytes against the full rewrite", series[0].mean_bytes() / series[1].mean_bytes(), 0.02)?;
        // Every contender must bring back the same state.
        recovery::in_turns(&KINDS, &self.scratch, 1)?;
        println!("recovered states are equal");
        Ok(())
    }
}

fn print_amplification(pattern: Pattern, found: &Amplification) {
    let pair = |(mean, most): (f64, f64)| format!("{mean:.2} ({most:.2})");
    println!(
        "{:12} {:6.3} {:6.2} {:>12} {:>12} {:11.2}",
        format!("{pattern:?}"),
        found.delta,
        found.write,
        pair(found.read),
        pair(found.space),
        found.worst_epoch
    );
}
