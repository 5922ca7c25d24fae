//! One checkpoint as a single self-contained file: a tar archive (POSIX ustar) of the files that the
//! checkpoint names. The metadata is last, as it is when a checkpoint is created.
//!
//! The bytes depend on the checkpoint alone, because time, owner and mode are fixed. So [`read`] accepts
//! exactly what [`export`] writes, and damage to any byte of an archive is found.

mod ustar;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::archive::ustar::PLACE;
use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::{Directory, Entry, EntryKind, MemoryDirectory, NewFile, at_once};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::{Name, metadata_path, state_path};
use crate::ledger::listing::{BEGUN, Listing};
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::maintenance::beginning::{mark_begun, unmark_begun};
use crate::manager::IncrementalCheckpointManager;
use crate::recovery::recover::recover;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};
use crate::tools::inspect::{load_metadata, load_state};
use crate::tools::verify::verify;

/// Writes one checkpoint as an archive: the one with `id`, or the newest if `id` is `None`.
///
/// The checkpoint is verified first. A damaged one is an error that names the file, and one that does not
/// exist is [`NotFound`](Error::NotFound). Changes that only the WAL after the checkpoint holds are not in
/// the archive, so take a checkpoint first if they should be.
///
/// ```
/// use alluvium_core::directory::{block_on, MemoryDirectory};
/// use alluvium_core::{archive, CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
/// use std::sync::Arc;
///
/// let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
/// let directory = Arc::new(MemoryDirectory::new());
/// let mut manager = block_on(IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::new(), options))?;
/// manager.put(b"bed", b"gravel")?;
/// block_on(manager.create_checkpoint(0))?;
///
/// let bytes = block_on(archive::export(&*directory, None))?;
/// assert_eq!(archive::read(&bytes)?.to_files(), directory.to_files());
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub async fn export<D: Directory>(directory: &D, id: Option<u64>) -> Result<Vec<u8>, Error> {
    let listing = Listing::take(directory).await?;
    let is_file = |path: &str| listing.entry(path).is_some_and(|(_, entry)| entry.kind == EntryKind::File);
    let id = match id.or(listing.checkpoints.last().copied()) {
        Some(id) if is_file(&metadata_path(id)) => id,
        Some(id) => return Err(Error::NotFound(format!("checkpoint {id} is not there: nothing to export"))),
        None => return Err(Error::NotFound("the directory holds no checkpoint: nothing to export".into())),
    };
    let metadata = read_listed_metadata(directory, &listing, id).await?;
    let segments = metadata.alluvium.iter().flat_map(|fields| &fields.segments);
    if let Some(entry) = segments.clone().find(|entry| entry.store.is_some()) {
        let what = format!("checkpoint {id} has no archive: its segment {} is in another directory", entry.name());
        return Err(Error::InvalidInput(what));
    }
    segments.clone().try_for_each(|entry| listing.check_length(entry))?;
    let mut files = BTreeMap::new();
    for path in needed(&metadata, is_file)? {
        // A missing file is reported by the verification of the whole, like all other damage.
        if is_file(&path) {
            let content = match Name::parse(&path) {
                Name::State(_) => load_state(directory, id).await?,
                _ => directory.read(&path).await?,
            };
            files.insert(path, content);
        }
    }
    let (order, directory) = prove(files)?;
    write(&order, directory.into_files())
}

/// Reads an archive into a directory in memory that holds this one checkpoint and nothing else.
///
/// It takes no more memory than the archive has bytes. Everything that [`export`] would not have written is
/// refused as [`Corruption`](Error::Corruption), [`CrcMismatch`](Error::CrcMismatch) or
/// [`Deserialization`](Error::Deserialization): another name, a link, a file twice, a missing file, one
/// changed byte.
pub fn read(archive: &[u8]) -> Result<MemoryDirectory, Error> {
    let (order, directory) = prove(unpack(archive)?)?;
    let again = write(&order, directory.files().clone())?;
    if again != archive {
        let at = again.iter().zip(archive).position(|(expected, found)| expected != found);
        let at = at.unwrap_or_else(|| again.len().min(archive.len()));
        let what = format!("byte {at} is not what export writes there: damaged, or packed by another program");
        return Err(Error::corrupt(PLACE, what));
    }
    Ok(directory)
}

/// Imports an archive into a directory, and returns the metadata of the checkpoint that it became.
///
/// If the directory holds no files of Alluvium yet, the files of the archive are created as they are, with
/// the metadata last. Otherwise the archive's state, offsets, watermark, epoch and position become a new
/// checkpoint, which is the newest; the existing ones stay until retention lets them go. In both cases the
/// checkpoint is durable when the call resolves.
///
/// An archive that [`read`] refuses changes nothing. The other errors are those of
/// [`IncrementalCheckpointManager::open`] and [`create_checkpoint`].
///
/// [`create_checkpoint`]: IncrementalCheckpointManager::create_checkpoint
///
/// ```
/// # use alluvium_core::directory::{block_on, MemoryDirectory};
/// # use alluvium_core::{archive, CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
/// # use std::sync::Arc;
/// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
/// # let from = Arc::new(MemoryDirectory::new());
/// # let mut manager = block_on(IncrementalCheckpointManager::open(from.clone(), CheckpointConfig::new(), options.clone()))?;
/// # manager.put(b"bed", b"gravel")?;
/// # block_on(manager.create_checkpoint(0))?;
/// let bytes = block_on(archive::export(&*from, None))?;
/// let to = Arc::new(MemoryDirectory::new());
/// block_on(archive::import(&bytes, to.clone(), CheckpointConfig::new(), options.clone()))?;
/// assert_eq!(to.to_files(), from.to_files());
///
/// // The second time there is a checkpoint already, and the archive becomes the next one.
/// let metadata = block_on(archive::import(&bytes, to, CheckpointConfig::new(), options))?;
/// assert_eq!(metadata.id, 2);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub async fn import<D: Directory>(
    archive: &[u8],
    directory: Arc<D>,
    config: CheckpointConfig,
    options: OpenOptions,
) -> Result<IncrementalCheckpointMetadata, Error> {
    let source = read(archive)?;
    let (recovered, state_file) = recover_alone(&source)?;
    let metadata = recovered.metadata.clone();
    let listing = Listing::take(&*directory).await?;
    let is_foreign =
        |entry: &(Name, Entry)| [Name::Foreign, Name::Deleted(BEGUN)].contains(&Name::parse(&entry.1.path));
    if listing.entries.iter().all(is_foreign) {
        mark_begun(&*directory).await?;
        let mut files = source.into_files();
        let order = needed(&metadata, |path| files.contains_key(path))?;
        let file = |path: String| NewFile { content: files.remove(&path).unwrap_or_default(), path };
        directory.create(order.into_iter().map(file).collect()).await?;
        // The import stands whether the mark goes now or with the next maintenance.
        let _ = unmark_begun(&*directory).await;
        return Ok(metadata);
    }
    let mut manager = IncrementalCheckpointManager::open(directory, config, options.create(true)).await?;
    manager.take_over(recovered, state_file).await
}

/// Returns the files of an archive by path. Every path must be one that Alluvium writes.
fn unpack(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    let mut rest = archive;
    while let Some((path, content)) = ustar::take(&mut rest)? {
        if !matches!(Name::parse(&path), Name::Metadata(_) | Name::State(_) | Name::Segment(..) | Name::List(..)) {
            return Err(Error::unknown(PLACE, format!("{path:?} is not a name that Alluvium writes")));
        }
        if files.insert(path.clone(), content.to_vec()).is_some() {
            return Err(Error::corrupt(PLACE, format!("{path} is there twice")));
        }
    }
    Ok(files)
}

/// Checks that the files are one whole checkpoint and nothing else. Returns their paths in the order in
/// which they are created, and the files as a directory.
fn prove(files: BTreeMap<String, Vec<u8>>) -> Result<(Vec<String>, MemoryDirectory), Error> {
    let ids: Vec<u64> = files.keys().filter_map(|path| committed_id(path)).collect();
    let [id] = ids[..] else {
        return Err(Error::unknown(PLACE, "exactly one checkpoint's metadata.json expected"));
    };
    let path = metadata_path(id);
    let directory = MemoryDirectory::from_files(files);
    let metadata = at_once(load_metadata(&directory, id))?;
    let order = {
        let files = directory.files();
        let order = needed(&metadata, |path| files.contains_key(path))?;
        if let Some(missing) = order.iter().find(|path| !files.contains_key(*path)) {
            return Err(Error::corrupt(missing, format!("missing, although {path} names it")));
        }
        let named: BTreeSet<&String> = order.iter().collect();
        if let Some(stray) = files.keys().find(|path| !named.contains(path)) {
            return Err(Error::unknown(PLACE, format!("{stray} does not belong to checkpoint {id}")));
        }
        order
    };
    match at_once(verify(&directory))?.findings.first() {
        Some(finding) => Err(Error::corrupt(&finding.path, &finding.what)),
        None => Ok((order, directory)),
    }
}

/// Recovers the one checkpoint of an archive. Returns it together with its opaque state, if it has one.
fn recover_alone(directory: &MemoryDirectory) -> Result<(RecoveredCheckpoint, Option<Vec<u8>>), Error> {
    let recovered = at_once(recover(directory, &RecoverOptions::new()))?;
    let recovered = recovered.ok_or_else(|| Error::unknown(PLACE, "it holds no checkpoint"))?;
    match at_once(load_state(directory, recovered.metadata.id)) {
        Ok(state) => Ok((recovered, Some(state))),
        Err(Error::NotFound(_)) => Ok((recovered, None)),
        Err(error) => Err(error),
    }
}

/// Returns the files of a checkpoint in the order in which they are created. LaminarDB's metadata does not
/// say whether there is a `state.bin`: it belongs to the checkpoint if it exists.
fn needed(metadata: &IncrementalCheckpointMetadata, is_there: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
    let mut paths = metadata.files();
    let optional = state_path(metadata.id);
    paths.retain(|path| metadata.alluvium.is_some() || *path != optional || is_there(path));
    // LaminarDB's metadata has no checksum, so the names in it cannot be trusted.
    match paths.iter().find(|path| Name::parse(path) == Name::Foreign) {
        Some(foreign) => Err(Error::unknown(
            metadata_path(metadata.id),
            format!("names {foreign:?}, which is not a file of Alluvium"),
        )),
        None => Ok(paths),
    }
}

/// Returns the checkpoint whose metadata has this path.
fn committed_id(path: &str) -> Option<u64> {
    match Name::parse(path) {
        Name::Metadata(id) => Some(id),
        _ => None,
    }
}

/// Packs the files in this order.
fn write(order: &[String], mut files: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Error> {
    let mut archive = Vec::new();
    for path in order {
        ustar::push(&mut archive, path, &files.remove(path).unwrap_or_default())?;
    }
    ustar::finish(&mut archive);
    Ok(archive)
}
