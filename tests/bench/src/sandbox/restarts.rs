//! What is left of ten thousand restarts.

use std::path::Path;
use std::time::Instant;

use alluvium_host::Host;
use anyhow::{Result, ensure};

use crate::measure::fresh_directory;
use crate::report::Report;
use crate::sandbox::process::{resident_mib, resources};
use crate::sandbox::tenant::{batch, begin, honest, load, perform, start};

const RESTARTS: u32 = 10_000;
/// Restarts before what is there is counted.
const WARM_UP: u32 = 500;

/// Restarts an honest plugin, and one that traps before each restart.
pub(super) fn run(host: &Host, scratch: &Path, report: &mut Report) -> Result<()> {
    let trap = alluvium_hostile::ATTACKS.iter().find(|attack| attack.name == "trap");
    let guests = [honest(), trap.map(|attack| (attack.guest)()).unwrap_or_default()];
    let mut plugins = Vec::new();
    for (at, guest) in guests.iter().enumerate() {
        let place = scratch.join(format!("restarted-{at}"));
        fresh_directory(&place)?;
        plugins.push(start(host, &load(host, scratch, guest)?, &place)?);
    }
    let [honest, hostile] = plugins.as_mut_slice() else { anyhow::bail!("two plugins") };
    honest.feed(0, &batch())?;
    honest.checkpoint()?;
    let mut restart = |times: u32| -> Result<()> {
        for _ in 0..times / 2 {
            honest.restart()?;
            ensure!(perform(hostile)?.is_end(), "it lives");
            hostile.restart()?;
            begin(hostile)?;
        }
        Ok(())
    };
    restart(WARM_UP)?;
    let (before, before_mib, begun) = (resources()?, resident_mib()?, Instant::now());
    restart(RESTARTS)?;
    let (after, after_mib, seconds) = (resources()?, resident_mib()?, begun.elapsed().as_secs_f64());
    let text =
        format!("{RESTARTS} restarts in {seconds:.1} s: descriptors, maps, threads {after:?}, before {before:?}");
    let more = after.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).max().unwrap_or(0);
    report.goal("sandbox_leaked", more as f64, "<= 8", "", &text)?;
    let text = format!("more resident memory after {RESTARTS} restarts, {before_mib:.0} MiB before");
    report.goal("sandbox_leaked_mib", (after_mib - before_mib).max(0.0), "<= 8", "MiB", &text)
}
