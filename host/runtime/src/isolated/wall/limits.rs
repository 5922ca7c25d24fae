//! Resource limits of the process.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Wall;

/// Bounds memory, address space, files, descriptors and core dumps.
pub(super) fn apply(wall: &Wall) -> io::Result<()> {
    for (resource, most) in [
        (Resource::Data, wall.memory_bytes),
        (Resource::As, wall.address_bytes),
        (Resource::Fsize, wall.file_bytes),
        (Resource::Nofile, wall.descriptors),
        (Resource::Core, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        lower(resource, most)?;
    }
    Ok(())
}

/// Lets the user start no thread and no process from here. It does not hold for root, whom seccomp holds.
pub(super) fn refuse_threads() -> io::Result<()> {
    lower(Resource::Nproc, 0)
}

/// Lowers a limit of this process; one that is lower already stays.
fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let before = getrlimit(resource);
    let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    Ok(setrlimit(resource, Rlimit { current: lower(before.current), maximum: lower(before.maximum) })?)
}
