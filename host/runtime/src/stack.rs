//! Room on the stack for WebAssembly.
//!
//! WebAssembly runs on the stack of the thread that calls it. wasmtime ends it where its own limit is, but a thread
//! with a smaller stack would end before: the system stops the whole process then.

use crate::threads::within_runtime;

/// What the host's own functions may take below a component's.
const HOST_BYTES: usize = 512 << 10;

/// The stack that a thread needs to call a component whose stack may grow to `stack_bytes`.
pub(crate) fn thread_bytes(stack_bytes: usize) -> usize {
    stack_bytes.saturating_add(2 * HOST_BYTES)
}

/// Calls `call` with room for a component's stack: on this thread's, or on a new one if there is too little left.
pub(crate) fn with_room<T>(stack_bytes: usize, call: impl FnOnce() -> T) -> T {
    let call = || within_runtime(call);
    stacker::maybe_grow(stack_bytes.saturating_add(HOST_BYTES), thread_bytes(stack_bytes), call)
}
