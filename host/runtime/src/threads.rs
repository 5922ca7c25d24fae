//! Threads and processes that the system may refuse to start, and what is said then.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

/// Says what could not be started, and what to do about it.
pub(crate) fn cannot_start(what: impl fmt::Display, error: &io::Error) -> String {
    let to_do = match error.kind() {
        io::ErrorKind::WouldBlock => {
            "; raise the limit of processes and threads (`ulimit -u`, or TasksMax of a service), or free memory"
        }
        _ => "",
    };
    format!("{what} cannot be started: {error}{to_do}")
}

/// Starts the threads that compile, unless they have been started. All compilers of this process share them.
///
/// Otherwise wasmtime starts them with its first component, and panics if the system refuses that.
pub(crate) fn start_compiling_threads() -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let start = || match rayon::ThreadPoolBuilder::new().build_global() {
        Ok(()) => Ok(()),
        Err(error) => match error.source().and_then(|source| source.downcast_ref()) {
            Some(refused) => Err(cannot_start("a thread to compile with", refused)),
            // This program has started them for purposes of its own.
            None => Ok(()),
        },
    };
    // They are started once or never: a second attempt would not be made.
    STARTED.get_or_init(start).clone()
}

/// Calls `call` within a runtime for the files of components.
///
/// Otherwise wasmtime makes a runtime with a thread for each core, and panics if the system refuses one. No thread is
/// needed, because each call waits for its file itself.
pub(crate) fn within_runtime<T>(call: impl FnOnce() -> T) -> T {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let is_within = Handle::try_current().is_ok();
    let runtime = if is_within { &None } else { RUNTIME.get_or_init(|| Builder::new_current_thread().build().ok()) };
    let _entered = runtime.as_ref().map(Runtime::enter);
    call()
}
