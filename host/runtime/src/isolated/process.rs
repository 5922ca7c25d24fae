//! The process that a worker is, and how it is started.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A process that runs one plugin and its engine: a program that calls [`work_for_host`](crate::work_for_host).
#[derive(Debug, Clone)]
pub struct WorkerProcess {
    /// The program. It gets no environment.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How long the host waits for an answer beyond the time that the call may take. Then the process is killed.
    pub grace: Duration,
    /// How much memory the process may take beside the memories of plugin and engine, as
    /// [`Limits`](crate::Limits) has them.
    pub memory_bytes: u64,
}

impl WorkerProcess {
    /// This program with `arguments`, with 5 seconds of grace and 512 MiB beside the memories of plugin and engine.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: arguments.into_iter().map(Into::into).collect(),
            grace: Duration::from_secs(5),
            memory_bytes: 512 << 20,
        })
    }
}
