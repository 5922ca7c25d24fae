//! The thread that starts worker processes.
//!
//! A worker asks the kernel to be killed when its parent ends. For the kernel the parent is the thread that started the
//! worker, and a plugin may outlive the thread that it was started on. So one thread starts all workers of a host, and
//! it lives for as long as one of them.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use crate::isolated::process::WorkerProcess;

type Started = io::Result<(Child, UnixStream)>;

/// Starts worker processes, on a thread of its own.
#[derive(Debug, Clone)]
pub(super) struct Starter(Sender<Sender<Started>>);

impl Starter {
    /// Starts the thread.
    pub(super) fn new(process: WorkerProcess) -> io::Result<Self> {
        let (asked, questions) = channel::<Sender<Started>>();
        let work = move || {
            for answer in questions {
                if let Err(unheard) = answer.send(start(&process))
                    && let Ok((mut child, _)) = unheard.0
                {
                    end(&mut child);
                }
            }
        };
        std::thread::Builder::new().name("worker starter".to_owned()).spawn(work)?;
        Ok(Self(asked))
    }

    /// Starts a process, and returns it with this end of its socket.
    pub(super) fn start(&self) -> Started {
        let gone = || io::Error::other("the thread that starts workers has ended");
        let (answer, started) = channel();
        self.0.send(answer).map_err(|_| gone())?;
        started.recv().map_err(|_| gone())?
    }
}

fn start(process: &WorkerProcess) -> Started {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(&process.program);
    command
        .args(&process.arguments)
        .env_clear()
        // Where this process is, other directories are found; there, nothing is.
        .current_dir("/")
        // Ctrl-C at a terminal is for the host, which ends its workers in its own order.
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn()?;
    Ok((child, ours))
}

/// Kills a worker and waits for its end.
pub(super) fn end(child: &mut Child) {
    // One that has ended is not killed again, and one that was killed ends.
    let _ = child.kill();
    let _ = child.wait();
}
