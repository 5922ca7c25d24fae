//! Opening directories: to inspect, to change, to create.

use std::path::Path;
use std::sync::Arc;

use alluvium::{NativeDirectory, SystemClock};
use alluvium_connectors::files::directory_of;
use alluvium_core::directory::{Directory, DirectoryError, block_on};
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, OpenOptions, RecoverySummary,
    tools::inspect,
};

use crate::durability::Durability;
use crate::failure::Failure;
use crate::shown::tell;
use crate::storage::{Place, Storage};

pub(crate) type Manager = IncrementalCheckpointManager<Storage>;

/// Opens a directory to look into it: without a lock, without writing anything.
pub(crate) fn to_inspect(path: &Path) -> Result<Storage, Failure> {
    match Place::of(path)? {
        Place::Files(files) => {
            let opened = NativeDirectory::open(files).map_err(|error| Failure::directory(path, &error))?;
            Ok(Storage::Files(opened))
        }
        Place::Store(url) => Storage::object(url),
    }
}

/// Opens a directory for its only writer. It may itself be missing, but what it should be in may
/// not: a mistyped path is no fresh start.
pub(crate) fn to_write(path: &Path, durability: Durability) -> Result<Storage, Failure> {
    match Place::of(path)? {
        Place::Files(files) => Ok(Storage::Files(durability.accept_aloud(path, create_exclusive(&files)?)?)),
        Place::Store(url) => probed(path, url),
    }
}

/// Opens a prefix of an object store for a writer. A store is tried out before it is written to for the first time.
pub(crate) fn probed(path: &Path, url: &str) -> Result<Storage, Failure> {
    let storage = Storage::object(url)?;
    #[cfg(feature = "object")]
    if let Storage::Object(directory) = &storage {
        let failed = |error: DirectoryError| Failure::directory(path, &error);
        if block_on(directory.list()).map_err(failed)?.is_empty() {
            block_on(directory.probe()).map_err(failed)?;
        }
    }
    #[cfg(not(feature = "object"))]
    let _ = path;
    Ok(storage)
}

/// Opens a directory for its only writer, and creates it if the one above it exists.
fn create_exclusive(path: &Path) -> Result<NativeDirectory, Failure> {
    let failed = |error: DirectoryError| Failure::directory(path, &error);
    let above = directory_of(path);
    if above.is_dir() {
        NativeDirectory::create(path).map_err(failed)?;
    }
    NativeDirectory::open_exclusive(path).map_err(failed)
}

/// Opens the directory of a run, which may begin there. Files of lost checkpoints are refused, unless the run is
/// to begin beside them.
pub(crate) fn to_run(path: &Path, begins_beside_remains: bool, durability: Durability) -> Result<Storage, Failure> {
    let directory = match Place::of(path)? {
        // The engine says what is weaker.
        Place::Files(files) => Storage::Files(durability.accept(path, create_exclusive(&files)?)?),
        Place::Store(url) => probed(path, url)?,
    };
    let lost = match block_on(inspect::check_not_lost(&directory)) {
        Err(lost @ IncrementalCheckpointError::CheckpointsLost { .. }) if begins_beside_remains => lost,
        checked => return checked.map(|()| directory).map_err(|error| Failure::core(path, &error)),
    };
    let options = OpenOptions::new(Arc::new(SystemClock::new())).begin_beside_remains(true);
    block_on(IncrementalCheckpointManager::open(Arc::new(&directory), CheckpointConfig::new(), options))
        .map_err(|error| Failure::core(path, &error))?;
    tell(&format!("{}: {lost}; beginning beside these files, which stay until `alluvium gc`", path.display()));
    Ok(directory)
}

/// Opens a directory that must not hold anything yet, for what is to be put there.
pub(crate) fn to_fill(path: &Path, durability: Durability) -> Result<Storage, Failure> {
    let directory = to_write(path, durability)?;
    let entries = block_on(directory.list()).map_err(|error| Failure::directory(path, &error))?;
    match entries.first() {
        None => Ok(directory),
        Some(entry) => Err(Failure::at(path.display(), format!("is not empty: it holds {}", entry.path))
            .hint("name a new directory; nothing has been changed")),
    }
}

/// Opens a directory that exists for its only writer.
fn exclusive(path: &Path, durability: Durability) -> Result<Storage, Failure> {
    match Place::of(path)? {
        Place::Files(files) => {
            let directory = NativeDirectory::open_exclusive(files).map_err(|error| Failure::directory(path, &error))?;
            Ok(Storage::Files(durability.accept_aloud(path, directory)?))
        }
        Place::Store(url) => Storage::object(url),
    }
}

/// Opens the manager of a directory that exists, to change which checkpoints there are.
///
/// A damaged checkpoint does not keep it from opening: to get rid of one is what such commands are
/// for. What is passed over is said.
pub(crate) fn to_manage(path: &Path, durability: Durability) -> Result<Manager, Failure> {
    let directory = exclusive(path, durability)?;
    // Only what is asked for goes: retention is for those who take checkpoints.
    let config = CheckpointConfig::new().with_max_retained(usize::MAX);
    let options =
        OpenOptions::new(Arc::new(SystemClock::new())).create(true).writer(random_writer()?).allow_fallback(true);
    let manager = block_on(IncrementalCheckpointManager::open(Arc::new(directory), config, options))
        .map_err(|error| Failure::core(path, &error))?;
    for skipped in manager.recovered().map_or(&[][..], |recovered: &RecoverySummary| &recovered.skipped) {
        tell(&format!("{}: checkpoint {} is damaged: {}", path.display(), skipped.id, skipped.reason));
    }
    Ok(manager)
}

/// Opens a directory to take a checkpoint on top of what it holds. What is damaged is an error here, because the new
/// checkpoint would hide it.
pub(crate) fn to_continue(path: &Path, durability: Durability) -> Result<Manager, Failure> {
    let directory = exclusive(path, durability)?;
    let config = CheckpointConfig::new().with_max_retained(usize::MAX);
    let options = OpenOptions::new(Arc::new(SystemClock::new())).writer(random_writer()?);
    block_on(IncrementalCheckpointManager::open(Arc::new(directory), config, options))
        .map_err(|error| Failure::core(path, &error))
}

/// Creates a directory, with a manager over it.
pub(crate) fn to_begin(path: &Path, durability: Durability) -> Result<Manager, Failure> {
    let directory = to_fill(path, durability)?;
    let options =
        OpenOptions::new(Arc::new(SystemClock::new())).create(true).store_id(random_id()?).writer(random_writer()?);
    block_on(IncrementalCheckpointManager::open(Arc::new(directory), CheckpointConfig::new(), options))
        .map_err(|error| Failure::core(path, &error))
}

/// The checkpoint asked for, or the newest that there is, whole or not: a damaged newest one is
/// reported, never passed over.
fn choose(path: &Path, directory: &Storage, id: Option<u64>) -> Result<u64, Failure> {
    if let Some(id) = id {
        return Ok(id);
    }
    let failed = |error: IncrementalCheckpointError| Failure::core(path, &error);
    let summaries = block_on(inspect::list_checkpoints(directory)).map_err(failed)?;
    // Without metadata there is no checkpoint, only what is left of one.
    let newest = summaries.iter().find(|summary| summary.metadata_bytes > 0 || summary.metadata.is_ok());
    if let Some(newest) = newest {
        return Ok(newest.id);
    }
    block_on(inspect::check_not_lost(directory)).map_err(failed)?;
    Err(Failure::at(path.display(), "holds no checkpoint").hint("`alluvium run` and `alluvium import` make some"))
}

/// Reads the checkpoint asked for, or the newest that there is. If a writer deletes the newest one meanwhile, it has a
/// newer one, and that is read. Returns its id too.
pub(crate) fn read<T>(
    path: &Path,
    directory: &Storage,
    id: Option<u64>,
    read: impl Fn(u64) -> Result<T, IncrementalCheckpointError>,
) -> Result<(u64, T), Failure> {
    let mut chosen = choose(path, directory, id)?;
    loop {
        let error = match read(chosen) {
            Ok(found) => return Ok((chosen, found)),
            Err(error) => error,
        };
        let there = block_on(inspect::load_metadata(directory, chosen));
        let is_gone = id.is_none() && matches!(there, Err(IncrementalCheckpointError::NotFound(_)));
        let newest = if is_gone { choose(path, directory, None)? } else { chosen };
        // An id that is gone never comes back.
        if newest == chosen {
            return Err(Failure::core(path, &error));
        }
        chosen = newest;
    }
}

/// Returns a random id for a new directory.
pub(crate) fn random_id() -> Result<[u8; 16], Failure> {
    random()
}

/// Returns a random number for the names of a writer's files. It is never 0, which stands for no number.
pub(crate) fn random_writer() -> Result<u64, Failure> {
    random().map(|bytes| u64::from_le_bytes(bytes).max(1))
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut drawn = [0; N];
    match rustix::rand::getrandom(&mut drawn, rustix::rand::GetRandomFlags::empty()) {
        Ok(length) if length == N => Ok(drawn),
        Ok(_) => Err(Failure::plain("the system gives no randomness")),
        Err(errno) => Err(Failure::at("the system's randomness", errno)),
    }
}
