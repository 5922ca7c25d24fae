//! `--metrics FILE`: the metrics of a run for collectors of files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alluvium_host::Host;

use super::metrics::exposition;
use super::status::Status;
use crate::failure::Failure;

/// The file is written no more often than this: collectors read it less often.
const INTERVAL: Duration = Duration::from_secs(1);

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
