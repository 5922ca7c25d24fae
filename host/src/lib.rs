//! Alluvium on a real machine: directories of the file system, the machine's clocks and the host
//! that runs plugins over a stream, checkpointed by the engine component.
//!
//! [`native`] needs nothing but the operating system; the module `runtime` (a default feature of the
//! same name) brings wasmtime.
#![deny(unsafe_code)]

pub mod background;
mod clock;
pub mod native;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod sink;

pub use clock::SystemClock;
