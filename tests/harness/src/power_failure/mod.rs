//! A simulated file system beneath the native directory: its real system calls, recorded, and every
//! state that a power failure may leave of them.
//!
//! Syncing a file keeps its bytes; syncing a directory keeps its names. Until then bytes may be lost,
//! cut, zeroed or garbage, and names may persist in any subset.

mod recorder;
mod states;
mod storage;

pub use recorder::{Fail, Recorded, Recorder};
pub use states::FileSystem;
pub use storage::NativeStorage;
