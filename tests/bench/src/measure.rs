//! Clocks, medians, and what the kernel counts for this process.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Microseconds that `work` takes, and what it gives.
pub fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let output = work();
    (started.elapsed().as_secs_f64() * 1e6, output)
}

/// The time of the processor that this thread or this process has had, in microseconds.
pub fn busy_us(of: ClockId) -> f64 {
    let time = clock_gettime(of);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// The value that `part` (0 to 1) of all samples do not exceed.
pub fn percentile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// The median.
pub fn median(samples: &[f64]) -> f64 {
    percentile(samples, 0.5)
}

/// Operations too short to be timed one by one: whole rounds are, and their median counts.
#[derive(Debug, Default)]
pub struct Operations {
    rounds_ns: Vec<f64>,
}

impl Operations {
    /// One round: does `operation` with every item.
    pub fn round<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        operation: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let count = items.len();
        let mut items = items;
        let (elapsed_us, done) = timed(|| items.try_for_each(operation));
        done?;
        self.rounds_ns.push(elapsed_us * 1e3 / count as f64);
        Ok(())
    }

    /// Nanoseconds an operation, of the median round.
    pub fn nanoseconds(&self) -> f64 {
        median(&self.rounds_ns)
    }
}

/// Bytes that this process has handed to the kernel by write calls, its background threads included.
pub fn bytes_written() -> Result<u64> {
    let counters = std::fs::read_to_string("/proc/self/io").context("/proc/self/io")?;
    let line = counters.lines().find_map(|line| line.strip_prefix("wchar: "));
    Ok(line.context("/proc/self/io: no wchar")?.parse()?)
}

/// Bytes of memory that this process has in use, as the kernel sees it.
pub fn resident_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
    Ok(line.context("/proc/self/status: no VmRSS")?.trim().parse::<u64>()? * 1024)
}

/// Bytes on disk below a directory; a file with several names counts once.
pub fn disk_bytes(root: &Path) -> Result<u64> {
    fn walk(at: &Path, seen: &mut BTreeSet<u64>, bytes: &mut u64) -> Result<()> {
        for entry in std::fs::read_dir(at).with_context(|| at.display().to_string())? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                walk(&entry.path(), seen, bytes)?;
            } else if seen.insert(metadata.ino()) {
                *bytes += metadata.blocks() * 512;
            }
        }
        Ok(())
    }
    let mut bytes = 0;
    walk(root, &mut BTreeSet::new(), &mut bytes)?;
    Ok(bytes)
}

/// Waits until everything written so far is on disk, so that no contender pays for the one before it.
pub fn quiet_disk() {
    rustix::fs::sync();
}

/// An empty directory of this name.
pub fn fresh_directory(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| path.display().to_string());
        }
        _ => {}
    }
    std::fs::create_dir_all(path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        let found = [0.5, 0.99, 0.2].map(|part| format!("{}", percentile(&samples, part)));
        assert_eq!(found, ["3", "5", "1"]);
    }
}
