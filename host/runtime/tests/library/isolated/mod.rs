//! Plugins in worker processes: they do what they do without, and the wall around them holds.

mod attempts;
mod deaths;
mod lies;
mod program;
mod same;
mod wall;

use alluvium_host::{Host, WorkerProcess};

/// Set for this program when it is to run its tests with every plugin in a worker.
const ASKED: &str = "ALLUVIUM_TEST_ISOLATED";

/// Whether every plugin is to be in a worker.
pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(ASKED).is_some()
}

/// The same host with workers, which are this program.
pub(crate) fn isolated(host: &Host) -> Host {
    host.isolated(worker()).expect("this kernel has landlock and seccomp")
}

/// This program as a worker.
fn worker() -> WorkerProcess {
    WorkerProcess::this_program([program::WORKER]).expect("this program")
}
