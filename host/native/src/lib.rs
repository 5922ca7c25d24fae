//! Alluvium on a real machine: directories of the file system, the machine's clocks, checkpoints
//! written on a thread of their own, and output that appears exactly once.
#![deny(unsafe_code)]

pub mod background;
mod clock;
pub mod directory;
pub mod sink;

pub use clock::SystemClock;
pub use directory::NativeDirectory;
