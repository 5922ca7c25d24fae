//! `--metrics FILE`: what the host counts, in Prometheus's text form, for collectors of files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alluvium_host::Host;

use crate::failure::Failure;

/// The file is written no more often than this: collectors read it less often.
const INTERVAL: Duration = Duration::from_secs(1);

/// Replaces the file from time to time.
pub(super) struct Metrics {
    host: Host,
    path: Option<PathBuf>,
    written: Option<Instant>,
}

impl Metrics {
    pub(super) fn new(host: Host, path: Option<&Path>) -> Self {
        Self { host, path: path.map(Path::to_owned), written: None }
    }

    /// After a checkpoint: at most once a second.
    pub(super) fn write_if_due(&mut self) -> Result<(), Failure> {
        if self.written.is_none_or(|written| written.elapsed() >= INTERVAL) { self.write() } else { Ok(()) }
    }

    /// Replaces the file: who reads it finds the old text or the new one.
    pub(super) fn write(&mut self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        self.written = Some(Instant::now());
        crate::output::replace_file(path, |out| {
            out.write_all(self.host.metrics().as_bytes()).map_err(|error| Failure::file(path, &error))
        })
    }
}
