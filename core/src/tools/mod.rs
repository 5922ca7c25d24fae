//! Tools that read a directory without opening it for writing: they list it, verify it, compare two of its
//! checkpoints, and back it up into another directory.

pub mod backup;
pub mod diff;
pub mod inspect;
pub mod verify;
