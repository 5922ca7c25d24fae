//! Why a worker is gone.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::deadline;
use crate::error::RuntimeError;
use crate::isolated::frame::Broken;
use crate::limits::Limit;

/// A process that has closed its end dies within this time, or it did not close it by dying.
const DEATH: Duration = Duration::from_secs(2);

const WHO: &str = "the worker process";

/// What a worker was allowed, for people to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) time: Duration,
    pub(super) memory_bytes: u64,
    pub(super) file_bytes: u64,
}

/// Says why a worker did not answer. It may live still.
pub(super) fn explain(child: &mut Child, broken: Broken, allowed: Allowed) -> RuntimeError {
    let trap = |why: String| RuntimeError::Trap { who: WHO, why };
    match broken {
        Broken::Late => {
            let why = format!("it did not answer within {} ms", allowed.time.as_millis());
            RuntimeError::Limit { who: WHO, limit: Limit::Time, why }
        }
        Broken::Stopped => deadline::past(),
        Broken::Form(what) => trap(format!("it sent {what}")),
        Broken::System(error) => trap(format!("it cannot be asked: {error}")),
        Broken::Gone => match wait(child) {
            Some(status) => of_status(status, allowed),
            None => trap("it closed its connection".to_owned()),
        },
    }
}

/// Waits for a process that is dying.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + DEATH;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
            _ => return None,
        }
    }
}

fn of_status(status: ExitStatus, allowed: Allowed) -> RuntimeError {
    let trap = |why: String| RuntimeError::Trap { who: WHO, why };
    let Some(number) = status.signal() else {
        return trap(format!("it ended by itself ({status})"));
    };
    match Signal::from_named_raw(number) {
        Some(Signal::SYS) => trap("it made a system call that a worker may not make (SIGSYS)".to_owned()),
        Some(Signal::XFSZ) => {
            let why = format!("it wrote a file of more than {} bytes (SIGXFSZ)", allowed.file_bytes);
            RuntimeError::Limit { who: WHO, limit: Limit::DiskBytes, why }
        }
        Some(Signal::ABORT) => trap(format!(
            "it aborted (SIGABRT), as it does when it gets no more memory: it may take {} MiB",
            allowed.memory_bytes >> 20
        )),
        Some(Signal::KILL) => trap(
            "it was killed (SIGKILL): by the kernel, as it does when the machine has no more memory, or by another \
             process"
                .to_owned(),
        ),
        Some(Signal::SEGV) => trap("it was killed by a fault in memory (SIGSEGV)".to_owned()),
        Some(Signal::BUS) => trap("it was killed by a fault in memory (SIGBUS)".to_owned()),
        Some(Signal::ILL) => trap("it was killed by an instruction that does not exist (SIGILL)".to_owned()),
        _ => trap(format!("it was killed ({status})")),
    }
}
