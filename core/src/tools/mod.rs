//! Reading a directory without opening it for writing: looking into it, verifying it, comparing two
//! of its checkpoints.

pub mod diff;
pub mod inspect;
pub mod verify;
