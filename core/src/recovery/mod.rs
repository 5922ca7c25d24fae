//! Recovery: reads the state, offsets, watermark and epoch of one checkpoint from a directory. The result
//! is all of them or an error.

mod digest;
pub(crate) mod features;
pub(crate) mod laminar;
pub(crate) mod load;
pub(crate) mod parts;
pub(crate) mod recover;
pub(crate) mod types;
pub(crate) mod wal_replay;

pub use crate::recovery::parts::Part;
pub use crate::recovery::recover::{recover, recover_with};
pub use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint, ReplayedWal, SkippedCheckpoint, SkippedWal};
