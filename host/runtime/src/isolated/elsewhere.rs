//! Systems without the wall of Linux: nothing is run without one.

pub(crate) mod process;

use alluvium::NativeDirectory;

use crate::compiler::Runtime;
use crate::engine::EngineOptions;
use crate::engine::component::Ready;
use crate::error::RuntimeError;
use crate::host::Started;
use crate::isolated::process::WorkerProcess;
use crate::limits::Limits;
use crate::module::Module;

/// There is no way to run plugins in worker processes.
pub(crate) enum Isolation {}

impl Isolation {
    /// Fails: this system has no such wall.
    pub(crate) fn new(_: WorkerProcess, _: Option<&Ready>) -> Result<Self, RuntimeError> {
        let why = "plugins cannot be isolated here, and none is run without the wall that was asked for";
        Err(RuntimeError::Host(format!("{why}: this system lacks landlock and seccomp, which are Linux's")))
    }

    pub(crate) fn open(
        &self,
        _: (&Runtime, Option<&Ready>),
        _: &Module,
        _: NativeDirectory,
        _: &EngineOptions,
        _: &Limits,
    ) -> Result<Started, RuntimeError> {
        match *self {}
    }
}

pub(crate) mod serve {
    //! What a worker process does here: nothing.

    use std::io;

    /// Fails: only on Linux is there a host that starts this process.
    pub fn work_for_host() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
