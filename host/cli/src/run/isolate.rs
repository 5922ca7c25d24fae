//! `alluvium run --isolate`: the plugin in a process of its own.

use alluvium_host::{Host, RuntimeError, WorkerProcess};

/// The same host, whose plugins run in processes that are this program again.
pub(super) fn isolated(host: &Host) -> Result<Host, RuntimeError> {
    let unnamed = |error| RuntimeError::Host(format!("this program cannot be found again: {error}"));
    host.isolated(WorkerProcess::this_program(["worker"]).map_err(unnamed)?)
}
