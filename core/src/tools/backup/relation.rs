//! What a destination holds already, and whether it may take the backup.

use std::collections::BTreeSet;

use crate::directory::{Directory, DirectoryError, EntryKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::{METADATA_BYTES_MAX, StoredMetadata};
use crate::format::paths::{Name, backup_path, metadata_path, wal_path};
use crate::format::wal::{WalIdentity, decode};
use crate::ledger::listing::Listing;
use crate::recovery::wal_replay::read_wal;
use crate::tools::backup::plan::{Plan, is_about_file};
use crate::tools::backup::report::BackupError::{self, Destination};

/// So many bytes of two WAL files tell them apart: the checksum of the head covers those of the chunks.
const HEAD_BYTES: usize = 72;

/// How the checkpoints of the destination relate to those of the source.
#[derive(Default)]
pub(super) struct Relation {
    /// Those that are the source's.
    pub(super) same: BTreeSet<u64>,
    /// Those whose id the source has given to another checkpoint. It lost this one in a crash before it was durable.
    pub(super) other: BTreeSet<u64>,
    /// Files that commit something and are damaged, so that they are to be replaced.
    pub(super) broken: Vec<String>,
    /// WAL files after the newest checkpoint that the source no longer holds, because it went back to that checkpoint
    /// when the one after it was deleted. It may have written others of these names since. They are in order of
    /// sequence.
    pub(super) rewound: Vec<String>,
}

/// Marks an empty directory as a backup of the source. One that is no backup, or is one of another directory, is
/// refused.
pub(super) async fn admit<D: Directory>(destination: &D, there: &Listing, store_id: [u8; 16]) -> Result<(), Error> {
    if there.backup_of.iter().eq([&store_id]) {
        return Ok(());
    }
    let id = |id: [u8; 16]| format!("{:032x}", u128::from_be_bytes(id));
    if let Some(other) = there.backup_of.iter().find(|other| **other != store_id) {
        let what = format!("is a backup of the directory with the id {}, and not of {}", id(*other), id(store_id));
        return Err(Error::InvalidInput(what));
    }
    // What a creation left behind that was interrupted is no content.
    if let Some((_, entry)) = there.entries().find(|(_, entry)| entry.kind != EntryKind::Temporary) {
        let what = format!("is neither empty nor a backup that no writer has opened: it holds {}", entry.path);
        return Err(Error::InvalidInput(what));
    }
    destination.create(vec![NewFile { path: backup_path(store_id), content: Vec::new() }]).await?;
    Ok(())
}

impl Relation {
    /// Compares what is committed in the destination with the source. If the destination holds what the source has
    /// lost, it is refused.
    pub(super) async fn of<D: Directory>(destination: &D, there: &Listing, plan: &Plan) -> Result<Self, BackupError> {
        let mut relation = Self::default();
        for &id in &there.checkpoints {
            let path = metadata_path(id);
            let Some(planned) = plan.checkpoints.get(&id) else {
                if plan.has_lost(id) {
                    return Err(lost(&path));
                }
                continue;
            };
            let found = match there.entry(&path) {
                Some((Name::Metadata(_), entry)) if entry.bytes <= METADATA_BYTES_MAX => {
                    destination.read(&path).await.map_err(failed)?
                }
                Some((Name::Metadata(_), _)) => Vec::new(),
                _ => return Err(Destination(Error::InvalidInput(format!("{path} is not a regular file")))),
            };
            if found == planned.metadata {
                relation.same.insert(id);
            } else if StoredMetadata::decode(&path, &found).is_err() {
                relation.broken.push(path);
            } else if id == plan.newest_shown {
                return Err(lost(&path));
            } else {
                relation.other.insert(id);
            }
        }
        relation.compare_wal(destination, there, plan).await?;
        Ok(relation)
    }

    /// Compares the WAL files after the newest checkpoint.
    async fn compare_wal<D: Directory>(
        &mut self,
        destination: &D,
        there: &Listing,
        plan: &Plan,
    ) -> Result<(), BackupError> {
        let newest = plan.newest_shown;
        let Some(format) = plan.checkpoints.get(&newest).map(|planned| planned.format) else { return Ok(()) };
        // Without their checkpoint they mean nothing.
        let counts = self.same.contains(&newest);
        let is_cut = plan.findings.iter().any(|finding| matches!(Name::parse(&finding.path), Name::Wal(..)));
        for (sequence, bytes) in there.wal_after(newest) {
            let path = wal_path(newest, sequence);
            // What follows one that goes must not be left behind a gap.
            if !self.rewound.is_empty() {
                self.rewound.push(path);
                continue;
            }
            let identity = WalIdentity { format, store_id: plan.store_id, checkpoint: newest, sequence };
            let found = match plan.wal.get(&sequence) {
                Some(content) => compare(destination, identity, bytes, content).await?,
                // It may be whole here, where that of the source is damaged.
                None if is_cut && counts => Found::Same,
                None => Found::Another,
            };
            match found {
                Found::Same => {}
                Found::Another if counts && plan.went_back() => self.rewound.push(path),
                Found::Another if counts => return Err(lost(&path)),
                Found::Another | Found::Damaged => self.broken.push(path),
            }
        }
        Ok(())
    }
}

/// What a WAL file of the destination is, compared with that of the source.
enum Found {
    Same,
    /// Another file that is whole.
    Another,
    Damaged,
}

/// Compares a WAL file that was listed with this many bytes with the content that it has in the source.
async fn compare<D: Directory>(
    destination: &D,
    identity: WalIdentity,
    bytes: u64,
    content: &[u8],
) -> Result<Found, BackupError> {
    let path = identity.path();
    let head = &content[..content.len().min(HEAD_BYTES)];
    let has_length = bytes == content.len() as u64;
    if has_length && destination.read_range(&path, 0, head.len()).await.map_err(failed)? == head {
        return Ok(Found::Same);
    }
    match read_wal(destination, identity.format, &path, bytes).await {
        Ok(found) if decode(identity, &found).is_ok() => Ok(Found::Another),
        Err(error) if !is_about_file(&error) => Err(Destination(error)),
        _ => Ok(Found::Damaged),
    }
}

/// Refuses to replace what only the backup has.
fn lost(path: &str) -> BackupError {
    BackupError::Lost { path: path.to_owned() }
}

fn failed(error: DirectoryError) -> BackupError {
    Destination(error.into())
}
