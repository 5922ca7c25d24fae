//! What the kernel counts for this process.

use anyhow::{Context, Result};

/// The most memory that this process has taken, in MiB; with `again`, counted from now on.
pub(super) fn peak_mib(again: bool) -> Result<f64> {
    if again {
        std::fs::write("/proc/self/clear_refs", "5")?;
    }
    Ok(status("VmHWM:")? / 1024.0)
}

/// Memory of this process that is there now, in MiB.
pub(super) fn resident_mib() -> Result<f64> {
    Ok(status("VmRSS:")? / 1024.0)
}

fn status(name: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).context("no such line in status")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

/// Open descriptors, mappings and threads.
pub(super) fn resources() -> Result<[usize; 3]> {
    let count = |path: &str| -> Result<usize> { Ok(std::fs::read_dir(path)?.count()) };
    let maps = std::fs::read_to_string("/proc/self/maps")?.lines().count();
    Ok([count("/proc/self/fd")?, maps, count("/proc/self/task")?])
}

/// Lets this process open as many files as it may: each directory of a plugin holds a few.
pub(super) fn open_many_files() -> Result<()> {
    let mut files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    files.current = files.maximum;
    Ok(rustix::process::setrlimit(rustix::process::Resource::Nofile, files)?)
}

/// How long this thread was ready to run, and another one ran instead, in microseconds since it began.
pub(super) fn waited_us() -> Result<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let waited: f64 = told.split_whitespace().nth(1).context("no time of waiting in schedstat")?.parse()?;
    Ok(waited / 1e3)
}
