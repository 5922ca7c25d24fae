//! What an archive holds: the files of one whole checkpoint, in their order, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::erased::erased;
use crate::archive::ustar::{self, PLACE};
use crate::directory::{MemoryDirectory, at_once};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::paths::{Name, metadata_path, state_path};
use crate::tools::inspect::load_metadata;
use crate::tools::verify::verify;

/// Returns the files of an archive by path, as far as they are wanted. Every path must be one that Alluvium writes.
pub(super) fn unpack(archive: &[u8], is_wanted: fn(&Name) -> bool) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    let mut rest = archive;
    while let Some((path, content)) = ustar::take(&mut rest)? {
        let name = Name::parse(&path);
        if !matches!(name, Name::Metadata(_) | Name::State(_) | Name::Segment(..) | Name::List(..)) {
            return Err(Error::unknown(PLACE, format!("{path:?} is not a name that Alluvium writes")));
        }
        if is_wanted(&name) && files.insert(path.clone(), content.to_vec()).is_some() {
            return Err(Error::corrupt(PLACE, format!("{path} is there twice")));
        }
    }
    Ok(files)
}

/// Checks that the files are one whole checkpoint and nothing else. Returns their paths in the order in
/// which they are created, and the files as a directory.
pub(super) fn prove(files: BTreeMap<String, Vec<u8>>) -> Result<(Vec<String>, MemoryDirectory), Error> {
    let (directory, metadata) = described(files)?;
    let id = metadata.id;
    let path = metadata_path(id);
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
    let (directory, report) = erased(directory, |files| at_once(verify(files)));
    match report?.findings.first() {
        Some(finding) => Err(Error::corrupt(&finding.path, &finding.what)),
        None => Ok((order, directory)),
    }
}

/// Returns the files as a directory, and the metadata of the one checkpoint in them.
pub(super) fn described(
    files: BTreeMap<String, Vec<u8>>,
) -> Result<(MemoryDirectory, IncrementalCheckpointMetadata), Error> {
    let ids: Vec<u64> = files.keys().filter_map(|path| committed_id(path)).collect();
    let [id] = ids[..] else {
        return Err(Error::unknown(PLACE, "exactly one checkpoint's metadata.json expected"));
    };
    let (directory, metadata) = erased(MemoryDirectory::from_files(files), |files| at_once(load_metadata(files, id)));
    Ok((directory, metadata?))
}

/// Returns the files of a checkpoint in the order in which they are created. LaminarDB's metadata does not
/// say whether there is a `state.bin`: it belongs to the checkpoint if it exists.
pub(super) fn needed(
    metadata: &IncrementalCheckpointMetadata,
    is_there: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Error> {
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
pub(super) fn pack(order: &[String], mut files: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Error> {
    let mut archive = Vec::new();
    for path in order {
        ustar::push(&mut archive, path, &files.remove(path).unwrap_or_default())?;
    }
    ustar::finish(&mut archive);
    Ok(archive)
}
