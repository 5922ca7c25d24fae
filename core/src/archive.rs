//! One checkpoint as a single file that stands alone: a tar archive (POSIX ustar) of the files that
//! the checkpoint names, its metadata last, as it was created.
//!
//! The bytes depend on the checkpoint alone: time, owner and mode are fixed. What [`read`] accepts is
//! therefore exactly what [`export`] writes, and damage to any byte of an archive is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{CheckpointConfig, OpenOptions};
use crate::directory::{Directory, EntryKind, MemoryDirectory, NewFile, block_on};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::names::{Name, metadata_path, state_path};
use crate::inspect::load_state;
use crate::manager::IncrementalCheckpointManager;
use crate::recover::{RecoverOptions, recover};
use crate::verify::verify;

/// What errors call the archive as a whole.
const PLACE: &str = "archive";

/// Writes one checkpoint as an archive: the one with `id`, or the newest.
///
/// Nothing leaves the directory unproven: a checkpoint that is damaged is an error, not an archive.
/// What only the log after a checkpoint holds is not in it: take a checkpoint first.
///
/// ```
/// use alluvium_core::directory::{block_on, MemoryDirectory};
/// use alluvium_core::{archive, CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
/// use std::sync::Arc;
///
/// let options = OpenOptions::new(Arc::new(ManualClock::new(0)));
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
    let mut listed = BTreeMap::new();
    for entry in directory.list().await? {
        if entry.kind == EntryKind::File {
            listed.insert(entry.path, entry.bytes);
        }
    }
    let newest = || listed.keys().filter_map(|path| committed_id(path)).max();
    let id = match id.or_else(newest) {
        Some(id) if listed.contains_key(&metadata_path(id)) => id,
        Some(id) => return Err(Error::NotFound(format!("checkpoint {id} is not there: nothing to export"))),
        None => return Err(Error::NotFound("the directory holds no checkpoint: nothing to export".into())),
    };
    let path = metadata_path(id);
    let content = directory.read(&path).await?;
    let metadata = IncrementalCheckpointMetadata::decode(&path, &content)?;

    let mut files = BTreeMap::from([(path.clone(), content)]);
    for path in needed(&metadata, |path| listed.contains_key(path))? {
        // What is missing shows when the whole is proven, with everything else.
        if Name::parse(&path) != Name::Metadata(id) && listed.contains_key(&path) {
            let content = directory.read(&path).await?;
            files.insert(path, content);
        }
    }
    let (order, directory) = prove(files)?;
    write(&order, directory.to_files())
}

/// Reads an archive into memory: a directory holding that one checkpoint and nothing else.
///
/// Takes no more memory than the archive has bytes. Whatever [`export`] would not have written is
/// refused: other names, links, a file twice, a file missing, one byte changed.
pub fn read(archive: &[u8]) -> Result<MemoryDirectory, Error> {
    let (order, directory) = prove(unpack(archive)?)?;
    let again = write(&order, directory.to_files())?;
    if again != archive {
        let at = again.iter().zip(archive).position(|(expected, found)| expected != found);
        let at = at.unwrap_or_else(|| again.len().min(archive.len()));
        let what = format!("byte {at} is not what export writes there: damaged, or packed by something else");
        return Err(Error::corrupt(PLACE, what));
    }
    Ok(directory)
}

/// Brings an archive into a directory.
///
/// Where Alluvium has no files yet, the archive's go in as they are, the metadata last. Where it has,
/// the archive's state, offsets, watermark, epoch and position become a new checkpoint, the newest;
/// those that were there stay until retention lets them go. Either way it is durable when it
/// resolves, and an archive that is refused changes nothing.
///
/// ```
/// # use alluvium_core::directory::{block_on, MemoryDirectory};
/// # use alluvium_core::{archive, CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
/// # use std::sync::Arc;
/// # let options = OpenOptions::new(Arc::new(ManualClock::new(0)));
/// # let from = Arc::new(MemoryDirectory::new());
/// # let mut manager = block_on(IncrementalCheckpointManager::open(from.clone(), CheckpointConfig::new(), options.clone()))?;
/// # manager.put(b"bed", b"gravel")?;
/// # block_on(manager.create_checkpoint(0))?;
/// let bytes = block_on(archive::export(&*from, None))?;
/// let to = Arc::new(MemoryDirectory::new());
/// block_on(archive::import(&bytes, to.clone(), CheckpointConfig::new(), options.clone()))?;
/// assert_eq!(to.to_files(), from.to_files());
///
/// // Once more: now there is a checkpoint already, and the archive becomes the next.
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
    let recovered = recover(&source, &RecoverOptions::new()).await?;
    let recovered = recovered.ok_or_else(|| Error::unknown(PLACE, "no checkpoint in it"))?;
    let metadata = recovered.metadata.clone();
    if directory.list().await?.iter().all(|entry| Name::parse(&entry.path) == Name::Foreign) {
        let mut files = source.to_files();
        let order = needed(&metadata, |path| files.contains_key(path))?;
        let file = |path: String| NewFile { content: files.remove(&path).unwrap_or_default(), path };
        directory.create(order.into_iter().map(file).collect()).await?;
        return Ok(metadata);
    }
    let state_file = match load_state(&source, metadata.id).await {
        Ok(state) => Some(state),
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let mut manager = IncrementalCheckpointManager::open(directory, config, options).await?;
    manager.take_over(recovered, state_file).await
}

/// The files of an archive by path, each of a name that Alluvium writes.
fn unpack(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let foreign = |error: &dyn std::fmt::Display| Error::unknown(PLACE, format!("not a tar file: {error}"));
    let mut files = BTreeMap::new();
    let mut reader = tar::Archive::new(archive);
    // Raw: extensions that would rename or stretch a file come as entries of their own, and are refused.
    for entry in reader.entries().map_err(|error| foreign(&error))?.raw(true) {
        let entry = entry.map_err(|error| foreign(&error))?;
        let header = entry.header();
        let path = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        if header.entry_type() != tar::EntryType::Regular {
            let what = format!("{path:?} is no regular file but of type {:?}", header.entry_type());
            return Err(Error::unknown(PLACE, what));
        }
        if !matches!(Name::parse(&path), Name::Metadata(_) | Name::State(_) | Name::Segment(..)) {
            return Err(Error::unknown(PLACE, format!("{path:?} is no name that Alluvium writes")));
        }
        let bytes = header.entry_size().map_err(|error| foreign(&error))?;
        // The header's length is a claim; the slice is what there is.
        let start = usize::try_from(entry.raw_file_position()).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(usize::try_from(bytes).ok()?)?));
        let content = range.and_then(|range| archive.get(range)).map(<[u8]>::to_vec);
        let content = content.ok_or_else(|| Error::corrupt(PLACE, format!("{path} of {bytes} bytes is cut short")))?;
        if files.insert(path.clone(), content).is_some() {
            return Err(Error::corrupt(PLACE, format!("{path} is there twice")));
        }
    }
    Ok(files)
}

/// Holds files to being one whole checkpoint and nothing else; gives them in the order of creation.
fn prove(files: BTreeMap<String, Vec<u8>>) -> Result<(Vec<String>, MemoryDirectory), Error> {
    let mut ids = files.keys().filter_map(|path| committed_id(path));
    let (Some(id), None) = (ids.next(), ids.next()) else {
        return Err(Error::unknown(PLACE, "exactly one checkpoint's metadata.json expected"));
    };
    let path = metadata_path(id);
    let metadata = IncrementalCheckpointMetadata::decode(&path, &files[&path])?;
    let order = needed(&metadata, |path| files.contains_key(path))?;
    if let Some(missing) = order.iter().find(|path| !files.contains_key(*path)) {
        return Err(Error::corrupt(missing, format!("missing, though {path} names it")));
    }
    if let Some(stray) = files.keys().find(|path| !order.contains(path)) {
        return Err(Error::unknown(PLACE, format!("{stray} does not belong to checkpoint {id}")));
    }
    let directory = MemoryDirectory::from_files(files);
    // A directory in memory is always ready: this never waits.
    let report = block_on(verify(&directory))?;
    match report.findings.first() {
        Some(finding) => Err(Error::corrupt(&finding.path, &finding.what)),
        None => Ok((order, directory)),
    }
}

/// The files of a checkpoint in the order of their creation. The original does not say whether it
/// wrote a `state.bin`: there it belongs to the checkpoint when it is there.
fn needed(metadata: &IncrementalCheckpointMetadata, is_there: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
    let mut paths = metadata.files();
    let optional = state_path(metadata.id);
    paths.retain(|path| metadata.alluvium.is_some() || *path != optional || is_there(path));
    // The original's metadata has no checksum: what it names is not to be opened unseen.
    match paths.iter().find(|path| Name::parse(path) == Name::Foreign) {
        Some(foreign) => {
            Err(Error::unknown(metadata_path(metadata.id), format!("names {foreign:?}, which is no file of ours")))
        }
        None => Ok(paths),
    }
}

fn committed_id(path: &str) -> Option<u64> {
    match Name::parse(path) {
        Name::Metadata(id) => Some(id),
        _ => None,
    }
}

fn write(order: &[String], mut files: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Serialization(format!("{PLACE}: {error}"));
    let mut builder = tar::Builder::new(Vec::new());
    for path in order {
        let content = files.remove(path).unwrap_or_default();
        let mut header = tar::Header::new_ustar();
        header.set_path(path).map_err(|error| failed(&error))?;
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        builder.append(&header, content.as_slice()).map_err(|error| failed(&error))?;
    }
    builder.into_inner().map_err(|error| failed(&error))
}
