//! Rolling compaction. After each checkpoint, the key groups whose base is oldest are rewritten into
//! new base files, so that recovery reads a bounded number of bytes for each live byte.
//!
//! Compaction reads the immutable files of the checkpoint, never the live state. So puts may go on
//! meanwhile, and the new files depend on nothing but the old ones. The new files are created at once,
//! behind the stream. They count for nothing until the metadata of the next checkpoint names them,
//! with that checkpoint's delta on top of them.

pub(crate) mod execute;
pub(crate) mod plan;
