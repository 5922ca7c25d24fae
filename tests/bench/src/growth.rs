//! How contenders grow: the same epochs at 10⁴, 10⁵, … keys.

use std::path::Path;

use anyhow::Result;

use crate::contender::Kind;
use crate::epochs::{Rounds, run};
use crate::plot::{Line, lines};
use crate::recovery::in_turns;
use crate::report::Report;
use crate::workload::Workload;

/// Until bases are rewritten as fast as they are overtaken, then what is measured.
const ROUNDS: Rounds = Rounds { warmup: 60, measured: 7 };

/// Measures and plots stall, time to durable, bytes and recovery at every size; rows and plots have
/// names that begin with `name`.
pub fn measure(
    name: &str,
    kinds: &[Kind],
    sizes: &[u32],
    scratch: &Path,
    out: &Path,
    report: &mut Report,
) -> Result<()> {
    let figures = ["stall_us", "durable_us", "bytes", "recover_us"];
    let titles = [
        ("Stall of the stream at a checkpoint, 1 % changed", "time"),
        ("Time to durable, 1 % changed", "time"),
        ("Bytes written in an epoch, 1 % changed", "bytes"),
        ("Recovery into a usable map", "time"),
    ];
    let empty = || kinds.iter().map(|kind| Line { name: kind.name.into(), points: Vec::new() }).collect::<Vec<_>>();
    let mut plots = [empty(), empty(), empty(), empty()];
    for &keys in sizes {
        let scratch = scratch.join("growth");
        let workload = Workload::of(keys);
        let series = run(kinds, workload, ROUNDS, &scratch)?;
        let recover_us = in_turns(kinds, &scratch, 3)?;
        let first_us = series[0].durable();
        for (at, series) in series.iter().enumerate() {
            let values = [series.stall(), series.durable(), series.mean_bytes(), recover_us[at]];
            for ((plot, figure), value) in plots.iter_mut().zip(figures).zip(values) {
                plot[at].points.push((f64::from(keys), value));
                let row = format!("{name}_{keys}_{}_{figure}", series.name.replace([' ', '+'], "_"));
                report.figure(&row, value, if figure == "bytes" { "B" } else { "us" }, "7 epochs, 1 % changed")?;
            }
        }
        for series in &series[1..] {
            let row = format!("{name}_{keys}_durable_vs_{}", series.name.replace([' ', '+'], "_"));
            let against = format!("{} against {}, time to durable at {keys} keys", series.name, kinds[0].name);
            report.figure(&row, series.durable() / first_us, "x", &against)?;
        }
        std::fs::remove_dir_all(&scratch)?;
    }
    for ((plot, figure), (title, unit)) in plots.iter().zip(figures).zip(titles) {
        lines(&out.join(format!("{name}_{figure}.svg")), title, unit, plot)?;
    }
    Ok(())
}
