//! The other side: what a worker process does.

mod calls;
mod start;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use serde::Serialize;

use self::start::{Compilers, Parts};
use crate::engine::SharedEngine;
use crate::error::RuntimeError;
use crate::isolated::clock::SetClock;
use crate::isolated::failure::SentError;
use crate::isolated::frame;
use crate::isolated::message::{Asked, EngineKind, Question, Start};
use crate::isolated::wall::{self, Wall};
use crate::operator::LocalOperator;
use crate::stack::thread_bytes;
use crate::threads::cannot_start;

/// Runs a plugin for the host that started this process, which asks over standard input.
///
/// A program that names itself in [`WorkerProcess`](crate::WorkerProcess) calls this first, before it opens a file or
/// starts a thread, and then ends. The process closes all descriptors but the three standard ones, and locks itself in
/// before it looks at any code: see [`Host::isolated`](crate::Host::isolated).
///
/// Fails if standard input is not the socket of a host, or if the kernel lacks a part of the wall.
pub fn work_for_host() -> io::Result<()> {
    wall::close_others()?;
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some((message, descriptors)) = frame::next(&socket)? else { return Ok(()) };
    let (start, []) = postcard::take_from_bytes::<Start>(&message).map_err(io::Error::other)? else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no host asks like this"));
    };
    end_with(start.host)?;
    let parts = Parts::of(&start, descriptors).ok_or(io::ErrorKind::InvalidData)?;
    match lock_in(&start, &parts) {
        Ok((wall, compilers)) => work(socket, wall, compilers, start, parts),
        Err(error) => answer::<()>(&socket, Err(RuntimeError::Host(format!("a worker cannot be locked in: {error}")))),
    }
}

/// Has the kernel kill this process when its host ends, however that is.
fn end_with(host: i32) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A host that ended before that sends no signal any more.
    if getppid().map(Pid::as_raw_nonzero).map(i32::from) == Some(host) {
        return Ok(());
    }
    Err(io::Error::other("the host has ended"))
}

/// Everything of the wall but the filter of system calls, and what is made before it stands.
fn lock_in(start: &Start, parts: &Parts) -> Result<(Wall, Compilers), RuntimeError> {
    let rooms = start.wall;
    let wall = Wall {
        memory_bytes: rooms.memory_bytes,
        address_bytes: rooms.address_bytes,
        file_bytes: rooms.file_bytes,
        descriptors: rooms.descriptors,
        // Core writes checkpoints on threads of their own. A component has none.
        starts_threads: start.engine == EngineKind::Native,
    };
    wall.limit(parts.directory.as_fd()).map_err(|error| RuntimeError::Host(error.to_string()))?;
    Ok((wall, Compilers::new(start)?))
}

/// Closes the wall, and works behind it on a thread with room for a plugin's stack.
fn work(socket: UnixStream, wall: Wall, compilers: Compilers, start: Start, parts: Parts) -> io::Result<()> {
    let bytes = thread_bytes(start.limits.stack_bytes);
    let socket = Arc::new(socket);
    let asked = Arc::clone(&socket);
    let behind = move || match wall.close(asked.as_raw_fd()) {
        Ok(()) => serve(&asked, compilers, start, parts),
        Err(error) => answer::<()>(&asked, Err(RuntimeError::Host(format!("a worker cannot be locked in: {error}")))),
    };
    let thread = match std::thread::Builder::new().name("plugin".to_owned()).stack_size(bytes).spawn(behind) {
        Ok(thread) => thread,
        Err(error) => {
            return answer::<()>(&socket, Err(RuntimeError::Host(cannot_start("a thread in a worker", &error))));
        }
    };
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the worker panicked")))
}

/// What a worker has: an engine, and instances over it.
struct Served {
    // The instances go first, with what they hold of the engine.
    operators: BTreeMap<u32, LocalOperator>,
    engine: SharedEngine,
    clock: Arc<SetClock>,
    compilers: Compilers,
    /// Keeps other writers out until this process has ended.
    _lock: Option<OwnedFd>,
}

fn serve(socket: &UnixStream, compilers: Compilers, start: Start, parts: Parts) -> io::Result<()> {
    // Without one, wasmtime makes a runtime with threads for its files. Nothing waits here but for the disk.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _entered = runtime.enter();
    let mut served = match start::start(compilers, start, parts) {
        Ok((served, described)) => {
            answer(socket, Ok(described))?;
            served
        }
        Err(error) => return answer::<()>(socket, Err(error)),
    };
    while let Some((message, descriptors)) = frame::next(socket)? {
        let (now, dropped, question): Asked<'_> = postcard::from_bytes(&message).map_err(io::Error::other)?;
        served.clock.set(now);
        for number in dropped {
            served.operators.remove(&number);
        }
        match question {
            Question::Another { number, file, limits } => {
                answer(socket, served.another(number, &file, descriptors, &limits))?;
            }
            Question::Plugin { number, call } => served.plugin(socket, number, call)?,
            Question::Engine(call) => calls::engine(socket, &mut *crate::engine::lock(&served.engine), call)?,
        }
    }
    Ok(())
}

/// Answers a question.
fn answer<T: Serialize>(socket: &UnixStream, answer: Result<T, RuntimeError>) -> io::Result<()> {
    let body = postcard::to_allocvec(&answer.map_err(SentError::from)).map_err(io::Error::other)?;
    frame::send(socket, &body, &[], None).map_err(|error| io::Error::other(format!("{error:?}")))
}
