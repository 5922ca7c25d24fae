//! `--metrics FILE`: the metrics of a run for collectors of files.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alluvium_host::Host;

use super::metrics::exposition;
use super::status::Status;
use crate::failure::Failure;

/// The file is written no more often than this: collectors read it less often.
const INTERVAL: Duration = Duration::from_secs(1);

/// How the file begins.
const BEGIN: &[u8] = b"# HELP alluvium_";

/// Replaces the file from time to time.
pub(in crate::run) struct MetricsFile {
    host: Host,
    status: Status,
    path: Option<PathBuf>,
    written: Option<Instant>,
}

impl MetricsFile {
    pub(in crate::run) fn new(host: Host, status: Status, path: Option<&Path>) -> Self {
        Self { host, status, path: path.map(Path::to_owned), written: None }
    }

    /// At most once a second.
    pub(in crate::run) fn write_if_due(&mut self) -> Result<(), Failure> {
        if self.written.is_none_or(|written| written.elapsed() >= INTERVAL) { self.write() } else { Ok(()) }
    }

    /// Replaces the file: who reads it finds the old text or the new one.
    pub(in crate::run) fn write(&mut self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        self.written = Some(Instant::now());
        let text = exposition(&self.host, &self.status);
        crate::output::replace_file(path, |out| {
            out.write_all(text.as_bytes()).map_err(|error| Failure::file(path, &error))
        })
    }
}

/// A file that is there must be one of metrics, because it is replaced.
pub(in crate::run) fn check_metrics_file(path: &Path) -> Result<(), Failure> {
    if !fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
        return Ok(());
    }
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGIN.len() as u64).read_to_end(&mut begin));
    read.map_err(|error| Failure::file(path, &error))?;
    if begin == BEGIN {
        return Ok(());
    }
    Err(Failure::at(path.display(), "is there already, and is no file of metrics")
        .hint("name another file for --metrics"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_metrics_are_replaced_by_metrics() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("m");
        assert!(check_metrics_file(&path).is_ok());
        for (content, is_taken) in [("", true), ("# HELP alluvium_up", true), ("# HELP", false), ("a,b\n", false)] {
            fs::write(&path, content).expect("a file");
            assert_eq!(check_metrics_file(&path).is_ok(), is_taken, "{content:?}");
        }
    }
}
