//! The one place where the host trusts bytes to be machine code.

#![allow(unsafe_code, reason = "the argument stands at the only unsafe block")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::threads::start_compiling_threads;

/// Machine code of a component.
///
/// There are three ways to one, and none is a plugin's file: a compiler within this process; a compiler in a
/// process that this one started, which proves with a key of this process that the code is its own
/// ([`process`](crate::compiler::process)); and a file that [`cache`](crate::compiler::cache) has written. A worker
/// process loads what its host has loaded in one of these ways ([`load_shared`]).
#[derive(Debug)]
pub(crate) struct Compiled(Vec<u8>);

/// Why there is no machine code of a component.
#[derive(Debug)]
pub(crate) enum NotCompiled {
    /// This process cannot compile at all now.
    Unable(String),
    /// The component is not valid, or the compiler cannot take it.
    Invalid(String),
}

impl Compiled {
    /// Compiles a component within this process. A compiler that panics over it is an error like any other.
    pub(crate) fn here(engine: &Engine, component: &[u8]) -> Result<Self, NotCompiled> {
        start_compiling_threads().map_err(NotCompiled::Unable)?;
        let compile = AssertUnwindSafe(|| engine.precompile_component(component));
        let panicked = |_| Err(wasmtime::Error::msg("the compiler panicked over it"));
        let compiled = catch_unwind(compile).unwrap_or_else(panicked);
        compiled.map(Self).map_err(|error| NotCompiled::Invalid(format!("{error:#}")))
    }

    /// Takes code that a process of ours compiled, after its proof was checked.
    pub(super) fn proved(code: Vec<u8>) -> Self {
        Self(code)
    }

    /// Takes code that the cache has written: it read `code` through a descriptor, from a regular file of this user
    /// in a directory that no other user can enter, and its digest is the one that was written with it.
    pub(super) fn cached(code: Vec<u8>) -> Self {
        Self(code)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Loads the code that a host handed to this process, its worker, as a file without a name.
#[cfg(target_os = "linux")]
pub(crate) fn load_shared(engine: &Engine, code: std::os::fd::BorrowedFd<'_>) -> wasmtime::Result<Component> {
    use std::os::fd::AsRawFd;

    let path = format!("/proc/self/fd/{}", code.as_raw_fd());
    // SAFETY: the host started this process, wrote the file from a component that it had loaded itself (see
    // `Compiled`), and sealed it before it sent the descriptor through the socket that only the two of them have. So
    // nothing changes it while it is mapped. A process that could put something else there is the host
    // itself.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Loads a compiled component.
pub(crate) fn load(engine: &Engine, code: &Compiled) -> wasmtime::Result<Component> {
    // SAFETY: `code` is the output of a compiler of ours, unchanged (see `Compiled`): a process that could
    // put something else there could as well replace this program. That it fits this very compiler
    // and its settings is checked by wasmtime itself, besides being part of the file's name in the cache.
    unsafe { Component::deserialize(engine, &code.0) }
}
