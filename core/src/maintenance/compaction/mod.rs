//! Rolling rebase: after each checkpoint, the key groups whose base is oldest are rewritten into new
//! base files, so that recovery reads a bounded number of bytes for each live one.
//!
//! It reads the immutable files of the checkpoint, never the live state: puts go on meanwhile, and
//! what it makes depends on nothing but those files. The new files are created at once, behind the
//! stream, and count for nothing until the next checkpoint's metadata names them, its delta on top.

pub(crate) mod execute;
pub(crate) mod plan;
