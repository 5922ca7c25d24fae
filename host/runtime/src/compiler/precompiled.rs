//! The one place where the host trusts bytes to be machine code.

#![allow(unsafe_code, reason = "the argument stands at the only unsafe block")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmtime::Engine;
use wasmtime::component::Component;

/// Machine code of a component.
///
/// There are three ways to one, and none is a plugin's file: a compiler within this process; a compiler in a
/// process that this one started, which proves with a key of this process that the code is its own
/// ([`process`](crate::compiler::process)); and a file that [`cache`](crate::compiler::cache) has written.
#[derive(Debug)]
pub(crate) struct Compiled(Vec<u8>);

impl Compiled {
    /// Compiles a component within this process. A compiler that panics over it is an error like any other.
    pub(crate) fn here(engine: &Engine, component: &[u8]) -> wasmtime::Result<Self> {
        let compile = AssertUnwindSafe(|| engine.precompile_component(component));
        let panicked = |_| Err(wasmtime::Error::msg("the compiler panicked over it"));
        catch_unwind(compile).unwrap_or_else(panicked).map(Self)
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

/// Loads a compiled component.
pub(crate) fn load(engine: &Engine, code: &Compiled) -> wasmtime::Result<Component> {
    // SAFETY: `code` is the output of a compiler of ours, unchanged (see `Compiled`): a process that could
    // put something else there could as well replace this program. That it fits this very compiler
    // and its settings is checked by wasmtime itself, besides being part of the file's name in the cache.
    unsafe { Component::deserialize(engine, &code.0) }
}
