//! The one place where the host trusts bytes to be machine code.

#![allow(unsafe_code, reason = "the argument stands at the only unsafe block")]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads a compiled component.
///
/// Only for [`cache`](crate::cache), which hands over what its own `write` has written: it read
/// `code` through a descriptor, from a regular file of this user in a directory that no other user can
/// enter, and its digest is the one that was written with it. Never for a plugin's file.
pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is the output of `Component::serialize`, unchanged (see above): a process that could
    // put something else there could as well replace this program. That it fits this very compiler
    // and its settings is checked by wasmtime itself, besides being part of the file's name.
    unsafe { Component::deserialize(engine, code) }
}
