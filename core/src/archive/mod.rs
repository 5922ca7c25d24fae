//! One checkpoint as a single self-contained file: a tar archive (POSIX ustar) of the files that the
//! checkpoint names. The metadata is last, as it is when a checkpoint is created.
//!
//! The bytes depend on the checkpoint alone, because time, owner and mode are fixed. So [`read`] accepts
//! exactly what [`export`] writes, and damage to any byte of an archive is found.

mod content;
mod erased;
mod export;
mod ustar;

use std::sync::Arc;

use crate::archive::content::{described, needed, pack, prove, unpack};
use crate::archive::erased::erased;
use crate::archive::ustar::PLACE;
use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::{AnyDirectory, Directory, Entry, MemoryDirectory, NewFile, at_once};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::Name;
use crate::ledger::listing::{BEGUN, Listing};
use crate::maintenance::beginning::{mark_begun, unmark_begun};
use crate::manager::IncrementalCheckpointManager;
use crate::recovery::recover::recover;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};
use crate::tools::inspect::find_state;

pub use crate::archive::export::export;

/// Reads an archive into a directory in memory that holds this one checkpoint and nothing else.
///
/// It takes no more memory than the archive has bytes. Everything that [`export`] would not have written is
/// refused as [`Corruption`](Error::Corruption), [`CrcMismatch`](Error::CrcMismatch) or
/// [`Deserialization`](Error::Deserialization): another name, a link, a file twice, a missing file, one
/// changed byte.
pub fn read(archive: &[u8]) -> Result<MemoryDirectory, Error> {
    let (order, directory) = prove(unpack(archive, |_| true)?)?;
    let again = pack(&order, directory.files().clone())?;
    if again != archive {
        let at = again.iter().zip(archive).position(|(expected, found)| expected != found);
        let at = at.unwrap_or_else(|| again.len().min(archive.len()));
        let what = format!("byte {at} is not what export writes there: damaged, or packed by another program");
        return Err(Error::corrupt(PLACE, what));
    }
    Ok(directory)
}

/// Reads the metadata of the checkpoint in an archive, to decide whether to import it.
///
/// It copies no segment, and proves no more than that this metadata is whole. The archive may still be one that
/// [`read`] and [`import`] refuse. Errors are those of [`read`].
///
/// ```
/// # use alluvium_core::directory::{block_on, MemoryDirectory};
/// # use alluvium_core::{archive, CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
/// # use std::sync::Arc;
/// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
/// # let from = Arc::new(MemoryDirectory::new());
/// # let mut manager = block_on(IncrementalCheckpointManager::open(from.clone(), CheckpointConfig::new(), options))?;
/// # block_on(manager.create_checkpoint(0))?;
/// let bytes = block_on(archive::export(&*from, None))?;
/// assert_eq!(archive::metadata(&bytes)?.id, 1);
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
pub fn metadata(archive: &[u8]) -> Result<IncrementalCheckpointMetadata, Error> {
    // Metadata may name its segments in a file of their own.
    let (_, metadata) = described(unpack(archive, |name| matches!(name, Name::Metadata(_) | Name::List(..)))?)?;
    Ok(metadata)
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
    let (source, recovered) = erased(read(archive)?, recover_alone);
    let (recovered, state_file) = recovered?;
    let metadata = recovered.metadata.clone();
    let listing = Listing::take(&*directory).await?;
    let is_foreign =
        |entry: &(Name, Entry)| [Name::Foreign, Name::Deleted(BEGUN)].contains(&Name::parse(&entry.1.path));
    if listing.entries().all(is_foreign) {
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

/// Recovers the one checkpoint of an archive. Returns it together with its opaque state, if it has one.
fn recover_alone(directory: &AnyDirectory<'_>) -> Result<(RecoveredCheckpoint, Option<Vec<u8>>), Error> {
    let recovered = at_once(recover(directory, &RecoverOptions::new()))?;
    let recovered = recovered.ok_or_else(|| Error::unknown(PLACE, "it holds no checkpoint"))?;
    let state_file = at_once(find_state(directory, recovered.metadata.id))?;
    Ok((recovered, state_file))
}
