//! Tools that read a directory without opening it for writing: they list it, verify it, and compare two of
//! its checkpoints.

pub mod diff;
pub mod inspect;
pub mod verify;
