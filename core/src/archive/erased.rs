//! Reading an archive's files as a directory of any type. A program that uses [`AnyDirectory`] has the code for it already,
//! and verification and recovery are most of what such a program downloads.

use std::rc::Rc;

use crate::directory::{AnyDirectory, MemoryDirectory};

/// Does work on a directory in memory. Returns the directory and what came of the work.
pub(super) fn erased<T>(directory: MemoryDirectory, work: impl FnOnce(&AnyDirectory<'_>) -> T) -> (MemoryDirectory, T) {
    let shared = Rc::new(directory);
    let done = work(&AnyDirectory::shared(Rc::clone(&shared)));
    (Rc::into_inner(shared).expect("the work keeps no reference"), done)
}
