//! Writing one checkpoint as an archive.

use std::collections::BTreeMap;

use crate::archive::content::{needed, pack, prove};
use crate::directory::{Directory, DirectoryErrorKind, EntryKind};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, metadata_path};
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::read_listed_metadata;
use crate::tools::inspect::load_state;

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
    let mut listing = Listing::take_beside_writer(directory).await?;
    loop {
        let chosen = id.or(listing.checkpoints.last().copied());
        let error = match export_listed(directory, &listing, chosen).await {
            Ok(archive) => return Ok(archive),
            Err(error) => error,
        };
        // What a writer has deleted meanwhile is not damaged: the newest is a newer one then.
        if !listing.renew(directory, chosen, &error).await {
            return Err(error);
        }
    }
}

/// Writes one checkpoint of a listing as an archive.
async fn export_listed<D: Directory>(directory: &D, listing: &Listing, id: Option<u64>) -> Result<Vec<u8>, Error> {
    let is_file = |path: &str| listing.entry(path).is_some_and(|(_, entry)| entry.kind == EntryKind::File);
    let id = match id {
        Some(id) if is_file(&metadata_path(id)) => id,
        Some(id) => return Err(Error::NotFound(format!("checkpoint {id} is not there: nothing to export"))),
        None => {
            listing.check_not_lost()?;
            return Err(Error::NotFound("the directory holds no checkpoint: nothing to export".into()));
        }
    };
    let metadata = read_listed_metadata(directory, listing, id).await?;
    let segments = metadata.alluvium.iter().flat_map(|fields| &fields.segments);
    if let Some(entry) = segments.clone().find(|entry| entry.store.is_some()) {
        let what = format!("checkpoint {id} has no archive: its segment {} is in another directory", entry.name());
        return Err(Error::InvalidInput(what));
    }
    segments.clone().try_for_each(|entry| listing.check_length(entry))?;
    let mut files = BTreeMap::new();
    for path in needed(&metadata, is_file)? {
        // What is listed as something else is not read. A missing file is reported by the verification of the whole,
        // like all other damage. One that is not listed may have come while names were listed.
        if listing.holds(&path) && !is_file(&path) {
            continue;
        }
        let content = match Name::parse(&path) {
            Name::State(_) => load_state(directory, id).await?,
            _ => match directory.read(&path).await {
                Err(error) if error.kind() == DirectoryErrorKind::NotFound => continue,
                content => content?,
            },
        };
        files.insert(path, content);
    }
    let (order, directory) = prove(files)?;
    pack(&order, directory.into_files())
}
